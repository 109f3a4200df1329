/** The watermark of one source partition, when it is told to others, and when a partition is idle. */

import { describe, expect, test } from "vitest";
import { passedStep } from "../../lib/watermarks/announce.ts";
import { boundedWatermark, clockReaches, clockWatermark, isIdle } from "../../lib/watermarks/bounded.ts";

const NONE = Number.NEGATIVE_INFINITY;
const END = Number.POSITIVE_INFINITY;

describe("bounded out-of-orderness", () => {
  test("is the newest timestamp − bound − 1", () => {
    expect(boundedWatermark(10_000, 2_000)).toBe(7_999);
  });

  test("with a bound of zero is monotonic: the newest timestamp − 1, so that equal timestamps are on time", () => {
    expect(boundedWatermark(10_000, 0)).toBe(9_999);
  });

  test("is none before the first element", () => {
    expect(boundedWatermark(NONE, 2_000)).toBe(NONE);
  });
});

describe("a watermark that follows the clock", () => {
  test("keeps the bound's distance", () => {
    expect(clockWatermark(10_000, 2_000)).toBe(7_999);
  });

  test("reaches a timer exactly when asked to wake for it, and not a millisecond before", () => {
    for (const [timerMs, boundMs] of [
      [4_999, 0],
      [4_999, 2_000],
      [-1, 5],
    ] as const) {
      const wakeMs = clockReaches(timerMs, boundMs);
      expect(clockWatermark(wakeMs, boundMs)).toBe(timerMs);
      expect(clockWatermark(wakeMs - 1, boundMs)).toBeLessThan(timerMs);
    }
  });
});

describe("idleness", () => {
  test("takes strictly longer than the bound", () => {
    expect(isIdle(13_000, 10_000, 3_000)).toBe(false);
    expect(isIdle(13_001, 10_000, 3_000)).toBe(true);
  });
});

describe("a watermark is told to partitions without elements", () => {
  test.each([
    { told: NONE, now: NONE, tells: false, why: "not while there is none" },
    { told: NONE, now: -70_000, tells: true, why: "when there is one at last" },
    { told: 0, now: 998, tells: false, why: "not before it has passed a step" },
    { told: 0, now: 999, tells: true, why: "at the watermark that closes a window which ends at the step" },
    { told: 999, now: 1_998, tells: false, why: "not twice for one step" },
    { told: 999, now: 1_999, tells: true, why: "at the next step" },
    { told: 0, now: 50_000, tells: true, why: "once for many steps" },
    { told: -2_001, now: -1_001, tells: true, why: "before 1970 too" },
    { told: 5_000, now: END, tells: true, why: "at the end of the input" },
    { told: END, now: END, tells: false, why: "not after the end" },
  ])("$why ($told → $now)", ({ told, now, tells }) => {
    expect(passedStep(told, now, { stepMs: 1_000, offsetMs: 0 })).toBe(tells);
  });

  test("on a grid with an offset at the watermarks that close its windows", () => {
    const grid = { stepMs: 5_000, offsetMs: -700 };
    expect(passedStep(0, 4_298, grid)).toBe(false);
    expect(passedStep(0, 4_299, grid)).toBe(true);
    expect(passedStep(4_299, 9_298, grid)).toBe(false);
  });
});
