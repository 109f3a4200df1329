/** Dead letters: what could not be processed, with its original bytes and the reason, in the same commit as everything else. */

import { encodeColumn } from "../state/value-encoding.ts";
import { MillraceError } from "../stream/error.ts";
import { encodeUtf8 } from "../stream/utf8.ts";
import { identityBytesMax } from "../wire/identity.ts";
import type { OutgoingRecord } from "../wire/outgoing-record.ts";
import { recordBytes } from "../wire/outgoing-record.ts";
import { type Header, headersAt, keyBytesAt, type RecordColumns, valueBytesAt } from "../wire/record-columns.ts";
import type { TaskName } from "./task-name.ts";
import type { Problem } from "./units.ts";

/** Headers of a dead letter; those of the original record stand behind them. */
export const DEAD_LETTER_HEADERS = {
  reason: "millrace-reason",
  step: "millrace-step",
  operator: "millrace-function",
  topic: "millrace-topic",
  partition: "millrace-partition",
  offset: "millrace-offset",
  /** Present where the original was too large to be kept whole: only its position is known. */
  reference: "millrace-reference",
} as const;

/** Longer reasons are cut: they are for people. */
const REASON_CHARS_MAX = 2_000;

/** What happened, in one line. */
function reasonOf({ error }: Problem): string {
  const name = error instanceof MillraceError || error.name === "Error" ? "" : `${error.name}: `;
  return `${name}${error.message}`.slice(0, REASON_CHARS_MAX);
}

/** The dead letter of an input record: its bytes as they were. Above `recordBytesMax` only a reference. */
export function deadRecord(
  name: TaskName,
  records: RecordColumns,
  i: number,
  problem: Problem,
  recordBytesMax: number,
): OutgoingRecord {
  const headers = headersOf(name, problem, String(records.offsets[i]));
  const whole: OutgoingRecord = {
    key: keyBytesAt(records, i),
    value: valueBytesAt(records, i),
    timestampMs: Math.min(Number.MAX_SAFE_INTEGER, Math.max(-1, Math.trunc(records.timestampsMs[i] as number))),
    headers: [...headers, ...headersAt(records, i)],
  };
  return orReference(
    name,
    whole,
    headers,
    recordBytesMax,
    "the record was too large to be copied; read it at its position",
  );
}

/** The dead letter, or one without key and value where the broker would not take it with the identity that is added on sending. */
function orReference(
  name: TaskName,
  whole: OutgoingRecord,
  headers: readonly Header[],
  recordBytesMax: number,
  why: string,
): OutgoingRecord {
  if (recordBytes(whole) + identityBytesMax(name.full) <= recordBytesMax) return whole;
  return {
    key: null,
    value: null,
    timestampMs: whole.timestampMs,
    headers: [...headers, header(DEAD_LETTER_HEADERS.reference, why)],
  };
}

/**
 * The dead letter of an element behind a shuffle, or of a timer's result: the value as JSON, since no original bytes are left. Above
 * `recordBytesMax` without it.
 */
export function deadElement(
  name: TaskName,
  position: string,
  key: string | null,
  value: unknown,
  timestampMs: number,
  problem: Problem,
  recordBytesMax: number,
): OutgoingRecord {
  const text = JSON.stringify(encodeColumn([value]));
  const headers = headersOf(name, problem, position);
  const whole: OutgoingRecord = {
    key: key === null ? null : encodeUtf8(key),
    value: encodeUtf8(text.startsWith("[") ? text.slice(1, -1) : text),
    // Kafka has no times before 1970.
    timestampMs: Math.max(0, timestampMs),
    headers,
  };
  return orReference(name, whole, headers, recordBytesMax, "the element was too large to be copied");
}

function headersOf(name: TaskName, problem: Problem, offset: string): Header[] {
  return [
    header(DEAD_LETTER_HEADERS.reason, reasonOf(problem)),
    header(DEAD_LETTER_HEADERS.step, problem.step),
    header(DEAD_LETTER_HEADERS.operator, name.functionName),
    header(DEAD_LETTER_HEADERS.topic, name.topic),
    header(DEAD_LETTER_HEADERS.partition, String(name.partition)),
    header(DEAD_LETTER_HEADERS.offset, offset),
  ];
}

function header(name: string, value: string): Header {
  return [name, encodeUtf8(value)];
}
