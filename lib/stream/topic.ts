/** Topics: named, typed Kafka topics with their time, declared once and shared by the operators that write and read them. */

import type { Duration } from "./duration.ts";
import type { Writer, WriterSpec } from "./elements.ts";
import { MillraceError } from "./error.ts";
import type { Format } from "./format.ts";
import type { AuthorFunction, TopicTarget } from "./node.ts";
import type { WatermarkStrategy } from "./watermark-strategy.ts";

/** What a sink writes, before formats make bytes of it. */
export type TopicRecord = {
  readonly key: unknown;
  readonly value: unknown;
  readonly timestampMs: number;
  readonly headers: Readonly<Record<string, string>> | undefined;
};

/** What the engine knows of a topic, without its static types. */
export interface AnyTopic {
  readonly kind: "topic";
  readonly topicName: string;
  // biome-ignore lint/suspicious/noExplicitAny: the engine treats values as opaque; the builder checks them.
  readonly valueFormat: Format<any, any>;
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  readonly keyFormat: Format<any, any> | undefined;
  readonly timestampOf: AuthorFunction | undefined;
  readonly watermark: WatermarkStrategy<never> | undefined;
  readonly partitions: number | undefined;
  readonly retention: Duration | undefined;
  readonly compacted: boolean;
  readonly exactlyOnce: boolean;
  readonly external: boolean;
}

/** What a topic is declared with. */
export interface TopicOptions<in out In, in out Out, in out KeyIn, in out KeyOut, in out Compacted extends boolean> {
  readonly value: Format<In, Out>;
  /** Without a key format keys are not written, and read as null. */
  readonly key?: Format<KeyIn, KeyOut>;
  /** The element's timestamp, epoch milliseconds. Default: the Kafka record's. Not asked for null values, which have the record's. */
  readonly timestampOf?: (value: NoInfer<Out>) => number;
  /** How the topic's watermark follows from what is read. Without one the topic has no event time, and windows in event time refuse it. */
  readonly watermark?: WatermarkStrategy<NoInfer<Out>>;
  /** At least 1. Default: 4. */
  readonly partitions?: number;
  /** Default: what the broker does by default. */
  readonly retention?: Duration;
  /** Only the newest value of each key is kept, and a null value deletes it: values are `| null`. Needs a key format. */
  readonly compacted?: Compacted;
  /** Written in Kafka transactions, so that `read_committed` consumers see each result once. Default: identified, so that repeats can be told. */
  readonly exactlyOnce?: boolean;
  /** Somebody else's: never created, never given the application's prefix. */
  readonly external?: boolean;
}

declare const topicTypes: unique symbol;

/**
 * A declared topic. `In` is what may be written, `Out` what is read; `KeyIn` the keys it takes (unknown where it writes none), `KeyOut`
 * the keys that it has (null where it has none).
 */
export interface Topic<in In, out Out, in KeyIn, out KeyOut> extends AnyTopic, Writer<In, KeyIn> {
  readonly [topicTypes]: {
    readonly in: (value: In) => void;
    readonly out: Out;
    readonly keyIn: (key: KeyIn) => void;
    readonly keyOut: KeyOut;
  };
  /** A writer that makes the topic's value from an element; the current key and the timestamp go along. */
  from<T>(value: (element: T) => In): Writer<T, KeyIn>;
  /** A writer that makes a whole record from an element. Where it makes the key too, any current key will do. */
  record<T, Given extends keyof RecordSpec<T, In, KeyIn>>(
    spec: RecordSpec<T, In, KeyIn> & Readonly<Record<Given, unknown>>,
  ): Writer<T, "key" extends Given ? unknown : KeyIn>;
}

/** How `topic.record` makes a record's parts from an element. */
export interface RecordSpec<in T, out In, out KeyIn> {
  readonly value: (element: T) => In;
  /** Default: the current key. */
  readonly key?: (element: T) => KeyIn;
  readonly headers?: (element: T) => Readonly<Record<string, string>>;
  /** Epoch milliseconds, a whole number, not negative. Default: the element's timestamp. */
  readonly timestampMs?: (element: T) => number;
}

type OrNull<V, Compacted> = Compacted extends true ? V | null : V;

/**
 * Declares a topic. Declare it once, in a file that the operators which write and read it share.
 *
 * Throws a MillraceError "definition" for a name that Kafka refuses (1 to 249 letters, digits, `.`, `_`, `-`; not `.` or `..`), for
 * one with `--`, which names shuffles (external topics excepted), for partitions outside of 1 to 10,000, a retention not above zero, a
 * value that is no format, and for `compacted` without a key format.
 */
