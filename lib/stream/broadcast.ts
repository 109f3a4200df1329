/** Broadcast streams and tables: small ones, such as rules and settings, that every task of another stream knows whole. */

import type { Ctx } from "./ctx.ts";
import { toStates } from "./declared-states.ts";
import type { Elements, Named } from "./elements.ts";
import { MillraceError } from "./error.ts";
import { keyBysOf } from "./graph.ts";
import type { SameKey } from "./joined.ts";
import type { KeyedStream } from "./keyed-stream.ts";
import type { BroadcastNode, KeyByNode, Node } from "./node.ts";
import {
  type AnySpec,
  type Connected,
  type Emitted,
  functionOf,
  type ProcessCtx,
  requireSpec,
  type TimerCtx,
} from "./process.ts";
import type { HandlesOf, MapState, StateDeclaration, States, ValueState } from "./process-state.ts";
import type { ElementOf, Kept } from "./storable.ts";
import type { Stream } from "./stream.ts";

declare const element: unique symbol;
declare const tableKey: unique symbol;

/** A stream of U for `connect`: each element goes to every task of the stream that it is connected with. Made by `broadcast()`. */
export interface Broadcast<out U> {
  readonly kind: "broadcast";
  readonly [element]: U;
}

/** A table of values V by keys K for `connect`: every task has all of it. Made by `table(…).broadcast()`. */
export interface BroadcastTable<out V, out K> {
  readonly kind: "broadcast-table";
  readonly [element]: V;
  readonly [tableKey]: K;
}

/** What `KeyedStream.connect` takes. */
export interface Connectable {
  readonly kind: "keyed-stream" | "broadcast" | "broadcast-table";
}

/** `unknown` where a stream with keys K can be connected with O, else a Mistake. */
export type ConnectableWith<K, O> = O extends Elements<infer U, infer OK> ? Kept<U> & SameKey<K, OK> : unknown;

/** What follows when a stream of T with keys K is connected with O. */
export type ConnectOf<T, O, K> =
  O extends BroadcastTable<infer V, infer BK>
    ? ConnectedTable<T, V, BK, K>
    : O extends Broadcast<infer U>
      ? ConnectedBroadcast<T, U, K>
      : O extends Elements<infer U, unknown>
        ? Connected<T, U, K>
        : never;

/** What follows when a stream of T without a key is connected with O. */
export type UnkeyedConnectOf<T, O> =
  O extends BroadcastTable<infer V, infer BK>
    ? UnkeyedTable<T, V, BK>
    : O extends Broadcast<infer U>
      ? UnkeyedBroadcast<T, U>
      : never;

/** What may be said of the shuffle in which a stream without a key meets a broadcast one. */
export interface ForwardOptions extends Named {
  /** Names the shuffle and the function after it, `operator--name`, and is part of the state's identity. Default "broadcast". */
  readonly name?: string;
  /** Partitions of the shuffle. Default: as many as the largest topic that feeds the stream; a task's elements stay together. */
  readonly parallelism?: number;
}

/** A state of a broadcast stream where it can only be read. */
export interface ReadOnlyValueState<out V> {
  get(): V | undefined;
}

/** A state of a broadcast stream where it can only be read. */
export interface ReadOnlyMapState<out V> {
  get(name: string): V | undefined;
  has(name: string): boolean;
  /** All entries, in the order of their names' code units. Looked through by every element, it costs no sorting while nothing changes. */
  entries(): readonly (readonly [name: string, value: V])[];
  keys(): readonly string[];
  values(): readonly V[];
  readonly size: number;
}

/** A broadcast table as functions see it: the newest value of each key that this task has heard of. */
export interface TableView<in out K, out V> {
  get(key: K): V | undefined;
  has(key: K): boolean;
  /** All entries, in an order of keys that is the same in every task. */
  entries(): readonly (readonly [key: K, value: V])[];
  keys(): readonly K[];
  values(): readonly V[];
  readonly size: number;
}

