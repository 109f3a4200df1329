/** A stream in windows, waiting to be told what to make of them: what authors see of it. */

import type { Aggregates, On, ResultOf } from "./aggregators.ts";
import type { Ctx } from "./ctx.ts";
import type { Duration } from "./duration.ts";
import type { Named, Result, WindowResult } from "./elements.ts";
import type { Evictor } from "./evictor.ts";
import type { KeyedStream } from "./keyed-stream.ts";
import type { HandlesOf, States } from "./process-state.ts";
import type { ElementOf, Kept, Several } from "./storable.ts";
import type { Stream } from "./stream.ts";
import type { Topic } from "./topic.ts";
import type { Trigger } from "./trigger.ts";

/** What may be said of windows: the name of their state, and when they tell what they hold. */
export interface WindowOptions extends Named {
  /**
   * When results are given. "results" (default): when a window closes, and again for each late element that is allowed. "updates": with every element, the result so
   * far; the last one is the window's. `{ every }`: the result so far as often as that, where it changed, and at the end; by the time of the windows unless `time` says
   * another.
   */
  readonly emit?: "results" | "updates" | { readonly every: Duration; readonly time?: "event" | "processing" };
}

/** What a function of a window's result is told besides it. */
export interface ResultContext<out K, out W> extends Ctx {
  readonly key: K;
  readonly window: W;
}

/** What a window's function keeps: S of each window, G of the key. */
export interface WindowStates<out S, out G> {
  /** Of this window and key: kept from one result of the window to the next, dropped when the window is forgotten. */
  readonly windowState: HandlesOf<S>;
  /** Of this key, for all its windows. */
  readonly globalState: HandlesOf<G>;
}

/** What `clear` is told: which window of which key is forgotten. `timestampMs` is that of the window's results. */
export interface ClearContext<out K, out W, out S, out G> extends ResultContext<K, W>, WindowStates<S, G> {}

/** What a function of all elements of a window is told besides them. */
export interface WindowContext<out K, out W> extends ResultContext<K, W> {
  /** The timestamps of the elements, in their order. `timestampMs` is that of what the function returns: the window's last. */
  readonly timestampsMs: readonly number[];
}

/** What a window's function keeps beside what is in the window. */
export interface WindowStateOptions<in K, in W, S extends States, G extends States> {
  /**
   * State per window and key, as process functions declare it, without a ttl: it goes with the window. Refused with a MillraceError "definition" for windows that
   * merge, as in Flink. A window that never ends keeps it.
   */
  readonly windowState?: S;
  /** State per key, for all its windows. */
  readonly globalState?: G;
  /** Called once when a window is forgotten: at its end, or after the lateness that is allowed. Its outputs are none. */
  clear?(context: ClearContext<K, W, NoInfer<S>, NoInfer<G>>): void;
}

/** In which order a function gets the elements of a window, and what it keeps. */
export interface ProcessOptions<
  in K = unknown,
  in W = unknown,
  S extends States = Record<never, never>,
  G extends States = Record<never, never>,
> extends WindowStateOptions<K, W, S, G> {
  /** Of their arrival (default), or of their timestamps; those with the same in the order of their arrival. */
  readonly order?: "arrival" | "event-time";
}

