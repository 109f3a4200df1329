/** Interval joins: two keyed streams whose elements meet by how far apart they are in time. */

import { authorFunction } from "./author-function.ts";
import type { Duration } from "./duration.ts";
import type { Named } from "./elements.ts";
import { MillraceError } from "./error.ts";
import { type Joined, type LateTopics, toLateTopics } from "./joined.ts";
import type { AuthorFunction, IntervalJoinNode, Node } from "./node.ts";
import type { AnyTopic } from "./topic.ts";

/** What an interval join takes beside its bounds. */
export interface IntervalOptions {
  /** Whether a pair may be exactly `lower` apart. Default true. */
  readonly lowerInclusive?: boolean;
  /** Whether a pair may be exactly `upper` apart. Default true. */
  readonly upperInclusive?: boolean;
}

/** Two streams whose elements meet by time. */
export interface IntervalJoin<out L, out R, out K> {
  /**
   * Pairs with `left.ts + lower ≤ right.ts ≤ left.ts + upper`; both may be negative. An element is late, and joins nothing, when the watermark is beyond its
   * timestamp. A left element is kept until the watermark reaches `ts + upper`, a right one until `ts − lower`, and neither shorter than until its own
   * timestamp; the result of a pair has the later timestamp of the two.
   *
   * Throws a MillraceError "definition" for bounds between which nothing lies.
   */
  between(lower: Duration, upper: Duration, options?: IntervalOptions): IntervalJoined<L, R, K>;
}

/** Pairs of an interval join. */
export interface IntervalJoined<out L, out R, out K> extends Joined<L, R, K> {
  /** Writes late elements of a side, with the key, to a topic. Without it they are counted and dropped. */
  lateTo(topics: LateTopics<L, R, K>): IntervalJoined<L, R, K>;
}

type Then = (node: Node) => unknown;

/** The beginning of an interval join of two nodes; `then` makes the stream that follows. */
export function intervalJoinOf(left: Node, right: Node, then: Then): unknown {
  return {
    between: (lower: unknown, upper: unknown, options: IntervalOptions = {}) => {
      for (const bound of [lower, upper])
        if (!Number.isSafeInteger(bound))
          throw new MillraceError(
            "definition",
            `The bounds of an interval join are whole milliseconds, such as minutes(-5), not ${String(bound)}.`,
          );
      const lowerMs = (lower as number) + (options.lowerInclusive === false ? 1 : 0);
      const upperMs = (upper as number) - (options.upperInclusive === false ? 1 : 0);
      if (lowerMs > upperMs)
        throw new MillraceError(
          "definition",
          `Nothing lies between the bounds of an interval join, ${lower} ms and ${upper} ms.`,
        );
      return new IntervalJoinSteps(
        { kind: "intervalJoin", inputs: [left, right], lowerMs, upperMs, lateTo: [undefined, undefined] },
        then,
      );
    },
  };
}

class IntervalJoinSteps {
  readonly #settings: Omit<IntervalJoinNode, "fn" | "name">;
  readonly #then: Then;

  constructor(settings: Omit<IntervalJoinNode, "fn" | "name">, then: Then) {
    this.#settings = settings;
    this.#then = then;
  }

  lateTo(topics: { left?: AnyTopic; right?: AnyTopic }): IntervalJoinSteps {
    return new IntervalJoinSteps({ ...this.#settings, lateTo: toLateTopics(topics) }, this.#then);
  }

  map(fn: AuthorFunction, options?: Named): unknown {
    return this.#then({ ...this.#settings, name: options?.name, fn: authorFunction(fn, "map") });
  }
}
