/** The comparison finds whatever differs: it is what the word "verified" rests on. */

import { expect, test } from "vitest";
import { compareWindows, describeDifference } from "../../demo/compare-windows.ts";

type Counts = Readonly<Record<number, Readonly<Record<string, number>>>>;

function toWindows(counts: Counts) {
  return new Map(Object.entries(counts).map(([start, words]) => [Number(start), new Map(Object.entries(words))]));
}

test.each<[string, Counts, Counts, string[]]>([
  ["nothing and nothing", {}, {}, []],
  ["the same", { 0: { a: 1, b: 2 } }, { 0: { b: 2, a: 1 } }, []],
  ["another count", { 0: { a: 1 } }, { 0: { a: 2 } }, ["00:00:00  a: 2 in word-counts, 1 by the direct count"]],
  [
    "a word missing",
    { 0: { a: 1, b: 1 } },
    { 0: { a: 1 } },
    ["00:00:00  b: not there in word-counts, 1 by the direct count"],
  ],
  [
    "a word too many",
    { 0: { a: 1 } },
    { 0: { a: 1, b: 1 } },
    ["00:00:00  b: 1 in word-counts, not there by the direct count"],
  ],
  [
    "a window missing",
    { 0: { a: 1 }, 5000: { a: 1 } },
    { 0: { a: 1 } },
    ["00:00:05  a: not there in word-counts, 1 by the direct count"],
  ],
  ["a window too many", {}, { 5000: { a: 1 } }, ["00:00:05  a: 1 in word-counts, not there by the direct count"]],
])("%s", (_name, expected, actual, sentences) => {
  expect(compareWindows(toWindows(expected), toWindows(actual)).map(describeDifference)).toEqual(sentences);
});

test("differences come in order of window and word", () => {
  const differences = compareWindows(toWindows({ 10000: { b: 1, a: 1 }, 5000: { z: 1 } }), new Map());
  expect(differences.map(({ windowStartMs, word }) => [windowStartMs, word])).toEqual([
    [5_000, "z"],
    [10_000, "a"],
    [10_000, "b"],
  ]);
});
