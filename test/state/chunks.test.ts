/** Which entries must stay, which chunk speaks, and when a range is split. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RING_SPAN } from "../../lib/runtime/kept-log.ts";
import { ChunkLedger } from "../../lib/state/chunk-ledger.ts";
import { ChunkCover, levelAfter, parseRangeName, rangeName } from "../../lib/state/chunk-range.ts";
import { POSITION_BITS } from "../../lib/state/key-group.ts";

const SLOTS = 32;

describe("ChunkLedger", () => {
  test("L6: nothing before the first entry that touched a range since its chunk is needed", () => {
    const ledger = new ChunkLedger();
    expect(ledger.base(1)).toBe(0);
    ledger.touch(1, [0]);
    ledger.touch(2, [1]);
    ledger.touch(3, [0]);
    expect(ledger.base(4)).toBe(0);
    ledger.wrote(0, 1);
    expect(ledger.base(4)).toBe(1);
    ledger.wrote(1, 1);
    expect(ledger.base(4)).toBe(3);
  });

  test("a self-contained entry makes all before it superfluous", () => {
    const ledger = new ChunkLedger();
    ledger.touch(1, [0, 1, 2]);
    ledger.restart(7, [0]);
    expect(ledger.base(8)).toBe(6);
  });

  test("a split range is waited for in all its parts, since the same entry", () => {
    const ledger = new ChunkLedger();
    ledger.touch(5, [2]);
    ledger.split(2);
    for (const part of [8, 9, 10]) ledger.wrote(part, 1);
    expect(ledger.base(9)).toBe(4);
    ledger.wrote(11, 1);
    expect(ledger.base(9)).toBe(8);
  });

  test("L6: whatever is touched, the ring never blocks, and a chunk is not written again before it is half as old as it may become", () => {
    const steps = fc.array(fc.array(fc.nat(40), { maxLength: 12 }), { minLength: 100, maxLength: 300, size: "max" });
    fc.assert(
      fc.property(steps, fc.integer({ min: 0, max: 300 }), (touched, splitAt) => {
        const ledger = new ChunkLedger();
        const written = new Map<number, number>();
        let base = 0;
        for (const [i, ranges] of touched.entries()) {
          const n = i + 1;
          const next = ledger.base(n);
          expect(next).toBeGreaterThanOrEqual(base);
          expect(next).toBeGreaterThanOrEqual(n - SLOTS);
          base = next;
          ledger.touch(n, ranges);
          for (const range of ledger.due(n, RING_SPAN, SLOTS)) {
            if (i !== splitAt) expect(n - (written.get(range) ?? -SLOTS)).toBeGreaterThanOrEqual(RING_SPAN / 2);
            written.set(range, n);
            ledger.wrote(range, 1);
          }
          if (i === splitAt) {
            ledger.split(1);
            written.clear();
          }
        }
      }),
      { numRuns: 50 },
    );
  });
});

describe("ChunkCover", () => {
  const position = (prefix: number, level: number) => prefix * 2 ** (POSITION_BITS - level);

  test("the newest chunk speaks, of whatever level", () => {
    const cover = new ChunkCover([
      { range: { level: 0, prefix: 0 }, asOf: 10 },
      { range: { level: 2, prefix: 1 }, asOf: 20 },
      { range: { level: 1, prefix: 1 }, asOf: 5 },
    ]);
    expect([0, 1, 2, 3].map((prefix) => cover.asOf(position(prefix, 2)))).toEqual([10, 20, 10, 10]);
    expect(cover.level).toBe(2);
    expect(cover.newest).toBe(20);
    expect([cover.holdsWhole(10), cover.holdsWhole(11)]).toEqual([true, false]);
  });

  test("L7: each position takes the state of exactly one chunk, and only the entries after it", () => {
    const chunk = fc
      .integer({ min: 0, max: 4 })
      .chain((level) =>
        fc.record({ level: fc.constant(level), prefix: fc.nat(2 ** level - 1), asOf: fc.integer({ min: 1, max: 9 }) }),
      );
    fc.assert(
      fc.property(fc.array(chunk, { maxLength: 12 }), fc.nat(2 ** POSITION_BITS - 1), fc.nat(10), (chunks, at, n) => {
        const listed = chunks.map(({ asOf, ...range }) => ({ range, asOf }));
        const cover = new ChunkCover(listed);
        const covering = listed.filter(
          ({ range }) => Math.floor(at / 2 ** (POSITION_BITS - range.level)) === range.prefix,
        );
        const newest = Math.max(0, ...covering.map(({ asOf }) => asOf));
        expect(cover.asOf(at)).toBe(newest);
        expect(cover.misses(n)(at)).toBe(n > newest);
        for (const one of listed)
          expect(cover.speaks(one.range, one.asOf)(at)).toBe(covering.includes(one) && one.asOf === newest);
      }),
    );
  });
});

describe("ranges", () => {
  test("names can be read back", () => {
    const range = { level: 7, prefix: 99 };
    expect(parseRangeName(rangeName(range))).toEqual(range);
  });

  const content = (keys: number) => () => ({
    table: { s: [["", Array.from({ length: keys }, (_, i) => `k${i}`), []] as [string, string[], unknown]] },
  });

  test.each([
    ["is not split while it is small", 96 * 1024, 1_000, 3],
    ["is split in two when it is a little too large", 97 * 1024, 1_000, 4],
    ["is split into as many as it takes", 16 * 96 * 1024, 1_000, 7],
    ["is not split for a few large keys", 16 * 96 * 1024, 15, 3],
    ["is split for its keys, however large", 16 * 96 * 1024, 32, 5],
    ["is not split for nothing", 97 * 1024, 0, 3],
  ])("a range %s", (_, bytes, keys, level) => {
    expect(levelAfter({ level: 3, prefix: 0 }, bytes, content(keys))).toBe(level);
  });

  test("a range is not split for ever", () => {
    expect(levelAfter({ level: 19, prefix: 0 }, 2 ** 30, content(100_000))).toBe(20);
  });
});
