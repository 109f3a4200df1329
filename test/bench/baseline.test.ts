/** What `npm run bench -- --compare` and `--against` say, from figures made up here. */

import { expect, test } from "vitest";
import { pair } from "../../bench/against.ts";
import { type Baseline, compare, keep } from "../../bench/baseline.ts";
import { describeComparison, describeSideBySide } from "../../bench/report.ts";
import type { Section } from "../../bench/section.ts";

const sectionOf = (
  title: string,
  values: Readonly<Record<string, readonly [value: number, unit: string]>>,
): Section => ({
  title,
  rows: Object.entries(values).map(([what, [value, unit]]) => ({ what, figure: `${value} ${unit}`, value, unit })),
});
const machine = { cpu: "one of two", cores: 2 };
const measured = { commit: "abc1234", date: "2026-11-01", loopUs: 1 };

test("times and rates are compared as if the machine were as fast as it was, bytes as they are", () => {
  const kept = keep(
    undefined,
    machine,
    [
      sectionOf("count", {
        loop: [2, "µs CPU per input record"],
        rate: [100, "words per second"],
        size: [50, "bytes"],
      }),
    ],
    measured,
  );
  // A machine half as fast: everything takes twice as long, and nothing has changed.
  const [comparison] = compare(
    kept,
    [
      sectionOf("count", {
        loop: [4, "µs CPU per input record"],
        rate: [50, "words per second"],
        size: [60, "bytes"],
      }),
    ],
    2,
  );
  expect(comparison?.changes.map(({ times }) => times)).toEqual([1, 1, 1.2]);
  expect(describeComparison(comparison as NonNullable<typeof comparison>)).toContain(
    "size  50 → 60 bytes  1.20 × more",
  );
});

test("rows that came and went are named, and sections that nothing is kept of are left out", () => {
  const kept = keep(undefined, machine, [sectionOf("count", { a: [1, "s"], b: [1, "bytes"] })], measured);
  const now = [sectionOf("count", { b: [1, "ms"], c: [1, "s"] }), sectionOf("other", { a: [1, "s"] })];
  const comparisons = compare(kept, now, 1);
  expect(comparisons.map(({ title }) => title)).toEqual(["count"]);
  // Of another unit it is another figure.
  expect(comparisons[0]).toMatchObject({ changes: [], isNew: ["b", "c"], isGone: ["a"] });
});

test("what is measured again takes the place of what was kept, and the rest stays", () => {
  const first = keep(undefined, machine, [sectionOf("a", { x: [1, "s"] }), sectionOf("b", { x: [1, "s"] })], measured);
  const second = keep(first, machine, [sectionOf("b", { x: [2.000_04, "s"] })], { ...measured, commit: "def5678" });
  const said = (baseline: Baseline) =>
    baseline.sections.map(({ title, commit, rows }) => [title, commit, rows[0]?.value]);
  expect(said(second)).toEqual([
    ["a", "abc1234", 1],
    ["b", "def5678", 2],
  ]);
});

test("side by side, a change is said only where every round agrees", () => {
  const round = (before: readonly [number, number], now: readonly [number, number]) => ({
    there: [sectionOf("count", { sure: [before[0], "µs"], unsure: [before[1], "µs"], gone: [1, "µs"] })],
    here: [sectionOf("count", { sure: [now[0], "µs"], unsure: [now[1], "µs"] })],
  });
  const rows = pair([round([10, 10], [5, 12]), round([12, 10], [6, 14]), round([10, 10], [4, 9])]);
  expect(rows.map(({ what, ratios }) => [what, ratios])).toEqual([
    ["sure", [0.4, 0.5, 0.5]],
    ["unsure", [0.9, 1.2, 1.4]],
  ]);
  const text = describeSideBySide(rows, "HEAD~1");
  expect(text).toContain("sure    10 → 5 µs  0.50 × (0.40 to 0.50) less");
  expect(text).toMatch(/unsure {2}10 → 12 µs {2}1\.20 × \(0\.90 to 1\.40\) $/mu);
});
