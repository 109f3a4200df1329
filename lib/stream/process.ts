/** Process functions: author's code with state and timers per key. */

import { authorFunction } from "./author-function.ts";
import type { Ctx } from "./ctx.ts";
import { toStates } from "./declared-states.ts";
import type { Named } from "./elements.ts";
import { MillraceError } from "./error.ts";
import type { Key } from "./key.ts";
import { encodeKey } from "./key.ts";
import type { KeyedStream } from "./keyed-stream.ts";
import type { AuthorFunction, ConnectNode, Node, ProcessNode } from "./node.ts";
import { type HandlesOf, mapState, type StateOptions, type States, valueState } from "./process-state.ts";
import type { ElementOf, Mistake } from "./storable.ts";

/**
 * Timers of the current key: one per time, in event time and in processing time. Setting one twice is once, deleting one that is not there is no mistake. Times are epoch
 * milliseconds, rounded up to whole ones; anything else is refused with a MillraceError "author".
 */
export interface TimerSetter {
  /** Calls onTimer when the watermark reaches `atMs`: at the next advance of the watermark where it has been reached already, never at once. */
  eventTime(atMs: number): void;
  /** Calls onTimer when the task's clock reaches `atMs`. */
  processingTime(atMs: number): void;
  deleteEventTime(atMs: number): void;
  deleteProcessingTime(atMs: number): void;
}

/** What onElement gets beside the element. One object is reused for all calls: read it at once, do not keep it. */
export interface ProcessCtx<out K, out S> extends Ctx {
  readonly key: K;
  readonly state: HandlesOf<S>;
  readonly timers: TimerSetter;
  /** No element with this timestamp or an earlier one is expected; −∞ before the first watermark. While timers fire it is the one they fire at. */
  readonly watermarkMs: number;
}

/** What onTimer gets. `timestampMs` and the timestamps of what it returns are the timer's time. */
export interface TimerCtx<out K, out S> extends ProcessCtx<K, S> {
  /** Which kind of time the timer was set in. */
  readonly time: "event" | "processing";
  /** The time for which it was set. */
  readonly firedAtMs: number;
}

// biome-ignore lint/suspicious/noConfusingVoidType: what a function without a return statement returns.
type Nothing = undefined | void;

/** `unknown` if O is what a process function may return, else a Mistake. */
export type Emitted<O> = 0 extends 1 & O
  ? unknown
  : [Extract<O, PromiseLike<unknown>>] extends [never]
    ? [Extract<O, string>] extends [never]
      ? [Exclude<O, Nothing>] extends [Iterable<unknown>]
        ? unknown
        : Mistake<"return an array or another iterable, or nothing">
      : Mistake<"a string would become its characters: return it in an array">
    : Mistake<"this function must not be async: use mapAsync">;

/** A process function: what it keeps per key, and what it does with elements and timers. Outputs are returned or yielded. */
export interface ProcessSpec<K, T, S extends States, O, Q> {
  readonly state?: S;
  /** Called for every element, in the order of their arrival. */
  onElement(value: T, ctx: ProcessCtx<K, NoInfer<S>>): O & Emitted<O>;
  /** Called for every timer that is due, in the order of their times. */
  onTimer?(ctx: TimerCtx<K, NoInfer<S>>): Q & Emitted<Q>;
}

/** A process function of two inputs. */
export interface ConnectSpec<K, L, R, S extends States, O, P, Q> {
  readonly state?: S;
  /** Called for every element of the stream that `connect` was called on. Between the two streams there is no order but that of arrival. */
  onLeft(value: L, ctx: ProcessCtx<K, NoInfer<S>>): O & Emitted<O>;
  /** Called for every element of the other stream. */
  onRight(value: R, ctx: ProcessCtx<K, NoInfer<S>>): P & Emitted<P>;
  /** Called for every timer that is due, in the order of their times. */
  onTimer?(ctx: TimerCtx<K, NoInfer<S>>): Q & Emitted<Q>;
}

/** Two keyed streams that meet. Their watermark is the lesser of the two. */
export interface Connected<out L, out R, out K> {
  /** Author's code with state and timers per key, as `KeyedStream.process`. */
  process<S extends States = Record<never, never>, O = undefined, P = undefined, Q = undefined>(
    spec: ConnectSpec<K, L, R, S, O, P, Q>,
    options?: Named,
  ): KeyedStream<ElementOf<O> | ElementOf<P> | ElementOf<Q>, K>;
}

/** Which elements of a key are the same. */
export interface DeduplicateOptions<in T> extends Named, StateOptions {
  /** What elements that are the same have in common, within a key. Default: nothing but the key. */
  readonly by?: (value: T) => Key;
}

/** A process function as it was written, in whichever form. */
export type AnySpec = Readonly<
  Partial<Record<"state" | "broadcastState" | "onElement" | "onLeft" | "onRight" | "onBroadcast" | "onTimer", unknown>>
>;

/** The node of a process function. Throws a MillraceError "definition" for what no compiler has refused. */
export function processNode(input: Node, spec: AnySpec, name: string | undefined): ProcessNode {
  requireSpec(spec, "onElement");
  return {
    kind: "process",
    method: "process",
    input,
    name,
    states: toStates(spec.state, "The state of process()"),
    onElement: functionOf(spec, "onElement"),
    onTimer: spec.onTimer === undefined ? undefined : functionOf(spec, "onTimer"),
  };
}

/** Two nodes that meet, waiting to be told in which function; `then` makes the stream that follows. */
export function connectOf(left: Node, right: Node, then: (node: ConnectNode) => unknown): unknown {
  return {
    process: (spec: AnySpec, options: Named = {}) => {
      requireSpec(spec, "onLeft, onRight");
      return then({
        kind: "connect",
        inputs: [left, right],
        name: options.name,
        states: toStates(spec.state, "The state of process()"),
        onLeft: functionOf(spec, "onLeft"),
        onRight: functionOf(spec, "onRight"),
        onTimer: spec.onTimer === undefined ? undefined : functionOf(spec, "onTimer"),
      });
    },
  };
}

/** Throws a MillraceError "definition" for what is no process function at all. */
export function requireSpec(spec: unknown, functions: string): void {
  if (typeof spec !== "object" || spec === null)
    throw new MillraceError("definition", `process() takes { state, ${functions}, onTimer }.`);
}

/** A function of it, bound, as its author may have written it as a method. */
export function functionOf(spec: AnySpec, name: keyof AnySpec): AuthorFunction {
  return authorFunction(spec[name], "process").bind(spec) as AuthorFunction;
}

/** The node that lets the first of equal elements through. */
export function deduplicateNode(
  input: Node,
  { name, by, ...options }: { name?: string; by?: AuthorFunction } & StateOptions,
): ProcessNode {
  const base = { kind: "process", method: "deduplicate", input, name, onTimer: undefined } as const;
  if (by === undefined) {
    const states = toStates({ seen: valueState<true>(options) }, "The state");
    const onElement: AuthorFunction = (value, { state: { seen } }) => {
      if (seen.get() !== undefined) return undefined;
      seen.set(true);
      return [value];
    };
    return { ...base, states, onElement };
  }
  const of = authorFunction(by, "deduplicate");
  const states = toStates({ seen: mapState<true>(options) }, "The state");
  const onElement: AuthorFunction = (value, { state: { seen } }) => {
    const id = encodeKey(of(value));
    if (seen.has(id)) return undefined;
    seen.set(id, true);
    return [value];
  };
  return { ...base, states, onElement };
}
