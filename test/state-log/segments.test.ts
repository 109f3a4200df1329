/** Where segments of a log lie, what they hold, and what is read of them. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MemoryStateLog } from "../../lib/state-log/memory-state-log.ts";
import {
  type ArchivedEntry,
  assembleArchive,
  decodeSegment,
  encodeSegment,
  LOG_ENTRIES_MAX,
  placeOf,
  segmentEnd,
} from "../../lib/state-log/segments.ts";
import { RING_SLOTS, type StateLog } from "../../lib/state-log/state-log.ts";
import { append, openLog } from "../../lib/state-log/workflow.ts";
import { entry, numbersOf, range, utf8 } from "./entries.ts";

const SEGMENT = RING_SLOTS / 4;
const TASK = "segments/count/lines-0/1";

const archivedOf = (first: number, last: number): ArchivedEntry[] =>
  range(first, last).map((n) => ({ sequenceNumber: n, selfContained: false, changes: utf8(`changes of ${n}`) }));

const segment = (end: number, covered: number, first = end - SEGMENT + 1) => ({
  range: placeOf(end, covered) as string,
  asOf: end,
  bytes: encodeSegment(archivedOf(Math.max(first, covered + 1), end)),
});

/** A log of entries up to `last` on this base, of which those above `covered` were archived. */
async function archivedLog(last: number, base: number, covered: number): Promise<MemoryStateLog> {
  const log = new MemoryStateLog();
  for (let n = 1; n <= last; n++) {
    const isHead = n === last;
    const fields = isHead ? { base, covered } : { base: Math.max(0, Math.min(base, n - RING_SLOTS)), covered: 0 };
    await append(log, TASK, entry(n, fields));
  }
  for (let end = segmentEnd(covered + 1); end <= base; end += SEGMENT) await log.putChunk(TASK, segment(end, covered));
  return log;
}

test("a segment gives back its entries, with their numbers", () => {
  const changes = fc.uint8Array({ maxLength: 400 });
  const some = fc.array(fc.record({ changes, selfContained: fc.boolean() }), { minLength: 1, maxLength: SEGMENT });
  fc.assert(
    fc.property(some, fc.integer({ min: 1, max: 1_000 }), (entries, number) => {
      const end = number * SEGMENT;
      const numbered = entries.map((one, i) => ({ ...one, sequenceNumber: end - entries.length + 1 + i }));
      expect(decodeSegment({ asOf: end, bytes: encodeSegment(numbered) })).toEqual(numbered);
    }),
  );
});

