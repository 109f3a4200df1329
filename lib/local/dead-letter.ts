/** A dead letter as people look at it. */

import { DEAD_LETTER_HEADERS } from "../runtime/dead-letters.ts";
import type { Header } from "../wire/record-columns.ts";
import type { TopicElement } from "./read-topic.ts";

export type DeadLetter = {
  readonly reason: string;
  /** The step in which it happened. */
  readonly step: string;
  readonly functionName: string;
  readonly topic: string;
  readonly partition: number;
  /** The input record's offset; `offset:element` or `offset:window:key` inside a bundle; "timer" for the result of one. */
  readonly offset: string;
  /** The original bytes; null where the record was too large to be copied, or had none. */
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  /** The headers of the original record. */
  readonly headers: readonly Header[];
  readonly timestampMs: number;
};

/** Reads a record of a dead-letter topic. */
export function toDeadLetter(element: TopicElement): DeadLetter {
  const own = new Set<string>(Object.values(DEAD_LETTER_HEADERS));
  const text = (name: string) => {
    const header = element.headers.find(([candidate]) => candidate === name);
    return header === undefined ? "" : new TextDecoder().decode(header[1]);
  };
  return {
    reason: text(DEAD_LETTER_HEADERS.reason),
    step: text(DEAD_LETTER_HEADERS.step),
    functionName: text(DEAD_LETTER_HEADERS.operator),
    topic: text(DEAD_LETTER_HEADERS.topic),
    partition: Number(text(DEAD_LETTER_HEADERS.partition)),
    offset: text(DEAD_LETTER_HEADERS.offset),
    key: element.key as Uint8Array | null,
    value: element.value as Uint8Array | null,
    headers: element.headers.filter(([name]) => !own.has(name) && name !== "millrace-id"),
    timestampMs: element.timestampMs,
  };
}