export function topic<In, Out, KeyIn = unknown, KeyOut = null, const Compacted extends boolean = false>(
  name: string,
  options: TopicOptions<In, Out, KeyIn, KeyOut, Compacted>,
): Topic<OrNull<In, Compacted>, OrNull<Out, Compacted>, KeyIn, KeyOut> {
  check(name, options);
  const declared: AnyTopic & { from: AuthorFunction; record: AuthorFunction } = {
    kind: "topic",
    topicName: name,
    valueFormat: options.value,
    keyFormat: options.key,
    timestampOf: options.timestampOf,
    watermark: options.watermark,
    partitions: options.partitions,
    retention: options.retention,
    compacted: options.compacted ?? false,
    exactlyOnce: options.exactlyOnce ?? false,
    external: options.external ?? false,
    from: (value: AuthorFunction) => writerTo(declared, { value }),
    record: (spec: Parameters<typeof writerTo>[1]) => writerTo(declared, spec),
  };
  return declared as unknown as Topic<OrNull<In, Compacted>, OrNull<Out, Compacted>, KeyIn, KeyOut>;
}

/** What `to(topic)` writes: the element, and the current key where the topic has a key format. */
export function plainTarget(target: AnyTopic): TopicTarget {
  const keyed = target.keyFormat !== undefined;
  return {
    kind: "topic",
    topic: target,
    toRecord: (element, key, timestampMs) => ({
      key: keyed ? key : null,
      value: element,
      timestampMs,
      headers: undefined,
    }),
  };
}

function writerTo(
  target: AnyTopic,
  spec: { value: AuthorFunction; key?: AuthorFunction; headers?: AuthorFunction; timestampMs?: AuthorFunction },
): WriterSpec {
  const keyed = target.keyFormat !== undefined;
  const { value, key: keyOf, headers, timestampMs: timestampOf } = spec;
  if (typeof value !== "function")
    throw new MillraceError(
      "definition",
      `Topic "${target.topicName}": a writer needs a function that makes the value.`,
    );
  const toRecord: TopicTarget["toRecord"] = (element, key, timestampMs) => ({
    key: !keyed ? null : keyOf === undefined ? key : keyOf(element),
    value: value(element),
    timestampMs: timestampOf === undefined ? timestampMs : checkTimestamp(target, timestampOf(element)),
    headers: headers?.(element),
  });
  return { kind: "writer", target: { kind: "topic", topic: target, toRecord } };
}

function checkTimestamp(target: AnyTopic, timestampMs: unknown): number {
  if (Number.isSafeInteger(timestampMs) && (timestampMs as number) >= 0) return timestampMs as number;
  throw new MillraceError(
    "author",
    `Topic "${target.topicName}": a record's timestamp is a whole number of epoch milliseconds, not ${String(timestampMs)}.`,
  );
}

/** What Kafka has against a name; undefined: nothing. */
export function wrongTopicName(name: unknown): string | undefined {
  if (typeof name !== "string" || !/^[A-Za-z0-9._-]+$/.test(name) || name === "." || name === "..")
    return "a name is made of letters, digits, '.', '_' and '-', and is not '.' or '..'.";
  return name.length > NAME_CHARACTERS_MAX
    ? `a name has at most ${NAME_CHARACTERS_MAX} characters, not ${name.length}.`
    : undefined;
}

const NAME_CHARACTERS_MAX = 249;
const PARTITIONS_MAX = 10_000;

function check(
  name: string,
  // biome-ignore lint/suspicious/noExplicitAny: types do not matter to the checks.
  options: TopicOptions<any, any, any, any, any>,
): void {
  const wrong = (sentence: string) => new MillraceError("definition", `Topic "${name}": ${sentence}`);
  const wrongName = wrongTopicName(name);
  if (wrongName !== undefined) throw wrong(wrongName);
  if (name.includes("--") && options.external !== true)
    throw wrong("'--' is kept for the names of shuffles; use a single '-'.");
  if (typeof options.value?.decode !== "function") throw wrong("it needs a value format: text(), bytes() or json().");
  const { partitions, retention } = options;
  if (
    partitions !== undefined &&
    !(Number.isSafeInteger(partitions) && partitions >= 1 && partitions <= PARTITIONS_MAX)
  )
    throw wrong(`partitions is a whole number from 1 to ${PARTITIONS_MAX}, not ${partitions}.`);
  if (retention !== undefined && !(retention > 0)) throw wrong(`retention must be above zero, not ${retention} ms.`);
  if (options.compacted === true && options.key === undefined)
    throw wrong("a compacted topic keeps the newest value of each key, so it needs a key format.");
}
