/** What process functions keep per key: declarations of state, and the handles that authors' functions get of it. */

import type { StandardSchemaV1 } from "@standard-schema/spec";
import { authorFunction } from "./author-function.ts";
import type { Duration } from "./duration.ts";
import { MillraceError } from "./error.ts";
import { type Format, validate } from "./format.ts";
import type { AuthorFunction } from "./node.ts";
import type { Kept } from "./storable.ts";

declare const handle: unique symbol;

/** A state that a process function declares; H is what its functions get of it. */
export interface StateDeclaration<out H> {
  readonly kind: "state";
  readonly [handle]: H;
}

/** States by name. The name is a part of the state's identity: letters, digits, `-` and `_`. */
export type States = { readonly [name: string]: StateDeclaration<unknown> };

/** What functions get of the states declared by S. */
export type HandlesOf<S> = { readonly [N in keyof S]: S[N] extends StateDeclaration<infer H> ? H : never };

/** How long a state is kept. */
export interface StateOptions {
  /**
   * Time to live, by the task's clock: what was last written this long ago or longer is as if it were not there, and is dropped soon after. Per element of a
   * list and entry of a map. Default: for ever. A change of it counts for what is kept already; what was kept without any lives until it is written again.
   */
  readonly ttl?: Duration;
  /** What begins the time anew: "write" (default), or reading too. */
  readonly refresh?: "write" | "read";
}

/** One value per key. */
export interface ValueState<out V, in In = V> {
  /** The value, which must not be changed in place; undefined where there is none. */
  get(): V | undefined;
  /** Keeps a value: JSON values, bigint, Uint8Array; not undefined. Throws MillraceError "unstorable" or "format". */
  set(value: In): void;
  clear(): void;
}

/** A list per key. Adding costs the same however long it is. */
export interface ListState<out V, in In = V> {
  /** All elements in the order in which they were added; empty where there are none. */
  get(): readonly V[];
  /** Adds an element; a list has at most a million. */
  add(value: In): void;
  /** Keeps these elements instead of all that were there. */
  set(values: Iterable<In>): void;
  clear(): void;
}

/** A map from strings per key. Reading and writing an entry costs the same however many there are. */
export interface MapState<out V, in In = V> {
  get(name: string): V | undefined;
  /** Keeps a value under a name; a map has at most a million. */
  set(name: string, value: In): void;
  has(name: string): boolean;
  /** Whether there was an entry. */
  delete(name: string): boolean;
  /** All entries, in no particular order; in the same one where a batch is repeated. */
  entries(): readonly (readonly [name: string, value: V])[];
  keys(): readonly string[];
  values(): readonly V[];
  readonly size: number;
  clear(): void;
}

/** One value per key, made of all that was added. */
export interface ReducingState<out V, in In = V> {
  get(): V | undefined;
  /** Adds a value; returns what all became. */
  add(value: In): V;
  clear(): void;
}

/** The result of an aggregate per key. */
export interface AggregatingState<in In, out R> {
  /** The result; undefined where nothing was added. */
  get(): R | undefined;
  /** Adds an element; returns the result with it. */
  add(value: In): R;
  clear(): void;
}

/** A number per key. */
export interface CounterState {
  /** 0 where nothing was added. */
  readonly value: number;
  /** Adds `n` (default 1); returns the sum. */
  add(n?: number): number;
  clear(): void;
}

export type StateKind = "value" | "list" | "map" | "reducing" | "aggregating" | "counter";

export const STATE_KINDS: readonly StateKind[] = ["value", "list", "map", "reducing", "aggregating", "counter"];

/** A declaration as the engine sees it. */
export type StateSpec = {
  readonly kind: "state";
  readonly state: StateKind;
  /** Returns a value as its schema has it, or throws; undefined: any value. */
  readonly check: ((value: unknown) => unknown) | undefined;
  readonly ttlMs: number | undefined;
  readonly refresh: "write" | "read";
  /** Of "reducing". */
  readonly reduce?: AuthorFunction;
  /** Of "aggregating". */
  readonly aggregate?: {
    readonly create: AuthorFunction;
    readonly add: AuthorFunction;
    readonly result: AuthorFunction;
  };
};

type Schema = StandardSchemaV1;
/** The declaration of a state, or a sentence in its place where its values cannot be kept. */
type Declared<V, H> = [Kept<V>] extends [{ readonly mistake: string }] ? Kept<V> : StateDeclaration<H>;

/**
 * One value per key. With a schema (or a format such as `json(Machine)`), what is set must pass it, its output is kept, and what an earlier version of the
 * code has kept must pass it too when it is read: a schema may add defaults, but what comes out of it must fit into it again.
 */
