/** What the screen shows, without a screen. */

import fc from "fast-check";
import { expect, test } from "vitest";
import type { Progress } from "../../demo/progress.ts";
import { describeInjected, formatPlural, formatTime, showProgress } from "../../demo/screen-model.ts";

const PROGRESS: Progress = {
  phase: "counting",
  lines: 20_000,
  linesDone: 10_000,
  linesPerSecond: 12_345.6,
  watermarkMs: Date.UTC(2026, 9, 1, 12, 0, 59, 999),
  windowsClosed: 12,
  results: 3_456,
  newestWindow: {
    startMs: Date.UTC(2026, 9, 1, 12, 0, 55),
    endMs: Date.UTC(2026, 9, 1, 12, 1),
    top: [
      ["the", 80],
      ["incomprehensibilities", 40],
      ["a", 1],
    ],
  },
  injected: { crashes: 2, lostReplies: 1, delays: 0, duplicates: 0, splits: 0, timeouts: 1 },
};

function toText(progress: Progress, columns: number): string[] {
  return showProgress(progress, columns).map((line) => line.map(({ text }) => text).join(""));
}

test("a wide terminal", () => {
  expect(toText(PROGRESS, 70)).toEqual([
    "",
    "  counting  ████████████████████····················  50 %",
    "  lines     10,000 of 20,000, 12,346 records/s",
    "  watermark 2026-10-01 12:00:59.999",
    "  windows   12 closed, 3,456 results",
    "  injected  2 crashes, 1 time-out, 1 lost reply",
    "",
    "  newest window 12:00:55 – 12:01:00",
    "  the                ████████████████████████████████████████ 80",
    "  incomprehensibili… ████████████████████ 40",
    "  a                  ▌ 1",
  ]);
});

test("before anything is known", () => {
  const { injected: _, ...rest } = PROGRESS;
  const early: Progress = {
    ...rest,
    phase: "writing",
    linesDone: 0,
    watermarkMs: undefined,
    windowsClosed: 0,
    results: 0,
    newestWindow: undefined,
    injected: undefined,
  };
  expect(toText(early, 40)).toEqual([
    "",
    "  writing   ···················   0 %",
    "  lines     0 of 20,000",
    "  watermark –",
    "  windows   0 closed, 0 results",
  ]);
});

test("no line is wider than the terminal", () => {
  const counts = fc.nat(2 ** 31);
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 200 }),
      counts,
      counts,
      fc.string({ maxLength: 40 }),
      (columns, a, b, word) => {
        const newestWindow = { startMs: 0, endMs: 5_000, top: [[word, a] as const] };
        const progress = { ...PROGRESS, lines: a, linesDone: b, results: b, newestWindow };
        for (const line of toText(progress, columns)) expect(line.length).toBeLessThanOrEqual(columns);
      },
    ),
  );
});

test.each([
  [formatPlural(1, "line"), "1 line"],
  [formatPlural(0, "line"), "0 lines"],
  [formatPlural(2_000, "crash", "crashes"), "2,000 crashes"],
  [formatTime(undefined), "–"],
  [formatTime(Number.NEGATIVE_INFINITY), "–"],
  [formatTime(0), "1970-01-01 00:00:00.000"],
  [describeInjected({ crashes: 0, lostReplies: 0, delays: 0, duplicates: 0, splits: 0, timeouts: 0 }), "nothing yet"],
])("%j", (shown, wanted) => {
  expect(shown).toBe(wanted);
});
