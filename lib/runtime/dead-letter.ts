/** A dead letter as it stands in its topic, taken apart: what it was, why it failed, and what it takes to process it again. */

import type { TaskResult } from "../operators/chain.ts";
import type { Namespace } from "../state/keyed-state.ts";
import { encodeValue } from "../state/value-encoding.ts";
import { IDENTITY_HEADER } from "../wire/identity.ts";
import type { Header } from "../wire/record-columns.ts";

/** Headers of a dead letter, behind its identity. The offset is the last of them: behind it stand those of the original record. */
export const DEAD_LETTER_HEADERS = {
  reason: "millrace-reason",
  step: "millrace-step",
  operator: "millrace-function",
  /** When it failed, by the task's clock; absent where a function keeps no log and so is told no time. */
  failedAt: "millrace-failed-at",
  /** The identity of the dead letter that was redriven and failed again as this one. */
  successorOf: "millrace-successor-of",
  /** What it was, where it is no record of a source. */
  detail: "millrace-detail",
  /** Present where the original was too large to be kept whole: only its position is known. */
  reference: "millrace-reference",
  topic: "millrace-topic",
  partition: "millrace-partition",
  offset: "millrace-offset",
} as const;

/** An element behind a shuffle. Keys are kept here as they are encoded: as bytes, half of a surrogate pair would be lost. */
export type ElementDetail = {
  readonly kind: "element";
  readonly side: number;
  readonly origin?: string | undefined;
  readonly key: string;
  readonly timestampMs: number;
};
/** A partial result behind a shuffle, which stands for `elements` elements of a window. */
export type PartialDetail = {
  readonly kind: "partial";
  readonly side: number;
  readonly origin?: string | undefined;
  readonly shape?: string | undefined;
  readonly key: string;
  readonly windowStartMs: number;
  /** Of sessions, which say themselves how long they are. */
  readonly windowEndMs?: number | undefined;
  readonly elements: number;
};
/** The result of a timer. */
export type ResultDetail = {
  readonly kind: "result";
  readonly table: string;
  readonly namespace: Namespace;
  readonly key: string;
  /** As encodeValue has it, in JSON. */
  readonly accumulator: string;
};
/** An element that a sink refused after it was committed. */
export type RefusedDetail = {
  readonly kind: "refused";
  readonly sink: string;
  /** As encodeValue has it, in JSON. */
  readonly key: string;
  readonly timestampMs: number;
};
/** What a dead letter was that is no record of a source. */
export type Detail = ElementDetail | PartialDetail | ResultDetail | RefusedDetail;

/** Keeps a result as it is now. */
export function toResultDetail({ table, namespace, key, accumulator }: Omit<TaskResult, "shown">): ResultDetail {
  return { kind: "result", table, namespace, key, accumulator: JSON.stringify(encodeValue(accumulator)) };
}

/** Whether an operator set a letter aside: its topic may hold letters of others. */
export function isOfOperator({ functionName }: Pick<DeadLetter, "functionName">, operatorName: string): boolean {
  return functionName === operatorName || functionName.startsWith(`${operatorName}--`);
}

/** What could not be processed, and why. */
export type DeadLetter = {
  /** Its identity: `application/function/topic-partition/generation:sequence:index`. "" where something else than Millrace wrote it. */
  readonly id: string;
  readonly reason: string;
  /** The step in which it happened. */
  readonly step: string;
  readonly functionName: string;
  readonly topic: string;
  readonly partition: number;
  /**
   * The input record's offset; `offset:element` or `offset:window:key` inside a bundle, `offset/side` for the offset where a step has two inputs; "timer" for
   * the result of one, "sink" for what a sink refused.
   */
  readonly offset: string;
  /** A record of a source; an element or a partial result of a bundle; the result of a timer; what a sink refused. */
  readonly kind: "record" | Detail["kind"];
  /** The original bytes; null where the record was too large to be copied, or had none. */
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  /** The headers of the original record. */
  readonly headers: readonly Header[];
  readonly timestampMs: number;
  /** When it failed, epoch milliseconds; undefined where its function keeps no log and so is told no time. */
  readonly failedAtMs: number | undefined;
  /** The id of the dead letter that was redriven and failed again as this one. */
  readonly successorOf: string | undefined;
  /** Why it has no bytes, where it was too large to be copied. */
  readonly reference: string | undefined;
  /** What it takes to process again what is no record of a source. */
  readonly detail: Detail | undefined;
};

const OWN = new Set<string>([IDENTITY_HEADER, ...Object.values(DEAD_LETTER_HEADERS)]);

const decoder = new TextDecoder();

/** Takes a record of a dead-letter topic apart; missing headers are empty texts. */
export function toDeadLetter(record: {
  readonly key: unknown;
  readonly value: unknown;
  readonly headers: readonly Header[];
  readonly timestampMs: number;
}): DeadLetter {
  const end = record.headers.findIndex(([name]) => name === DEAD_LETTER_HEADERS.offset) + 1;
  const own = new Map(record.headers.slice(0, end).filter(([name]) => OWN.has(name)));
  const find = (name: string) => {
    const bytes = own.get(name);
    return bytes === undefined ? undefined : decoder.decode(bytes);
  };
  const text = (name: string) => find(name) ?? "";
  const failedAt = find(DEAD_LETTER_HEADERS.failedAt);
  const detail = parseDetail(find(DEAD_LETTER_HEADERS.detail));
  const offset = text(DEAD_LETTER_HEADERS.offset);
  return {
    id: text(IDENTITY_HEADER),
    reason: text(DEAD_LETTER_HEADERS.reason),
    step: text(DEAD_LETTER_HEADERS.step),
    functionName: text(DEAD_LETTER_HEADERS.operator),
    topic: text(DEAD_LETTER_HEADERS.topic),
    partition: Number(text(DEAD_LETTER_HEADERS.partition)),
    offset,
    kind: detail?.kind ?? kindAt(offset),
    key: record.key as Uint8Array | null,
    value: record.value as Uint8Array | null,
    headers: record.headers.slice(end),
    timestampMs: record.timestampMs,
    failedAtMs: failedAt === undefined ? undefined : Number(failedAt),
    successorOf: find(DEAD_LETTER_HEADERS.successorOf),
    reference: find(DEAD_LETTER_HEADERS.reference),
    detail,
  };
}

function parseDetail(text: string | undefined): Detail | undefined {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as Detail;
  } catch {
    // Somebody else wrote it; it can be looked at all the same.
    return undefined;
  }
}

/** What stands at a position, where no detail tells. */
function kindAt(offset: string): DeadLetter["kind"] {
  if (/^\d+$/.test(offset)) return "record";
  if (offset === "timer") return "result";
  if (offset === "sink") return "refused";
  return /^\d+(\/\d+)?:\d+$/.test(offset) ? "element" : "partial";
}
