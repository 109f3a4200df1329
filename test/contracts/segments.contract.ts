/** What every state log keeps of a log that is longer than its ring. */

import { expect } from "vitest";
import { encodeSegment, placeOf, segmentEnd } from "../../lib/state-log/segments.ts";
import { RING_SLOTS, type StateLog } from "../../lib/state-log/state-log.ts";
import { append, openLog } from "../../lib/state-log/workflow.ts";
import { entry, newTask, numbersOf, range, utf8 } from "../state-log/entries.ts";

const N = RING_SLOTS;

/** Writes entries of which chunks cover three, and expects the others back, from segments and slots. */
export async function expectSegmentsKept(log: StateLog): Promise<void> {
  const task = newTask();
  const last = 3 * N + 5;
  let base = 0;
  for (const n of range(1, last)) {
    const end = segmentEnd(base + 1);
    if (n - base > N - 2) {
      const bytes = encodeSegment(range(Math.max(4, base + 1), end).map((i) => entry(i)));
      await log.putChunk(task, { range: placeOf(end, 3) as string, asOf: end, bytes });
      base = end;
    }
    const covered = Math.min(3, base);
    expect(await append(log, task, entry(n, { base, covered }))).toEqual({ kind: "won" });
  }
  const chunk = { range: "0-0", asOf: 3, bytes: utf8("state of 3") };
  await log.putChunk(task, chunk);
  const { head, archived, entries, chunks } = await openLog(log, task);
  expect(head).toEqual(entry(last, { base, covered: 3 }));
  expect(archived.map(({ sequenceNumber }) => sequenceNumber)).toEqual(range(4, base));
  expect(archived[0]).toEqual({ sequenceNumber: 4, selfContained: false, changes: entry(4).changes });
  expect(numbersOf(entries)).toEqual(range(base + 1, last));
  expect(chunks).toEqual([chunk]);
}
