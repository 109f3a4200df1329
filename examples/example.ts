/** What an example is beside its operators: input that follows from a seed, and the results that plain code computes from the same input. */

import type { Topic } from "millrace";
import type { AnyTopic } from "../lib/stream/topic.ts";

/** Of what the input is made: the same gives the same. */
export type InputOptions = {
  /** About how many records. */
  readonly records: number;
  readonly seed: number;
  /** The end of a day. Timestamps are before it. */
  readonly endMs: number;
};

export type InputRecord = {
  readonly topic: AnyTopic;
  readonly key: Uint8Array | null;
  /** null: deletes the key, in a compacted topic. */
  readonly value: Uint8Array | null;
  readonly timestampMs: number;
  /** What its producer chooses the partition by: those with the same keep their order. */
  readonly by: Uint8Array;
};

/** Records that are written together, when everything written before has been processed. */
export type Wave = {
  readonly what: string;
  readonly records: readonly InputRecord[];
  /** Where the first result of the wave is waited for, to tell how long it took. */
  readonly answeredIn?: AnyTopic;
};

/** What must be in a topic in the end, in whatever order. */
export type Expected = {
  readonly topic: AnyTopic;
  readonly values: readonly unknown[];
  /** What finds the result that is meant. */
  readonly identify: (value: unknown) => string;
  /** Whether a result is as it must be. */
  readonly isRight: (expected: unknown, actual: unknown) => boolean;
};

export type Plan = {
  readonly waves: readonly Wave[];
  /** The topic whose results are shown comes first. */
  readonly expected: readonly Expected[];
  /** How many records each operator must set aside; an operator that is not named: none. */
  readonly deadLetters: Readonly<Record<string, number>>;
};

export type Example = {
  /** Its folder's. */
  readonly name: string;
  /** What it shows, in a line. */
  readonly title: string;
  plan(options: InputOptions): Plan;
};

/** Where a record stands, and when. Without `by`, records with the same key stand in the same partition. */
export type RecordPlace<KeyIn> = {
  readonly timestampMs: number;
  readonly key?: KeyIn;
  readonly by?: string;
};

const encoder = new TextEncoder();

/** A record as the topic's formats make it. */
export function toRecord<In, KeyIn>(
  topic: Topic<In, unknown, KeyIn, unknown>,
  value: In,
  { timestampMs, key, by }: RecordPlace<KeyIn>,
): InputRecord {
  const { keyFormat, valueFormat } = topic as AnyTopic;
  const keyBytes = key === undefined || keyFormat === undefined ? null : keyFormat.encode(key);
  const valueBytes = value === null ? null : valueFormat.encode(value);
  return {
    topic,
    key: keyBytes,
    value: valueBytes,
    timestampMs,
    by: by === undefined ? (keyBytes ?? new Uint8Array()) : encoder.encode(by),
  };
}

/** What must be in a topic, to the digit unless `isRight` says what else will do. */
export function expectIn<Out>(
  topic: Topic<never, Out, never, unknown>,
  values: readonly Out[],
  near?: {
    readonly identify: (value: Out) => string;
    readonly isRight: (expected: Out, actual: Out) => boolean;
  },
): Expected {
  return {
    topic,
    values,
    identify: (near?.identify ?? toCanonicalText) as Expected["identify"],
    isRight: (near?.isRight ?? (() => true)) as Expected["isRight"],
  };
}

/** JSON in which the order of an object's members says nothing. */
function toCanonicalText(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) =>
    typeof member === "object" && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );
}