export function valueState<S extends Schema>(
  schema: S,
  options?: StateOptions,
): StateDeclaration<ValueState<StandardSchemaV1.InferOutput<S>, StandardSchemaV1.InferInput<S>>>;
export function valueState<In, V>(format: Format<In, V>, options?: StateOptions): Declared<V, ValueState<V, In>>;
export function valueState<V>(options?: StateOptions): Declared<V, ValueState<V>>;
export function valueState(...args: readonly unknown[]): unknown {
  return declare("value", args);
}

/** A list per key; the schema is that of an element, as in valueState. */
export function listState<S extends Schema>(
  schema: S,
  options?: StateOptions,
): StateDeclaration<ListState<StandardSchemaV1.InferOutput<S>, StandardSchemaV1.InferInput<S>>>;
export function listState<In, V>(format: Format<In, V>, options?: StateOptions): Declared<V, ListState<V, In>>;
export function listState<V>(options?: StateOptions): Declared<V, ListState<V>>;
export function listState(...args: readonly unknown[]): unknown {
  return declare("list", args);
}

/** A map from strings per key; the schema is that of a value, as in valueState. */
export function mapState<S extends Schema>(
  schema: S,
  options?: StateOptions,
): StateDeclaration<MapState<StandardSchemaV1.InferOutput<S>, StandardSchemaV1.InferInput<S>>>;
export function mapState<In, V>(format: Format<In, V>, options?: StateOptions): Declared<V, MapState<V, In>>;
export function mapState<V>(options?: StateOptions): Declared<V, MapState<V>>;
export function mapState(...args: readonly unknown[]): unknown {
  return declare("map", args);
}

/** One value per key: the first that was added, then what `reduce` makes of the value so far and the next. It must not change what it is given. */
export function reducingState<V>(reduce: (a: V, b: V) => V, options?: StateOptions): Declared<V, ReducingState<V>> {
  const fn = authorFunction(reduce, "reducingState");
  return { ...declare("reducing", [options]), reduce: fn } as unknown as Declared<V, ReducingState<V>>;
}

/** The result of an aggregate per key. `add` may change and return the accumulator, or return another. */
export function aggregatingState<In, A, R>(
  aggregate: {
    readonly create: () => A;
    readonly add: (accumulator: A, value: In) => A;
    readonly result: (accumulator: A) => R;
  },
  options?: StateOptions,
): Declared<A, AggregatingState<In, R>> {
  const fns = {
    create: authorFunction(aggregate?.create, "aggregatingState"),
    add: authorFunction(aggregate?.add, "aggregatingState"),
    result: authorFunction(aggregate?.result, "aggregatingState"),
  };
  return { ...declare("aggregating", [options]), aggregate: fns } as unknown as Declared<A, AggregatingState<In, R>>;
}

/** A number per key, which begins at 0. */
export function counterState(options?: StateOptions): StateDeclaration<CounterState> {
  return declare("counter", [options]) as unknown as StateDeclaration<CounterState>;
}

function declare(state: StateKind, args: readonly unknown[]): StateSpec {
  const [first, second] = args;
  const check = toCheck(first, state);
  const { ttl, refresh = "write" } = ((isSchema(first) || isFormat(first) ? second : first) ?? {}) as StateOptions;
  if (ttl !== undefined && !(Number.isFinite(ttl) && ttl > 0))
    throw new MillraceError("definition", `The ttl of a ${state}State must be longer than nothing, not ${ttl} ms.`);
  if (refresh !== "write" && refresh !== "read")
    throw new MillraceError(
      "definition",
      `The refresh of a ${state}State is "write" or "read", not ${String(refresh)}.`,
    );
  return { kind: "state", state, check, ttlMs: ttl, refresh };
}

function toCheck(shape: unknown, state: StateKind): StateSpec["check"] {
  const schema = isFormat(shape) ? shape.schema : isSchema(shape) ? shape : undefined;
  if (schema !== undefined) {
    if ((schema as { async?: unknown }).async === true)
      throw new MillraceError("definition", `The schema of a ${state}State must not be asynchronous.`);
    return (value) => validate(schema, value);
  }
  if (!isFormat(shape) || shape.kind === "json") return undefined;
  return (value) => {
    shape.encode(value as never);
    return value;
  };
}

function isSchema(shape: unknown): shape is Schema {
  return shape !== null && (typeof shape === "object" || typeof shape === "function") && "~standard" in shape;
}

function isFormat(shape: unknown): shape is Format<never, unknown> {
  // Schemas of Zod can encode and decode too.
  return !isSchema(shape) && typeof shape === "object" && shape !== null && "encode" in shape && "decode" in shape;
}
