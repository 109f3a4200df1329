/** Streams after a keyBy: the same steps, and those that keep state per key. */

import type { Aggregates, On, ResultOf } from "./aggregators.ts";
import type { AsyncFunction, MapAsyncOptions } from "./async-function.ts";
import type { Broadcast, Connectable, ConnectableWith, ConnectOf } from "./broadcast.ts";
import type { Ctx } from "./ctx.ts";
import type { Elements, Named, Result, Sink, Writer } from "./elements.ts";
import type { IntervalJoin } from "./interval-joined.ts";
import type { Joined, SameKey } from "./joined.ts";
import type { Key } from "./key.ts";
import type { FunctionOptions } from "./operator-definition.ts";
import type { Pattern, PatternStart } from "./pattern.ts";
import type { PatternMatches, PatternOptions } from "./pattern-matches.ts";
import type { DeduplicateOptions, ProcessSpec } from "./process.ts";
import type { States } from "./process-state.ts";
import type { Uses } from "./settings.ts";
import type { Crossing, ElementOf, Kept, NotAsync, Several } from "./storable.ts";
import type { Branches, Guarded, Predicate, RestOf, Stream } from "./stream.ts";
import type { Joinable, JoinableWith, JoinOf, Table } from "./table.ts";
import type { CoGroup } from "./window-joined.ts";
import type { GlobalWindow, WindowAssigner } from "./window-spec.ts";
import type { Windowed, WindowedAll, WindowOptions } from "./windowed.ts";

/** What may be said of a keyBy: its name, and the size of its shuffle. */
export interface KeyByOptions extends Named {
  /**
   * Names the shuffle and the function after it, `operator--name`, and is part of the state's identity. Default "by-key". The keyBys of streams that are
   * joined share a shuffle, and so its name, parallelism and maxParallelism: give them the same, or one of the two a name.
   */
  readonly name?: string;
  /** Partitions of the shuffle: 1 to maxParallelism. Default: as many as the largest topic that feeds it. */
  readonly parallelism?: number;
  /** Key groups: a power of two from 1 to 32,768, fixed for the life of the state. Default 128. */
  readonly maxParallelism?: number;
  /** Settings of the Lambda function after the shuffle. */
  readonly function?: FunctionOptions;
}

export type SplitKeyedStreams<B, T, K> = { readonly [N in keyof B]: KeyedStream<Guarded<B[N], T>, K> } & {
  readonly rest: KeyedStream<RestOf<B, T>, K>;
};

