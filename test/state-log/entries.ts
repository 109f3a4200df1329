/** Entries and chunks for tests of the state log, and what reads as a rule in them. */

import { randomUUID } from "node:crypto";
import { LAYOUT, type LogEntry, RING_SLOTS, type StateLog } from "../../lib/state-log/state-log.ts";
import { append } from "../../lib/state-log/workflow.ts";

const EMPTY = new Uint8Array(0);

/** An entry whose attempt and predecessor follow from its number; `by` tells writers apart. */
export function entry(sequenceNumber: number, fields: Partial<LogEntry> = {}, by = "a"): LogEntry {
  return {
    sequenceNumber,
    attemptId: `${by}${sequenceNumber}`,
    previousAttemptId: sequenceNumber === 1 ? "" : `a${sequenceNumber - 1}`,
    base: 0,
    covered: fields.base ?? 0,
    layout: LAYOUT,
    selfContained: false,
    meta: `{"checkpoint":${sequenceNumber}}`,
    changes: utf8(`changes of ${sequenceNumber}`),
    outputs: EMPTY,
    wakeAtMs: null,
    ...fields,
  };
}

/** The base of entry n of a writer that snapshots every half ring. */
export function baseOf(sequenceNumber: number): number {
  const step = RING_SLOTS / 2;
  return Math.floor((sequenceNumber - 1) / step) * step;
}

/** Appends entries up to `last` to a log that holds `first` − 1, with the chunks that they rest on. */
export async function appendUpTo(log: StateLog, task: string, last: number, first = 1): Promise<void> {
  for (let n = first; n <= last; n += 1) {
    const base = baseOf(n);
    if (base > 0 && base === n - 1) {
      await log.putChunk(task, { range: "0-0", asOf: base, bytes: utf8(`state of ${base}`) });
    }
    const result = await append(log, task, entry(n, { base }));
    if (result.kind !== "won") {
      throw new Error(`entry ${n} lost`);
    }
  }
}

export function newTask(name = "count-words"): string {
  return `test-${randomUUID()}/${name}/lines-0/1`;
}

export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function numbersOf(entries: readonly LogEntry[]): number[] {
  return entries.map(({ sequenceNumber }) => sequenceNumber);
}

export function sorted(entries: readonly LogEntry[]): LogEntry[] {
  return [...entries].sort((a, b) => a.sequenceNumber - b.sequenceNumber);
}

/** first, first + 1, … last. */
export function range(first: number, last: number): number[] {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => first + i);
}