describe("L6: places", () => {
  test("a log that stays short takes few places, over and over", () => {
    const places = new Set<string | undefined>();
    for (let end = SEGMENT; end <= 1_000 * SEGMENT; end += SEGMENT) places.add(placeOf(end, end - 3 * SEGMENT));
    expect(places.size).toBe(4);
  });

  test("a log that is too long has no place", () => {
    const end = 10_000 * SEGMENT;
    expect(placeOf(end, end - LOG_ENTRIES_MAX)).toBeDefined();
    expect(placeOf(end, end - 2 * LOG_ENTRIES_MAX)).toBeUndefined();
  });

  test("whatever writers know, a place is only taken from a segment that is not needed", () => {
    const steps = fc.array(
      fc.record({ ahead: fc.nat(200), covers: fc.nat(250), known: fc.double({ min: 0, max: 1, noNaN: true }) }),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(steps, (writes) => {
        const held = new Map<string, number>();
        let covered = 0;
        let last = 0;
        for (const { ahead, covers, known } of writes) {
          last += ahead;
          covered = Math.min(last, covered + covers);
          // Who writes may have read a head of long ago, and an entry of it.
          const end = segmentEnd(Math.max(1, Math.floor(last * known)));
          const place = placeOf(end, Math.floor(covered * known));
          if (place === undefined || (held.get(place) ?? 0) >= end) continue;
          expect(held.get(place) ?? 0).toBeLessThanOrEqual(covered);
          held.set(place, end);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe("L8: what is needed before the ring", () => {
  const head = { covered: 5, base: 3 * SEGMENT };
  const chunk = { range: "0-0", asOf: 5, bytes: utf8("state of 5") };

  test("is taken from segments in any order, beside chunks", () => {
    const stored = [
      segment(3 * SEGMENT, 0),
      chunk,
      segment(SEGMENT, 5),
      segment(2 * SEGMENT, 0),
      segment(4 * SEGMENT, 0),
    ];
    const { chunks, entries, archivedTo } = assembleArchive(head, stored);
    expect(chunks).toEqual([chunk]);
    // The last was put by a writer that could not say so in a commit.
    expect(archivedTo).toBe(4 * SEGMENT);
    expect(entries).toEqual(archivedOf(6, 3 * SEGMENT));
  });

  test.each([
    ["a segment is missing", [segment(SEGMENT, 0), segment(3 * SEGMENT, 0)]],
    ["a segment begins too late", [segment(SEGMENT, 6), segment(2 * SEGMENT, 0), segment(3 * SEGMENT, 0)]],
    ["there is none", [chunk]],
  ])("is not whole where %s", (_, stored) => {
    expect(assembleArchive(head, stored).isWhole).toBe(false);
  });

  test("is nothing where chunks cover all before the ring", () => {
    expect(assembleArchive({ covered: 20, base: 20 }, [segment(SEGMENT, 0)])).toEqual({
      chunks: [],
      entries: [],
      isWhole: true,
      archivedTo: 20,
    });
  });
});

describe("a log with segments", () => {
  const reading = (log: StateLog, readChunks: StateLog["readChunks"]): StateLog => ({
    putEntry: (task, put) => log.putEntry(task, put),
    readEntries: (task) => log.readEntries(task),
    readSlot: (task, n) => log.readSlot(task, n),
    putChunk: (task, chunk) => log.putChunk(task, chunk),
    readChunks,
    generationOf: (name) => log.generationOf(name),
    allotGeneration: (name, after) => log.allotGeneration(name, after),
    tasks: () => log.tasks(),
    close: () => log.close(),
  });
  const last = RING_SLOTS + 2 * SEGMENT;

  test("is read whole: segments, then the ring", async () => {
    const log = await archivedLog(last, 3 * SEGMENT, 5);
    const { archived, entries } = await openLog(log, TASK);
    expect(archived.map(({ sequenceNumber }) => sequenceNumber)).toEqual(range(6, 3 * SEGMENT));
    expect(numbersOf(entries)).toEqual(range(3 * SEGMENT + 1, last));
  });

  test("is read again when a place was taken again meanwhile", async () => {
    const log = await archivedLog(last, 3 * SEGMENT, 5);
    let readings = 0;
    const readChunks = async (task: string) => {
      readings += 1;
      // A writer covers more, says so, and takes the first place for a later segment.
      if (readings === 1) {
        await append(log, TASK, entry(last + 1, { base: 3 * SEGMENT, covered: 2 * SEGMENT }));
        const { range: place } = segment(SEGMENT, 5);
        await log.putChunk(TASK, { ...segment(4 * SEGMENT, 2 * SEGMENT), range: place });
      }
      return (await log.readChunks(task)).filter(({ asOf }) => readings > 1 || asOf !== 4 * SEGMENT);
    };
    const read = await openLog(reading(log, readChunks), TASK);
    expect(readings).toBe(2);
    expect(read.head?.covered).toBe(2 * SEGMENT);
    expect(read.archived.map(({ sequenceNumber }) => sequenceNumber)).toEqual(range(2 * SEGMENT + 1, 3 * SEGMENT));
  });

  test("is broken where a segment is missing and nobody has said that it is not needed", async () => {
    const log = await archivedLog(last, 3 * SEGMENT, 5);
    const readChunks = async (task: string) => (await log.readChunks(task)).filter(({ asOf }) => asOf !== 2 * SEGMENT);
    await expect(openLog(reading(log, readChunks), TASK)).rejects.toThrow(
      /state log of .* lacks entries between 5 and 24/,
    );
  });

  test("L6: what is covered never goes back, and never lies after the base", async () => {
    const log = await archivedLog(last, 3 * SEGMENT, 5);
    await append(log, TASK, entry(last + 1, { base: 3 * SEGMENT, covered: 4 }));
    await expect(openLog(log, TASK)).rejects.toMatchObject({ code: "state-broken" });
    await expect(append(log, TASK, entry(last + 2, { base: 3 * SEGMENT, covered: 3 * SEGMENT + 1 }))).rejects.toThrow(
      "L6",
    );
  });
});