/** A stream of T under a key of K, which stays until the next keyBy. Streams are immutable values, as `Stream` says. */
export interface KeyedStream<out T, out K> extends Elements<T, K> {
  readonly kind: "keyed-stream";
  /** One element for each; timestamp and key stay. */
  map<R>(fn: (value: T, ctx: Ctx) => R & NotAsync<R>, options?: Named): KeyedStream<R, K>;
  /** Only the elements for which `fn` returns true. */
  filter<F extends Predicate<T>, R = Guarded<F, T>>(fn: F, options?: Named): KeyedStream<R, K>;
  /** Any number of elements for each, all with its timestamp and key. */
  flatMap<O>(fn: (value: T, ctx: Ctx) => O & Several<O>, options?: Named): KeyedStream<ElementOf<O>, K>;
  /** Looks at every element and passes it on. Runs again when a batch is repeated: only `ctx.log` and `ctx.metrics` count once. */
  peek<R>(fn: (value: T, ctx: Ctx) => R & NotAsync<R>, options?: Named): KeyedStream<T, K>;
  /**
   * One element for each, from an answer of the outside, with an `asyncFunction` or what it takes: the answer itself, or what `combine` makes of element and answer, as in
   * `orders.mapAsync(customerOf, { combine: (order, customer) => ({ ...order, customer }) })`. Timestamp and key stay. Calls are made at least once per element; see
   * `AsyncFunction` for order, time-out, capacity, retries, batches and the cache.
   */
  mapAsync<R, U extends Uses = Record<never, never>, C = undefined, O = R>(
    fn: AsyncFunction<T, R, U, C>,
    options?: MapAsyncOptions<T, R, O>,
  ): KeyedStream<O, K>;
  /** One stream for each predicate; an element goes to the first that matches, else to `rest`. */
  split<const B extends Branches<T>, R = SplitKeyedStreams<B, T, K>>(branches: B, options?: Named): R;
  /** The elements of this and other streams of the same type; state needs another keyBy. */
  union<KS extends readonly unknown[]>(
    ...others: { readonly [I in keyof KS]: Elements<T, KS[I]> }
  ): Stream<T, K | KS[number]>;
  /** Sets another key, as `Stream.keyBy` does. */
  keyBy<const NK extends Key | null, Allowed = Crossing<T>>(
    this: NoInfer<Allowed>,
    fn: (value: T) => NK,
    options?: KeyByOptions,
  ): KeyedStream<T, Exclude<NK, null>>;
  /** Windows per key. What is asked of their elements follows: `.count()`, `.aggregate(…)`. */
  window<W>(assigner: WindowAssigner<T, W>, options?: WindowOptions): Windowed<T, K, W>;
  /**
   * A result with every `n` elements of a key, of these; with `every`: with every `every` elements, of the last `n`. What is over at the end of the input gives no
   * result, as in Flink.
   */
  countWindow(n: number, every?: number, options?: Named): Windowed<T, K, GlobalWindow>;
  /** Meets another keyed stream's elements of the same key by their times: `.intervalJoin(payments).between(minutes(-5), hours(1)).map(…)`. */
  intervalJoin<U, OK, Allowed = Kept<T>>(
    this: NoInfer<Allowed>,
    other: KeyedStream<U, OK> & Kept<U> & SameKey<K, OK>,
  ): IntervalJoin<T, U, K>;
  /**
   * With another keyed stream: meets its elements of the same key and window, each with each, as in `.join(payments).window(tumbling(minutes(5))).map(…)`.
   *
   * With a table, as in `.join(table(customers)).map(…)`: meets what it says of the key, as of the element's time. The element waits until the watermark, which
   * is that of stream and table together, has passed it. Without a version there is no result. A table that changes seldom holds the watermark back unless its
   * topic's watermark has an `idleAfter`.
   */
  join<O extends Joinable, Allowed = Kept<T>>(this: NoInfer<Allowed>, other: O & JoinableWith<K, O>): JoinOf<T, O, K>;
  /** Gathers this and another keyed stream's elements by key and window; one side may be empty. Left, right and full outer joins are made of it. */
  coGroup<U, OK, Allowed = Kept<T>>(
    this: NoInfer<Allowed>,
    other: KeyedStream<U, OK> & Kept<U> & SameKey<K, OK>,
  ): CoGroup<T, U, K>;
  /** As `join` with a table, and an element without a version meets undefined. */
  leftJoin<V, OK extends Key, Allowed = Kept<T>>(
    this: NoInfer<Allowed>,
    table: Table<V, OK> & SameKey<K, OK>,
  ): Joined<T, V | undefined, K>;
  /**
   * With another keyed stream: meets its elements of the same key in one process function, whose state and timers both share.
   *
   * With a broadcast stream or table, as in `.connect(table(rules).broadcast()).process(…)`: a process function that has state and timers per key, and beside them
   * what was broadcast, whole, in every task. While the broadcast side is quiet it holds the watermark back, unless its topic's watermark has an `idleAfter`.
   */
  connect<O extends Connectable, Allowed = Kept<T>>(
    this: NoInfer<Allowed>,
    other: O & ConnectableWith<K, O>,
  ): ConnectOf<T, O, K>;
  /** Each element for every task of another stream, as `Stream.broadcast`. */
  broadcast<Allowed = Crossing<T>>(this: NoInfer<Allowed>): Broadcast<T>;
  /** How many elements the key has had, after each. */
  count(options?: Named): KeyedStream<Result<K, number>, K>;
  /** The sum of the key's elements so far, after each; in floating point. */
  sum(by: (value: T) => number, options?: Named): KeyedStream<Result<K, number>, K>;
  /** The least of the key's elements so far, after each. */
  min(by: (value: T) => number, options?: Named): KeyedStream<Result<K, number>, K>;
  /** The most of the key's elements so far, after each. */
  max(by: (value: T) => number, options?: Named): KeyedStream<Result<K, number>, K>;
  /** The mean of the key's elements so far, after each. */
  average(by: (value: T) => number, options?: Named): KeyedStream<Result<K, number>, K>;
  /** The element with the least of the key's so far, after each; the first on a tie. */
  minBy<Allowed = Kept<T>>(
    this: NoInfer<Allowed>,
    by: (value: T) => number | string,
    options?: Named,
  ): KeyedStream<Result<K, T>, K>;
  /** The element with the most of the key's so far, after each; the first on a tie. */
  maxBy<Allowed = Kept<T>>(
    this: NoInfer<Allowed>,
    by: (value: T) => number | string,
    options?: Named,
  ): KeyedStream<Result<K, T>, K>;
  /** All elements of the key so far made into one by `fn`, after each. `fn` must be associative. */
  reduce<Allowed = Kept<T>>(
    this: NoInfer<Allowed>,
    fn: (a: T, b: T) => T,
    options?: Named,
  ): KeyedStream<Result<K, T>, K>;
  /** Several things asked of the key's elements so far, after each: `(on) => ({ requests: on.count(), slowest: on.max((r) => r.ms) })`. */
  aggregate<A extends Aggregates, O = On<T>>(
    build: (on: NoInfer<O>) => A,
    options?: Named,
  ): KeyedStream<Result<K, ResultOf<A>>, K>;
  /**
   * Author's code with state and timers per key: `{ state, onElement, onTimer }`, whose outputs are returned or yielded. Outputs of onElement have the
   * element's timestamp, those of onTimer the timer's time; the key stays. Throws a MillraceError "definition" for a wrong name or declaration of state.
   * What throws in onElement or onTimer leaves nothing behind and becomes a dead letter, as everywhere.
   */
  process<S extends States = Record<never, never>, O = undefined, Q = undefined>(
    spec: ProcessSpec<K, T, S, O, Q>,
    options?: Named,
  ): KeyedStream<ElementOf<O> | ElementOf<Q>, K>;
  /**
   * Sequences of the key's elements: `.pattern((p) => p.begin("view", isView).followedBy("cart", (e, { view }) => e.item === view.item).within(minutes(30)))`, then
   * `.select((match) => …)`. As Flink's CEP. Throws a MillraceError "definition" for what is no pattern. A condition that throws makes its element a dead letter, and matching goes
   * on as if it had not come.
   */
  pattern<S, P = PatternStart<T>, Allowed = Kept<T>>(
    this: NoInfer<Allowed>,
    build: (p: NoInfer<P>) => Pattern<S>,
    options?: PatternOptions,
  ): PatternMatches<S, T, K>;
  /** Only the first of the key's elements that are the same: by `by`, or all of the key. After `ttl`, by the clock, one may come again. */
  deduplicate(options?: DeduplicateOptions<T>): KeyedStream<T, K>;
  /** Windows over all elements, whatever their keys, in one task: as `Stream.windowAll`. */
  windowAll<W, Allowed = Crossing<T>>(
    this: NoInfer<Allowed>,
    assigner: WindowAssigner<T, W>,
    options?: WindowOptions,
  ): WindowedAll<T, W>;
  /** Writes to a topic: element and current key, if both fit, or what `topic.from` and `topic.record` make of them. */
  to(target: Writer<T, K>, options?: Named): Sink;
}