/** States of a broadcast stream: valueState and mapState, without a ttl, as clocks of tasks differ. */
export type BroadcastStates = {
  readonly [name: string]: StateDeclaration<ValueState<unknown, never> | MapState<unknown, never>>;
};

type ReadOnly<H> =
  H extends MapState<infer V, never>
    ? ReadOnlyMapState<V>
    : H extends ValueState<infer V, never>
      ? ReadOnlyValueState<V>
      : never;

/** What functions other than onBroadcast get of the states declared by B. */
export type ReadOnlyHandlesOf<B> = {
  readonly [N in keyof B]: B[N] extends StateDeclaration<infer H> ? ReadOnly<H> : never;
};

/** What functions get beside an element where there is no key. One object is reused for all calls: read it at once, do not keep it. */
export interface BroadcastCtx<out View> extends Ctx {
  readonly broadcastState: View;
  /** No element with this timestamp or an earlier one is expected, of either stream; −∞ before the first watermark. */
  readonly watermarkMs: number;
}

/** What onBroadcast gets beside the element, where the other stream has keys: no key, no timers, but the states of all keys of this task. */
export interface KeyedBroadcastCtx<K, S, View> extends BroadcastCtx<View> {
  /**
   * Calls `fn` with every key that has something in a state, in the order of the encoded keys, and with that state, which may be changed. Costs as much as this task
   * has keys. Flink's applyToKeyedState. What has expired may be among them, with nothing in it.
   */
  forEachKey<N extends keyof S & string>(name: N, fn: (key: K, state: HandlesOf<S>[N]) => void): void;
}

/** A change of a broadcast table. */
export interface TableChange<out K, out V> {
  readonly key: K;
  /** null: the key was deleted. */
  readonly value: V | null;
}

/** What the functions of a process function on a keyed and a broadcast stream are given; `View` is what can be read of the broadcast side. */
interface KeyedFunctions<K, T, S extends States, View, O, Q> {
  /** Kept per key. */
  readonly state?: S;
  /** Called for every element of the stream that `connect` was called on. */
  onElement(value: T, ctx: ProcessCtx<K, NoInfer<S>> & { readonly broadcastState: View }): O & Emitted<O>;
  /** Called for every timer that is due, in the order of their times. */
  onTimer?(ctx: TimerCtx<K, NoInfer<S>> & { readonly broadcastState: View }): Q & Emitted<Q>;
}

/** A process function on a keyed stream and a broadcast one. */
export interface BroadcastSpec<K, T, U, S extends States, B extends BroadcastStates, O, P, Q>
  extends KeyedFunctions<K, T, S, ReadOnlyHandlesOf<NoInfer<B>>, O, Q> {
  /** Kept once per task. */
  readonly broadcastState?: B;
  /**
   * Called in every task for every element of the broadcast stream; alone may change `broadcastState`. What it makes of that must follow from its elements alone, whatever
   * their order where it is not the same in all tasks: not from the clock, the watermark or the state of keys. What it returns comes once from every task, without a key.
   */
  onBroadcast(value: U, ctx: KeyedBroadcastCtx<K, NoInfer<S>, HandlesOf<NoInfer<B>>>): P & Emitted<P>;
}

/** A process function on a keyed stream and a broadcast table. */
export interface BroadcastTableSpec<K, T, V, BK, S extends States, O, P, Q>
  extends KeyedFunctions<K, T, S, TableView<BK, V>, O, Q> {
  /** Called in every task after every change of the table, which `broadcastState` shows by then. What it returns comes once from every task, without a key. */
  onBroadcast?(change: TableChange<BK, V>, ctx: KeyedBroadcastCtx<K, NoInfer<S>, TableView<BK, V>>): P & Emitted<P>;
}

