/** Window joins and coGroups: two keyed streams whose elements meet in windows. */

import { authorFunction } from "./author-function.ts";
import { requireAssigner } from "./check-window.ts";
import { type Duration, milliseconds } from "./duration.ts";
import type { Named } from "./elements.ts";
import { MillraceError } from "./error.ts";
import { type JoinCtx, type LateTopics, toLateTopics } from "./joined.ts";
import type { KeyedStream } from "./keyed-stream.ts";
import type { AuthorFunction, Node, WindowJoinNode } from "./node.ts";
import type { ElementOf, NotAsync, Several } from "./storable.ts";
import type { AnyTopic } from "./topic.ts";
import type { WindowAssigner, WindowAssignerSpec } from "./window-spec.ts";

/** What a function of elements that met in a window may ask for. */
export interface WindowJoinCtx<out K, out W> extends JoinCtx<K> {
  readonly window: W;
}

interface InWindows<out L, out R, out K, out Self> {
  /**
   * Keeps windows for this long after the watermark has passed them; a late element then gives all results of its window again. Throws a MillraceError
   * "definition" if negative or for windows in processing time, where nothing is late.
   */
  allowedLateness(lateness: Duration): Self;
  /** Writes elements of a side that are too late for every window, with the key, to a topic. Without it they are counted and dropped. */
  lateTo(topics: LateTopics<L, R, K>): Self;
}

/** Two streams that are joined, waiting for windows. */
export interface WindowJoin<out L, out R, out K> {
  /** The windows in which elements meet: those of both streams are in them together, so a session may consist of elements of both. */
  window<W>(assigner: WindowAssigner<L | R, W>): WindowJoined<L, R, K, W>;
}

/** Every pair of a left and a right element of one key and window, when it closes; the result has the window's end − 1 as its timestamp. */
export interface WindowJoined<out L, out R, out K, out W> extends InWindows<L, R, K, WindowJoined<L, R, K, W>> {
  /** Makes one element of each pair, left ones in order of arrival, with the right ones of each in theirs. */
  map<O>(fn: (left: L, right: R, ctx: WindowJoinCtx<K, W>) => O & NotAsync<O>, options?: Named): KeyedStream<O, K>;
}

/** Two streams that are grouped together, waiting for windows. */
export interface CoGroup<out L, out R, out K> {
  /** The windows in which elements meet: those of both streams are in them together, so a session may consist of elements of both. */
  window<W>(assigner: WindowAssigner<L | R, W>): CoGrouped<L, R, K, W>;
}

/** All elements of both sides of one key and window, when it closes; one side may be empty. Results have the window's end − 1 as their timestamp. */
export interface CoGrouped<out L, out R, out K, out W> extends InWindows<L, R, K, CoGrouped<L, R, K, W>> {
  /**
   * Makes any number of elements of a window. A left outer join:
   * `flatMap((lefts, rights) => lefts.flatMap((left) => (rights.length > 0 ? rights : [undefined]).map((right) => ({ left, right }))))`.
   */
  flatMap<O>(
    fn: (lefts: readonly L[], rights: readonly R[], ctx: WindowJoinCtx<K, W>) => O & Several<O>,
    options?: Named,
  ): KeyedStream<ElementOf<O>, K>;
}

type Then = (node: Node) => unknown;

/** The beginning of a window join or coGroup of two nodes; `then` makes the stream that follows. */
export function windowJoinOf(mode: WindowJoinNode["mode"], left: Node, right: Node, then: Then): unknown {
  return {
    window: (assigner: WindowAssignerSpec) => {
      requireAssigner(assigner);
      return new WindowJoinSteps(
        {
          kind: "windowJoin",
          inputs: [left, right],
          mode,
          assigner,
          allowedLateness: milliseconds(0),
          lateTo: [undefined, undefined],
        },
        then,
      );
    },
  };
}

class WindowJoinSteps {
  readonly #settings: Omit<WindowJoinNode, "fn" | "name">;
  readonly #then: Then;

  constructor(settings: Omit<WindowJoinNode, "fn" | "name">, then: Then) {
    this.#settings = settings;
    this.#then = then;
  }

  allowedLateness(allowedLateness: Duration): WindowJoinSteps {
    this.#refuseProcessingTime("allowedLateness");
    if (!(allowedLateness >= 0))
      throw new MillraceError("definition", `allowedLateness must not be negative (${allowedLateness} ms).`);
    return new WindowJoinSteps({ ...this.#settings, allowedLateness }, this.#then);
  }

  lateTo(topics: { left?: AnyTopic; right?: AnyTopic }): WindowJoinSteps {
    this.#refuseProcessingTime("lateTo");
    return new WindowJoinSteps({ ...this.#settings, lateTo: toLateTopics(topics) }, this.#then);
  }

  map(fn: AuthorFunction, options?: Named): unknown {
    return this.#close("pairs", "map", fn, options);
  }

  flatMap(fn: AuthorFunction, options?: Named): unknown {
    return this.#close("groups", "flatMap", fn, options);
  }

  #close(mode: WindowJoinNode["mode"], method: string, fn: AuthorFunction, options: Named | undefined): unknown {
    if (mode !== this.#settings.mode)
      throw new MillraceError(
        "definition",
        "A join ends in map(), which gets pairs; a coGroup in flatMap(), which gets both sides.",
      );
    return this.#then({ ...this.#settings, name: options?.name, fn: authorFunction(fn, method) });
  }

  #refuseProcessingTime(method: string): void {
    if (this.#settings.assigner.time === "processing")
      throw new MillraceError(
        "definition",
        `${method} is for windows in event time; in processing time nothing is late.`,
      );
  }
}