/** Windows of type W per key; one result `{ key, value, window }` when a window closes, with the timestamp of the window's end − 1. */
export interface Windowed<out T, out K, out W> {
  /**
   * Keeps windows for this long after the watermark has passed them; a late element then gives the updated result at once. Throws a
   * MillraceError "definition" if negative or for windows that are not in event time, where nothing is late.
   */
  allowedLateness(lateness: Duration): Windowed<T, K, W>;
  /** Writes elements that are too late for every window, with the current key, to a topic. Without it they are counted and dropped. */
  lateTo(topic: Topic<T, unknown, K, unknown>): Windowed<T, K, W>;
  /** Lets another trigger than the assigner's own say when windows give results. */
  trigger(trigger: Trigger<T, W>): Windowed<T, K, W>;
  /** Leaves elements out before or after a result is computed. All elements of a window are kept for it. */
  evictor(evictor: Evictor<T, W>): Windowed<T, K, W>;
  /** How many elements. */
  count(): KeyedStream<WindowResult<K, number, W>, K>;
  /** The sum of a number of each element; in floating point. */
  sum(by: (value: T) => number): KeyedStream<WindowResult<K, number, W>, K>;
  /** The least number. */
  min(by: (value: T) => number): KeyedStream<WindowResult<K, number, W>, K>;
  /** The greatest number. */
  max(by: (value: T) => number): KeyedStream<WindowResult<K, number, W>, K>;
  /** The mean of a number of each element. */
  average(by: (value: T) => number): KeyedStream<WindowResult<K, number, W>, K>;
  /** The element with the least; on a tie the first: in sliding and cumulative windows by time, otherwise by arrival. */
  minBy<Allowed = Kept<T>>(
    this: NoInfer<Allowed>,
    by: (value: T) => number | string,
  ): KeyedStream<WindowResult<K, T, W>, K>;
  /** The element with the most; on a tie the first: in sliding and cumulative windows by time, otherwise by arrival. */
  maxBy<Allowed = Kept<T>>(
    this: NoInfer<Allowed>,
    by: (value: T) => number | string,
  ): KeyedStream<WindowResult<K, T, W>, K>;
  /** The elements made into one by `fn`, which must be associative. */
  reduce<Allowed = Kept<T>>(this: NoInfer<Allowed>, fn: (a: T, b: T) => T): KeyedStream<WindowResult<K, T, W>, K>;
  /** The `n` elements with the most, the most first; on a tie the earlier. `n` is 1 to 10,000. */
  topN<Allowed = Kept<T>>(
    this: NoInfer<Allowed>,
    n: number,
    by: (value: T) => number,
  ): KeyedStream<WindowResult<K, readonly T[], W>, K>;
  /**
   * The `n` keys of each window with the most, over all keys, the most first: `.topKeys(10, (on) => on.count(), (count) => count)`. Of as much the lesser key. Each
   * task sends the best of its keys, and one task takes those of all; where results are updated (`allowedLateness`, `emit`, a trigger), the newest result of a
   * key replaces the one before, be it less, and that task keeps all keys of its windows. Late elements give the updated n at once, `emit` tells them in between.
   * For tumbling, sliding and cumulative windows in event time; refused with a MillraceError "definition" for others. `name` is that of the keyBy for all, default "top".
   */
  topKeys<A extends Aggregates, O = On<T>>(
    n: number,
    build: (on: NoInfer<O>) => A,
    by: (result: ResultOf<A>) => number,
    options?: Named,
  ): Stream<WindowResult<null, readonly Result<K, ResultOf<A>>[], W>, null>;
  /** All elements, in the order of their arrival. Kept in state: mind how many there can be. */
  collect<Allowed = Kept<T>>(this: NoInfer<Allowed>): KeyedStream<WindowResult<K, readonly T[], W>, K>;
  /** Several things asked of the elements: `(on) => ({ requests: on.count(), slowest: on.max((r) => r.ms) })`. */
  aggregate<A extends Aggregates, O = On<T>>(
    build: (on: NoInfer<O>) => A,
  ): KeyedStream<WindowResult<K, ResultOf<A>, W>, K>;
  /**
   * What a function makes of the result of an aggregate, with the window and its key: any number of elements. As `process`, but nothing is kept except what the
   * aggregate keeps.
   */
  aggregateAndProcess<
    A extends Aggregates,
    R,
    O = On<T>,
    S extends States = Record<never, never>,
    G extends States = Record<never, never>,
  >(
    build: (on: NoInfer<O>) => A,
    fn: (result: ResultOf<A>, context: ResultContext<K, W> & WindowStates<NoInfer<S>, NoInfer<G>>) => R & Several<R>,
    options?: WindowStateOptions<K, W, S, G>,
  ): KeyedStream<ElementOf<R>, K>;
  /**
   * What a function makes of all elements of a window at once: any number of elements, with the timestamp of the window's end − 1. The elements are kept in
   * state until then; where an aggregate says enough, it costs less. Options declare what else is kept, per window and per key.
   */
  process<O, Allowed = Kept<T>, S extends States = Record<never, never>, G extends States = Record<never, never>>(
    this: NoInfer<Allowed>,
    fn: (elements: readonly T[], context: WindowContext<K, W> & WindowStates<NoInfer<S>, NoInfer<G>>) => O & Several<O>,
    options?: ProcessOptions<K, W, S, G>,
  ): KeyedStream<ElementOf<O>, K>;
}

