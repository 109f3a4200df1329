/** Event times are past, repeatable, and never later than the topic's bound allows. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { chooseBase, EventTimes, type LinePlace } from "../../demo/event-times.ts";

const BOUND_MS = 2_000;

function take(count: number, seed: number, baseMs = 0): LinePlace[] {
  const times = new EventTimes({ seed, baseMs, boundMs: BOUND_MS, partitions: 4 });
  return Array.from({ length: count }, () => times.next());
}

test("no line is behind another by more than the bound", () => {
  fc.assert(
    fc.property(fc.nat(), (seed) => {
      let newestMs = Number.NEGATIVE_INFINITY;
      const wrong = take(2_000, seed).filter(({ timestampMs, partition }) => {
        const isLate = timestampMs < newestMs - BOUND_MS;
        newestMs = Math.max(newestMs, timestampMs);
        return isLate || partition < 0 || partition > 3;
      });
      expect(wrong).toEqual([]);
    }),
    { numRuns: 20 },
  );
});

test("they are out of order, a few milliseconds apart, and use every partition", () => {
  const places = take(10_000, 1);
  expect(places.filter(({ timestampMs }, i) => timestampMs < (places[i - 1]?.timestampMs ?? 0)).length).toBeGreaterThan(
    1_000,
  );
  expect(places.at(-1)!.timestampMs / places.length).toBeCloseTo(4.5, 0);
  expect(new Set(places.map(({ partition }) => partition)).size).toBe(4);
});

test("they follow from the seed, and from the base by shifting", () => {
  const shifted = take(100, 7).map(({ timestampMs, partition }) => ({
    timestampMs: timestampMs + 3_600_000,
    partition,
  }));
  expect(take(100, 7, 3_600_000)).toEqual(shifted);
  expect(take(100, 7)).not.toEqual(take(100, 8));
});

test("a run begins on the hour, and all of it is past", () => {
  const nowMs = Date.UTC(2026, 9, 1, 12, 0, 30);
  for (const lines of [1, 1_000, 5_000_000]) {
    const baseMs = chooseBase(nowMs, lines);
    expect(baseMs % 3_600_000).toBe(0);
    const [last] = take(Math.min(lines, 1_000), 1, baseMs).slice(-1);
    expect(last!.timestampMs).toBeLessThan(nowMs - 10_000);
    expect(baseMs + lines * 8 + BOUND_MS).toBeLessThan(nowMs - 10_000);
  }
});
