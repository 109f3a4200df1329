/** What is made of the matches of a pattern on a keyed stream. */

import { authorFunction } from "./author-function.ts";
import { requireTime } from "./check-window.ts";
import type { Ctx } from "./ctx.ts";
import type { Named } from "./elements.ts";
import { MillraceError } from "./error.ts";
import type { KeyedStream } from "./keyed-stream.ts";
import type { AuthorFunction, Node, PatternNode } from "./node.ts";
import type { Match, PartialMatch } from "./pattern.ts";
import { patternOf } from "./pattern-builder.ts";
import type { NotAsync } from "./storable.ts";
import type { AnyTopic, Topic } from "./topic.ts";

/** What may be said of a pattern's place in a stream. */
export interface PatternOptions {
  /**
   * "event" (the default): elements are matched in order of their timestamps, those of one timestamp in order of arrival, when the watermark has passed them. "processing": at
   * once, in order of arrival, with the clock's time for their timestamps.
   */
  readonly time?: "event" | "processing";
  /**
   * Partial matches that a key may have at once. An element that would make more becomes a dead letter, and matching goes on as if it had not come. Default 10,000; at most
   * 100,000. Together they may hold 25 times as many elements, one in several of them counted for each.
   */
  readonly partialMatchesMax?: number;
}

/** What functions of matches may ask for beside the match. */
export interface MatchCtx<out K> extends Ctx {
  readonly key: K;
  /** The timestamp of the result: of the match's last element, or of what let it go where it had to wait; of what timed out, its first element's and `within`. */
  readonly timestampMs: number;
}

/** The matches of a pattern with the stages S, in a stream of T under a key of K; Q is what is made of what timed out. */
export interface PatternMatches<S, T, K, Q = never> {
  /** Writes elements that come after the watermark has passed them, with the key, to a topic. Without it they are counted and dropped. */
  lateTo(topic: Topic<T, unknown, K, unknown>): PatternMatches<S, T, K, Q>;
  /**
   * Makes an element of each partial match that was not completed within the pattern's time, when the watermark passes that. What stood several ways with the same elements is
   * one. Without it they are dropped.
   */
  timedOut<R>(fn: (partial: PartialMatch<S>, ctx: MatchCtx<K>) => R & NotAsync<R>): PatternMatches<S, T, K, R>;
  /** Makes an element of each match; with `timedOut`, the stream has the elements of both. */
  select<R>(fn: (match: Match<S>, ctx: MatchCtx<K>) => R & NotAsync<R>, options?: Named): KeyedStream<R | Q, K>;
}

const PARTIAL_MATCHES_DEFAULT = 10_000;
const PARTIAL_MATCHES_MAX = 100_000;

type Settings = Omit<PatternNode, "select" | "name">;

/** The matches of a pattern over a node; `then` makes the stream that follows. */
export function patternOver(
  input: Node,
  build: AuthorFunction,
  options: PatternOptions,
  then: (node: Node) => unknown,
): unknown {
  const { time = "event", partialMatchesMax = PARTIAL_MATCHES_DEFAULT } = options;
  requireTime(time, "a pattern");
  if (!Number.isSafeInteger(partialMatchesMax) || partialMatchesMax < 1 || partialMatchesMax > PARTIAL_MATCHES_MAX)
    throw new MillraceError(
      "definition",
      `The partialMatchesMax of a pattern is a whole number from 1 to ${PARTIAL_MATCHES_MAX}, not ${partialMatchesMax}.`,
    );
  const pattern = patternOf(build);
  const settings: Settings = {
    kind: "pattern",
    input,
    pattern,
    time,
    partialMatchesMax,
    timedOut: undefined,
    lateTo: undefined,
  };
  return new MatchesBuilder(settings, then);
}

class MatchesBuilder {
  readonly #settings: Settings;
  readonly #then: (node: Node) => unknown;

  constructor(settings: Settings, then: (node: Node) => unknown) {
    this.#settings = settings;
    this.#then = then;
  }

  lateTo(lateTo: AnyTopic): MatchesBuilder {
    if (lateTo?.kind !== "topic") throw new MillraceError("definition", "lateTo() takes a topic.");
    if (this.#settings.time === "processing")
      throw new MillraceError(
        "definition",
        "lateTo is for patterns in event time; in processing time nothing is late.",
      );
    return new MatchesBuilder({ ...this.#settings, lateTo }, this.#then);
  }

  timedOut(fn: AuthorFunction): MatchesBuilder {
    if (this.#settings.pattern.withinMs === undefined)
      throw new MillraceError("definition", "timedOut() is for patterns with within(); without it nothing times out.");
    return new MatchesBuilder({ ...this.#settings, timedOut: authorFunction(fn, "timedOut") }, this.#then);
  }

  select(fn: AuthorFunction, options?: Named): unknown {
    return this.#then({ ...this.#settings, select: authorFunction(fn, "select"), name: options?.name });
  }
}