/** Windows of type W over all elements: as Windowed, in one task, and without a key behind them. */
export interface WindowedAll<out T, out W> {
  /** As `Windowed.allowedLateness`. */
  allowedLateness(lateness: Duration): WindowedAll<T, W>;
  /** As `Windowed.lateTo`. */
  lateTo(topic: Topic<T, unknown, null, unknown>): WindowedAll<T, W>;
  /** As `Windowed.trigger`. */
  trigger(trigger: Trigger<T, W>): WindowedAll<T, W>;
  /** As `Windowed.evictor`. */
  evictor(evictor: Evictor<T, W>): WindowedAll<T, W>;
  /** How many elements. */
  count(): Stream<WindowResult<null, number, W>, null>;
  /** The sum of a number of each element; in floating point. */
  sum(by: (value: T) => number): Stream<WindowResult<null, number, W>, null>;
  /** The least number. */
  min(by: (value: T) => number): Stream<WindowResult<null, number, W>, null>;
  /** The greatest number. */
  max(by: (value: T) => number): Stream<WindowResult<null, number, W>, null>;
  /** The mean of a number of each element. */
  average(by: (value: T) => number): Stream<WindowResult<null, number, W>, null>;
  /** The element with the least; on a tie the first: in sliding and cumulative windows by time, otherwise by arrival. */
  minBy(by: (value: T) => number | string): Stream<WindowResult<null, T, W>, null>;
  /** The element with the most; on a tie the first: in sliding and cumulative windows by time, otherwise by arrival. */
  maxBy(by: (value: T) => number | string): Stream<WindowResult<null, T, W>, null>;
  /** The elements made into one by `fn`, which must be associative. */
  reduce(fn: (a: T, b: T) => T): Stream<WindowResult<null, T, W>, null>;
  /**
   * The `n` elements with the most, the most first; on a tie the earlier. The keys with the most, of all keys, are what `Windowed.topKeys` tells.
   */
  topN(n: number, by: (value: T) => number): Stream<WindowResult<null, readonly T[], W>, null>;
  /** All elements, in the order of their arrival. Kept in state: mind how many there can be. */
  collect(): Stream<WindowResult<null, readonly T[], W>, null>;
  /** As `Windowed.aggregate`. */
  aggregate<A extends Aggregates, O = On<T>>(
    build: (on: NoInfer<O>) => A,
  ): Stream<WindowResult<null, ResultOf<A>, W>, null>;
  /** As `Windowed.aggregateAndProcess`. */
  aggregateAndProcess<
    A extends Aggregates,
    R,
    O = On<T>,
    S extends States = Record<never, never>,
    G extends States = Record<never, never>,
  >(
    build: (on: NoInfer<O>) => A,
    fn: (result: ResultOf<A>, context: ResultContext<null, W> & WindowStates<NoInfer<S>, NoInfer<G>>) => R & Several<R>,
    options?: WindowStateOptions<null, W, S, G>,
  ): Stream<ElementOf<R>, null>;
  /** As `Windowed.process`. */
  process<O, S extends States = Record<never, never>, G extends States = Record<never, never>>(
    fn: (
      elements: readonly T[],
      context: WindowContext<null, W> & WindowStates<NoInfer<S>, NoInfer<G>>,
    ) => O & Several<O>,
    options?: ProcessOptions<null, W, S, G>,
  ): Stream<ElementOf<O>, null>;
}