/** A process function on a stream without a key and a broadcast one. */
export interface UnkeyedBroadcastSpec<T, U, B extends BroadcastStates, O, P> {
  /** Kept once per task. */
  readonly broadcastState?: B;
  onElement(value: T, ctx: BroadcastCtx<ReadOnlyHandlesOf<NoInfer<B>>>): O & Emitted<O>;
  /** As `BroadcastSpec.onBroadcast`. */
  onBroadcast(value: U, ctx: BroadcastCtx<HandlesOf<NoInfer<B>>>): P & Emitted<P>;
}

/** A process function on a stream without a key and a broadcast table. */
export interface UnkeyedTableSpec<T, V, BK, O, P> {
  onElement(value: T, ctx: BroadcastCtx<TableView<BK, V>>): O & Emitted<O>;
  /** As `BroadcastTableSpec.onBroadcast`. */
  onBroadcast?(change: TableChange<BK, V>, ctx: BroadcastCtx<TableView<BK, V>>): P & Emitted<P>;
}

/** What follows: under the key still, unless onBroadcast made elements, which have none. */
type AfterBroadcast<E, P, K> = [P] extends [never] ? KeyedStream<E, K> : Stream<E | P, K | null>;

/**
 * A keyed stream of T and a broadcast one of U. Nothing is said of the order in which elements of the two meet: an element may come before a rule that was written
 * earlier. The watermark is the lesser of the two: a broadcast stream that is quiet holds it back unless its topic's watermark has an `idleAfter`.
 */
export interface ConnectedBroadcast<out T, out U, out K> {
  /** Author's code with state and timers per key, as `KeyedStream.process`, and with state that every task has. Throws a MillraceError "definition" for states that cannot be. */
  process<
    S extends States = Record<never, never>,
    B extends BroadcastStates = Record<never, never>,
    O = undefined,
    P = undefined,
    Q = undefined,
  >(
    spec: BroadcastSpec<K, T, U, S, B, O, P, Q>,
    options?: Named,
  ): AfterBroadcast<ElementOf<O> | ElementOf<Q>, ElementOf<P>, K>;
}

/** A keyed stream of T and a broadcast table of V by BK, as `ConnectedBroadcast`. The newest value of a key is the last that arrived, whatever its timestamp. */
export interface ConnectedTable<out T, out V, in out BK, out K> {
  process<S extends States = Record<never, never>, O = undefined, P = undefined, Q = undefined>(
    spec: BroadcastTableSpec<K, T, V, BK, S, O, P, Q>,
    options?: Named,
  ): AfterBroadcast<ElementOf<O> | ElementOf<Q>, ElementOf<P>, K>;
}

/** A stream of T without a key and a broadcast one of U, as `ConnectedBroadcast`. */
export interface UnkeyedBroadcast<out T, out U> {
  process<B extends BroadcastStates = Record<never, never>, O = undefined, P = undefined>(
    spec: UnkeyedBroadcastSpec<T, U, B, O, P>,
    options?: Named,
  ): Stream<ElementOf<O> | ElementOf<P>, null>;
}

/** A stream of T without a key and a broadcast table of V by BK, as `ConnectedTable`. */
export interface UnkeyedTable<out T, out V, in out BK> {
  process<O = undefined, P = undefined>(
    spec: UnkeyedTableSpec<T, V, BK, O, P>,
    options?: Named,
  ): Stream<ElementOf<O> | ElementOf<P>, null>;
}

const MAX_PARALLELISM_DEFAULT = 128;

/** What goes to all tasks. `keeps`: how the other side keeps it; a table's elements are `[key, value]`. */
export class BroadcastNodes {
  readonly kind: "broadcast" | "broadcast-table";
  readonly #input: Node;
  /** What feeds the shuffle that this shares with a stream, by the stream's keyBy. */
  readonly #keyBys = new Map<KeyByNode | undefined, KeyByNode>();

  constructor(input: Node, keeps: "table" | "stream") {
    this.#input = input;
    this.kind = keeps === "table" ? "broadcast-table" : "broadcast";
  }

