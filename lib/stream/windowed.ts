/** A keyed stream in windows, waiting to be told what to make of them. */

import type { AggregatorSpec } from "./aggregate.ts";
import { type Aggregates, type On, type ResultOf, toAggregatorSpec } from "./aggregators.ts";
import { reduceBy } from "./aggregators-collecting.ts";
import { countAll, extremeOf, sumOf } from "./aggregators-numeric.ts";
import { authorFunction } from "./author-function.ts";
import { type Duration, milliseconds } from "./duration.ts";
import type { WindowResult } from "./elements.ts";
import { MillraceError } from "./error.ts";
import type { KeyedStream } from "./keyed-stream.ts";
import type { AuthorFunction, Node, WindowAggregateNode } from "./node.ts";
import type { Kept } from "./storable.ts";
import type { AnyTopic, Topic } from "./topic.ts";
import type { WindowAssignerSpec } from "./window-spec.ts";

/** Windows of type W per key; one result `{ key, value, window }` when a window closes, with the timestamp of the window's end − 1. */
export interface Windowed<out T, out K, out W> {
  /**
   * Keeps windows for this long after the watermark has passed them; a late element then gives the updated result at once. Throws a
   * MillraceError "definition" if negative or for windows in processing time, where nothing is late.
   */
  allowedLateness(lateness: Duration): Windowed<T, K, W>;
  /** Writes elements that are too late for every window, with the current key, to a topic. Without it they are counted and dropped. */
  lateTo(topic: Topic<T, unknown, K, unknown>): Windowed<T, K, W>;
  /** How many elements. */
  count(): KeyedStream<WindowResult<K, number, W>, K>;
  /** The sum of a number of each element; in floating point. */
  sum(by: (value: T) => number): KeyedStream<WindowResult<K, number, W>, K>;
  /** The least number. */
  min(by: (value: T) => number): KeyedStream<WindowResult<K, number, W>, K>;
  /** The greatest number. */
  max(by: (value: T) => number): KeyedStream<WindowResult<K, number, W>, K>;
  /** The elements made into one by `fn`, which must be associative. */
  reduce<Allowed = Kept<T>>(this: NoInfer<Allowed>, fn: (a: T, b: T) => T): KeyedStream<WindowResult<K, T, W>, K>;
  /** Several things asked of the elements: `(on) => ({ requests: on.count(), slowest: on.max((r) => r.ms) })`. */
  aggregate<A extends Aggregates, O = On<T>>(
    build: (on: NoInfer<O>) => A,
  ): KeyedStream<WindowResult<K, ResultOf<A>, W>, K>;
}

type Settings = Pick<WindowAggregateNode, "input" | "name" | "assigner" | "allowedLateness" | "lateTo">;

const KINDS: ReadonlySet<string> = new Set<WindowAssignerSpec["kind"]>([
  "tumbling",
  "sliding",
  "cumulative",
  "session",
]);

/** The windows over a node; `then` makes the stream that follows. */
export function windowsOver(
  input: Node,
  assigner: WindowAggregateNode["assigner"],
  name: string | undefined,
  then: (node: Node) => unknown,
): unknown {
  requireAssigner(assigner);
  return new WindowSteps({ input, name, assigner, allowedLateness: milliseconds(0), lateTo: undefined }, then);
}

/** Throws a MillraceError "definition" for what is no assigner. */
export function requireAssigner(assigner: WindowAssignerSpec | undefined): asserts assigner is WindowAssignerSpec {
  if (assigner === undefined || assigner === null || !KINDS.has(assigner.kind))
    throw new MillraceError("definition", "window() takes an assigner, such as tumbling(seconds(5)).");
}

class WindowSteps {
  readonly #settings: Settings;
  readonly #then: (node: Node) => unknown;

  constructor(settings: Settings, then: (node: Node) => unknown) {
    this.#settings = settings;
    this.#then = then;
  }

  allowedLateness(allowedLateness: Duration): WindowSteps {
    this.#refuseProcessingTime("allowedLateness");
    if (!(allowedLateness >= 0))
      throw new MillraceError("definition", `allowedLateness must not be negative (${allowedLateness} ms).`);
    return new WindowSteps({ ...this.#settings, allowedLateness }, this.#then);
  }

  lateTo(lateTo: AnyTopic): WindowSteps {
    this.#refuseProcessingTime("lateTo");
    if (lateTo?.kind !== "topic") throw new MillraceError("definition", "lateTo() takes a topic.");
    return new WindowSteps({ ...this.#settings, lateTo }, this.#then);
  }

  count(): unknown {
    return this.#close(countAll());
  }

  sum(by: AuthorFunction): unknown {
    return this.#close(sumOf(authorFunction(by, "sum")));
  }

  min(by: AuthorFunction): unknown {
    return this.#close(extremeOf("min", authorFunction(by, "min")));
  }

  max(by: AuthorFunction): unknown {
    return this.#close(extremeOf("max", authorFunction(by, "max")));
  }

  reduce(fn: AuthorFunction): unknown {
    return this.#close(reduceBy(authorFunction(fn, "reduce")));
  }

  aggregate(build: AuthorFunction): unknown {
    return this.#close(toAggregatorSpec(authorFunction(build, "aggregate")));
  }

  #close(aggregator: AggregatorSpec): unknown {
    const { kind } = this.#settings.assigner;
    if (aggregator.merge === undefined && kind !== "tumbling")
      throw new MillraceError("definition", `on.custom() needs merge for ${kind} windows.`);
    return this.#then({ kind: "window", ...this.#settings, aggregator });
  }

  #refuseProcessingTime(method: string): void {
    if (this.#settings.assigner.time === "processing")
      throw new MillraceError(
        "definition",
        `${method} is for windows in event time; in processing time nothing is late.`,
      );
  }
}
