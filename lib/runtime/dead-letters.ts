/** Writes dead letters: what could not be processed, with its original bytes and the reason, in the same commit as everything else. */

import { encodeValue } from "../state/value-encoding.ts";
import { MillraceError } from "../stream/error.ts";
import { encodeUtf8 } from "../stream/utf8.ts";
import { type Identity, identityBytesMax, identityHeader } from "../wire/identity.ts";
import { type OutgoingRecord, recordBytes } from "../wire/outgoing-record.ts";
import { type Header, headersAt, keyBytesAt, type RecordColumns, valueBytesAt } from "../wire/record-columns.ts";
import { DEAD_LETTER_HEADERS, type Detail } from "./dead-letter.ts";
import type { OpenTask } from "./open-task.ts";
import type { OutboxElement } from "./outbox.ts";
import type { TaskName } from "./task-name.ts";
import type { Problem } from "./units.ts";

/** Longer reasons are cut: they are for people. */
const REASON_CHARS_MAX = 2_000;

/** What happened, in one line. */
export function reasonOf({ error }: Problem): string {
  const name = error instanceof MillraceError || error.name === "Error" ? "" : `${error.name}: `;
  return `${name}${error.message}`.slice(0, REASON_CHARS_MAX);
}

/** Sets an input record aside, its bytes as they were; only a reference where that is too large. `successorOf`: the dead letter that it was already. */
export function buryRecord(
  task: OpenTask,
  records: RecordColumns,
  i: number,
  problem: Problem,
  successorOf?: string,
): void {
  bury(task, {
    position: String(records.offsets[i]),
    key: keyBytesAt(records, i),
    value: valueBytesAt(records, i),
    timestampMs: Math.min(Number.MAX_SAFE_INTEGER, Math.max(-1, Math.trunc(records.timestampsMs[i] as number))),
    headers: headersAt(records, i),
    detail: undefined,
    tooLarge: "the record was too large to be copied; read it at its position",
    problem,
    successorOf,
  });
}

/**
 * Sets an element behind a shuffle, a partial result, or a timer's result aside: the value as JSON, since no original bytes are left. Where that is too
 * large it is left out.
 */
export function buryElement(
  task: OpenTask,
  position: string,
  { key, value, timestampMs, detail }: BuriedElement,
  problem: Problem,
  successorOf?: string,
): void {
  bury(task, {
    position,
    key: key === null ? null : encodeUtf8(key),
    value: encodeUtf8(JSON.stringify(encodeValue(value))),
    // Kafka has no times before 1970.
    timestampMs: Math.max(0, timestampMs),
    headers: [],
    detail,
    tooLarge: "the element was too large to be copied",
    problem,
    successorOf,
  });
}

export type BuriedElement = {
  readonly key: string | null;
  readonly value: unknown;
  readonly timestampMs: number;
  readonly detail: Detail;
};

type Buried = Omit<OutgoingRecord, "headers"> & {
  readonly position: string;
  /** Of the original. */
  readonly headers: readonly Header[];
  readonly detail: Detail | undefined;
  /** The sentence for what is left where the broker would not take it with the identity that is added on sending. */
  readonly tooLarge: string;
  readonly problem: Problem;
  readonly successorOf: string | undefined;
};

function bury(task: OpenTask, buried: Buried): void {
  const { name, plan, collector, counts, meta } = task;
  counts.deadLetters++;
  collector.add(
    plan.deadLetterTopic,
    0,
    1,
    toLetter(buried, {
      name,
      // Without a log it would be another one in a repeat.
      failedAtMs: plan.commits ? meta.nowMs : undefined,
      recordBytesMax: collector.recordBytesMax,
    }),
  );
}

type Around = {
  readonly name: TaskName;
  readonly failedAtMs: number | undefined;
  readonly recordBytesMax: number;
};

/** The record of a dead letter, without its identity; only a reference where the whole is too large. */
function toLetter(buried: Buried, { name, failedAtMs, recordBytesMax }: Around): OutgoingRecord {
  const { key, value, timestampMs, headers, detail, problem, successorOf } = buried;
  const own = (more: Header[]): Header[] => [
    header(DEAD_LETTER_HEADERS.reason, reasonOf(problem)),
    header(DEAD_LETTER_HEADERS.step, problem.step),
    header(DEAD_LETTER_HEADERS.operator, name.functionName),
    ...(failedAtMs === undefined ? [] : [header(DEAD_LETTER_HEADERS.failedAt, String(failedAtMs))]),
    ...(successorOf === undefined ? [] : [header(DEAD_LETTER_HEADERS.successorOf, successorOf)]),
    ...more,
    header(DEAD_LETTER_HEADERS.topic, name.topic),
    header(DEAD_LETTER_HEADERS.partition, String(name.partition)),
    header(DEAD_LETTER_HEADERS.offset, buried.position),
  ];
  const detailed = detail === undefined ? [] : [header(DEAD_LETTER_HEADERS.detail, JSON.stringify(detail))];
  const whole = { key, value, timestampMs, headers: [...own(detailed), ...headers] };
  if (recordBytes(whole) + identityBytesMax(name.full) <= recordBytesMax) return whole;
  const reference = [header(DEAD_LETTER_HEADERS.reference, buried.tooLarge)];
  return { key: null, value: null, timestampMs, headers: own(reference) };
}

export type RefusedElement = {
  readonly sink: string;
  readonly element: OutboxElement;
  /** That of the element is the letter's. */
  readonly identity: Pick<Identity, "sequenceNumber" | "index">;
  readonly reason: string;
  /** The clock of its commit. */
  readonly atMs: number;
  readonly recordBytesMax: number;
};

/** The dead letter of an element that a sink refused, with its identity: it is sent after the commit, by whoever gives the element to the sink. */
export function toRefusedLetter(name: TaskName, refused: RefusedElement): OutgoingRecord {
  const { sink, element, identity, reason, atMs, recordBytesMax } = refused;
  const { value, key, timestampMs } = element;
  const buried: Buried = {
    position: "sink",
    key: encodeUtf8(key),
    value: encodeUtf8(value),
    timestampMs: Math.max(0, timestampMs),
    headers: [],
    detail: { kind: "refused", sink, key, timestampMs },
    tooLarge: "the element was too large to be copied",
    problem: { error: new Error(reason), step: `sink ${sink}` },
    successorOf: undefined,
  };
  const letter = toLetter(buried, { name, failedAtMs: atMs, recordBytesMax });
  return {
    ...letter,
    headers: [identityHeader(name.full, identity.sequenceNumber, identity.index), ...letter.headers],
  };
}

function header(name: string, value: string): Header {
  return [name, encodeUtf8(value)];
}