  /** Its side of the shuffle of `like`. */
  sideOf(like: KeyByNode | undefined): KeyByNode {
    let keyBy = this.#keyBys.get(like);
    if (keyBy === undefined) {
      keyBy = {
        kind: "keyBy",
        input: this.#input,
        name: undefined,
        fn: this.kind === "broadcast" ? () => "" : ([key]: readonly [unknown, unknown]) => key,
        sends: "to-all",
        parallelism: undefined,
        maxParallelism: like?.maxParallelism ?? MAX_PARALLELISM_DEFAULT,
        function: undefined,
      };
      this.#keyBys.set(like, keyBy);
    }
    return keyBy;
  }
}

/** A stream, keyed or not, that meets a broadcast one, waiting to be told in which function; `then` makes the stream that follows. */
export function connectBroadcastOf(
  left: { readonly node: Node; readonly isKeyed: boolean },
  right: BroadcastNodes,
  { name = "broadcast", parallelism }: ForwardOptions,
  then: (node: BroadcastNode) => unknown,
): unknown {
  const { isKeyed } = left;
  const keyed = left.node.kind === "keyBy" ? left.node : keyBysOf(left.node)[0];
  const like = isKeyed ? keyed : forwarding(left.node, name, parallelism);
  const inputs = [isKeyed || like === undefined ? left.node : like, right.sideOf(like)] as const;
  const isTable = right.kind === "broadcast-table";
  return {
    process: (spec: AnySpec, options: Named = {}) => {
      requireSpec(spec, isTable ? "onElement" : "broadcastState, onElement, onBroadcast");
      if (!isKeyed && (spec.state ?? spec.onTimer) !== undefined)
        throw new MillraceError(
          "definition",
          "process() keeps state and timers per key; put a keyBy before connect().",
        );
      if (isTable && spec.broadcastState !== undefined)
        throw new MillraceError("definition", "The broadcastState of process() is the table itself: declare none.");
      return then({
        kind: "broadcast",
        inputs,
        name: options.name,
        states: toStates(spec.state, "The state of process()"),
        keeps: isTable ? "table" : toBroadcastStates(spec.broadcastState),
        isKeyed,
        onElement: functionOf(spec, "onElement"),
        onBroadcast: isTable && spec.onBroadcast === undefined ? undefined : functionOf(spec, "onBroadcast"),
        onTimer: spec.onTimer === undefined ? undefined : functionOf(spec, "onTimer"),
      });
    },
  };
}

/** The way of elements without a key to where the broadcast ones are: all of a task to one partition, so that they keep their order. */
function forwarding(input: Node, name: string, parallelism: number | undefined): KeyByNode {
  if (
    parallelism !== undefined &&
    !(Number.isSafeInteger(parallelism) && parallelism >= 1 && parallelism <= MAX_PARALLELISM_DEFAULT)
  )
    throw new MillraceError(
      "definition",
      `The parallelism of connect() is a whole number from 1 to ${MAX_PARALLELISM_DEFAULT}, not ${parallelism}.`,
    );
  return {
    kind: "keyBy",
    input,
    name,
    fn: () => "",
    sends: "by-task",
    parallelism,
    maxParallelism: MAX_PARALLELISM_DEFAULT,
    function: undefined,
  };
}

function toBroadcastStates(declared: unknown): Exclude<BroadcastNode["keeps"], "table"> {
  return toStates(declared, "The broadcastState of process()").map((state) => {
    const { name, spec } = state;
    if (spec.state !== "value" && spec.state !== "map")
      throw new MillraceError(
        "definition",
        `The broadcast state "${name}" is a ${spec.state}State; there are valueState and mapState, which are the same in whatever order elements arrive.`,
      );
    if (spec.ttlMs !== undefined)
      throw new MillraceError(
        "definition",
        `The broadcast state "${name}" has a ttl, but the clocks of tasks differ, and it must be the same in all.`,
      );
    return state;
  });
}
