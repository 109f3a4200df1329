/** Streams as authors see them before a keyBy, and where they begin. */

import type { AsyncFunction, MapAsyncOptions } from "./async-function.ts";
import type { Broadcast, BroadcastTable, ForwardOptions, UnkeyedConnectOf } from "./broadcast.ts";
import type { Ctx } from "./ctx.ts";
import type { Elements, Named, Sink, Writer } from "./elements.ts";
import { MillraceError } from "./error.ts";
import type { Key } from "./key.ts";
import type { KeyByOptions, KeyedStream } from "./keyed-stream.ts";
import type { AuthorFunction, SourceNode } from "./node.ts";
import type { Uses } from "./settings.ts";
import type { Crossing, ElementOf, Mistake, NotAsync, Several } from "./storable.ts";
import { streamOf } from "./stream-builder.ts";
import type { AnyTopic, Topic } from "./topic.ts";
import type { WatermarkStrategy } from "./watermark-strategy.ts";
import type { WindowAssigner } from "./window-spec.ts";
import type { WindowedAll, WindowOptions } from "./windowed.ts";

/** A function that keeps an element or not; a type predicate narrows the stream. */
export type Predicate<T> = (value: T, ctx: Ctx) => boolean;

/** What a predicate leaves of T. */
// biome-ignore lint/suspicious/noExplicitAny: only what it narrows to matters.
export type Guarded<F, T> = F extends (value: any, ...rest: never[]) => value is infer S ? Extract<S, T> : T;

/** What a predicate takes out of T for certain: nothing, unless it is a type predicate. */
// biome-ignore lint/suspicious/noExplicitAny: as above.
type Taken<F> = F extends (value: any, ...rest: never[]) => value is infer S ? S : never;

export type Branches<T> = Readonly<Record<string, Predicate<T>>> & { readonly rest?: never };

export type RestOf<B, T> = Exclude<T, { [N in keyof B]: Taken<B[N]> }[keyof B]>;

type TopicKeyed<K> = [K] extends [Key | null]
  ? [K] extends [null]
    ? Mistake<"keyedByTopicKey needs a topic with a key format">
    : unknown
  : Mistake<"keyedByTopicKey needs a topic whose keys are strings, numbers, bigints, booleans or tuples of them">;

export type SplitStreams<B, T, K> = { readonly [N in keyof B]: Stream<Guarded<B[N], T>, K> } & {
  readonly rest: Stream<RestOf<B, T>, K>;
};

/**
 * A stream of T; K is the current key, that of the topic it was read from until a keyBy sets another. Streams are immutable values: every
 * method returns a new one, and one that several sinks use is computed once.
 *
 * Type parameters with a default (`R`, `Allowed`) are not to be given: they keep what is computed from T and K out of the comparison of
 * streams, so that a stream of Dog is a stream of Animal.
 */
export interface Stream<out T, out K = unknown> extends Elements<T, K> {
  readonly kind: "stream";
  /** One element for each; the timestamp stays. */
  map<R>(fn: (value: T, ctx: Ctx) => R & NotAsync<R>, options?: Named): Stream<R, K>;
  /** Only the elements for which `fn` returns true. */
  filter<F extends Predicate<T>, R = Guarded<F, T>>(fn: F, options?: Named): Stream<R, K>;
  /** Any number of elements for each, all with its timestamp. */
  flatMap<O>(fn: (value: T, ctx: Ctx) => O & Several<O>, options?: Named): Stream<ElementOf<O>, K>;
  /** Looks at every element and passes it on. Runs again when a batch is repeated: only `ctx.log` and `ctx.metrics` count once. */
  peek<R>(fn: (value: T, ctx: Ctx) => R & NotAsync<R>, options?: Named): Stream<T, K>;
  /**
   * One element for each, from an answer of the outside, with an `asyncFunction` or what it takes: the answer itself, or what `combine` makes of element and answer, as in
   * `orders.mapAsync(customerOf, { combine: (order, customer) => ({ ...order, customer }) })`. Timestamp stays. Calls are made at least once per element; see
   * `AsyncFunction` for order, time-out, capacity, retries, batches and the cache.
   */
  mapAsync<R, U extends Uses = Record<never, never>, C = undefined, O = R>(
    fn: AsyncFunction<T, R, U, C>,
    options?: MapAsyncOptions<T, R, O>,
  ): Stream<O, K>;
  /** One stream for each predicate; an element goes to the first that matches, else to `rest`. */
  split<const B extends Branches<T>, R = SplitStreams<B, T, K>>(branches: B, options?: Named): R;
  /** The elements of this and other streams of the same type. */
  union<KS extends readonly unknown[]>(
    ...others: { readonly [I in keyof KS]: Elements<T, KS[I]> }
  ): Stream<T, K | KS[number]>;
  /**
   * Sets the key: a string, number, bigint, boolean, or a tuple of these. `null` drops the element and counts it. What follows sees all
   * elements of a key in one place and in the order of their arrival.
   */
  keyBy<const NK extends Key | null, Allowed = Crossing<T>>(
    this: NoInfer<Allowed>,
    fn: (value: T) => NK,
    options?: KeyByOptions,
  ): KeyedStream<T, Exclude<NK, null>>;
  /**
   * Takes the topic's own key as the key, and spares the shuffle. This trusts that whoever writes the topic sends all records of a
   * key to one partition. Only on what is read from a single topic; elements without a key are dropped and counted.
   */
  keyedByTopicKey<NK = Exclude<K, null>, Allowed = TopicKeyed<K>>(
    this: NoInfer<Allowed>,
    options?: Named,
  ): KeyedStream<T, NK>;
  /**
   * Each element for every task of another stream: rules and settings, that `connect` takes. Elements of one partition arrive in their order everywhere; how those of
   * several mix differs from task to task.
   */
  broadcast<Allowed = Crossing<T>>(this: NoInfer<Allowed>): Broadcast<T>;
  /**
   * Meets a broadcast stream or table in one process function, where every task has all of that. All elements of a source partition go to one task, in their order; for
   * state per key put a keyBy before it. While the broadcast side is quiet it holds the watermark back, unless its topic's watermark has an `idleAfter`.
   */
  connect<O extends Broadcast<unknown> | BroadcastTable<unknown, unknown>, Allowed = Crossing<T>>(
    this: NoInfer<Allowed>,
    other: O,
    options?: ForwardOptions,
  ): UnkeyedConnectOf<T, O>;
  /**
   * Windows over all elements, whatever their keys: for streams that were made small before, such as the results of windows per key. All elements go to one
   * task, so nothing runs in parallel; its function is called `operator--all`, or by `options.name`.
   */
  windowAll<W, Allowed = Crossing<T>>(
    this: NoInfer<Allowed>,
    assigner: WindowAssigner<T, W>,
    options?: WindowOptions,
  ): WindowedAll<T, W>;
  /** Writes to a topic: element and current key, if both fit, or what `topic.from` and `topic.record` make of them. */
  to(target: Writer<T, K>, options?: Named): Sink;
}

/** What an operator may say of a topic that it reads, against the topic's own declaration. */
export interface SourceOptions<in V> {
  /** The element's timestamp, epoch milliseconds. Default: the topic's. */
  readonly timestampOf?: (value: V) => number;
  /** Default: the topic's. */
  readonly watermark?: WatermarkStrategy<V>;
  /** Where to begin when there is no checkpoint yet. Default "earliest". */
  readonly startAt?: "earliest" | "latest";
  readonly name?: string;
}

/** A record of a topic, with everything Kafka knows of it. */
export interface KafkaRecord<out K, out V> {
  readonly key: K;
  readonly value: V;
  readonly headers: Readonly<Record<string, string>>;
  /** The record's timestamp in Kafka, epoch milliseconds; the element's own may be another. */
  readonly timestampMs: number;
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
}

/** The values of a topic. */
export function stream<V, K>(topic: Topic<never, V, never, K>, options?: SourceOptions<NoInfer<V>>): Stream<V, K> {
  return streamOf(toSource(topic, "values", options));
}

/** The records of a topic: key, value, headers, timestamp and position. */
export function records<V, K>(
  topic: Topic<never, V, never, K>,
  options?: SourceOptions<KafkaRecord<NoInfer<K>, NoInfer<V>>>,
): Stream<KafkaRecord<K, V>, K> {
  return streamOf(toSource(topic, "records", options));
}

/** The node that reads a topic. Throws a MillraceError "definition" for what is no topic. */
export function toSource(
  topic: AnyTopic,
  reads: SourceNode["reads"],
  options: { [N in keyof SourceOptions<never>]?: SourceOptions<never>[N] | undefined } = {},
): SourceNode {
  if (topic?.kind !== "topic")
    throw new MillraceError("definition", "stream() and records() take a topic, as topic() returns it.");
  const timestampOfTopic = reads === "records" ? onRecords(topic.timestampOf) : topic.timestampOf;
  return {
    kind: "source",
    topic,
    reads,
    timestampOf: options.timestampOf ?? timestampOfTopic,
    watermark: options.watermark ?? topic.watermark,
    startAt: options.startAt ?? "earliest",
    name: options.name,
  };
}

/** A topic's timestampOf takes its values; where records are read, it still does. */
const ofRecords = new WeakMap<AuthorFunction, AuthorFunction>();

function onRecords(timestampOf: AuthorFunction | undefined): AuthorFunction | undefined {
  if (timestampOf === undefined) return undefined;
  let wrapped = ofRecords.get(timestampOf);
  if (wrapped === undefined) {
    wrapped = (record: KafkaRecord<unknown, unknown>) =>
      record.value === null ? record.timestampMs : timestampOf(record.value);
    ofRecords.set(timestampOf, wrapped);
  }
  return wrapped;
}
