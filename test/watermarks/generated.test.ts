/** What a generator says becomes the watermark of its partition: never back, never beyond the bound. */

import { expect, test } from "vitest";
import { type Generated, takeGenerated } from "../../lib/watermarks/generated.ts";

const NONE = Number.NEGATIVE_INFINITY;
const after = (watermarkMs: number, said: unknown, limitMs = 1_000) => {
  const generated: Generated = { watermarkMs, state: undefined };
  const taken = takeGenerated(generated, said, limitMs);
  return taken === "future" ? `future, ${generated.watermarkMs}` : generated.watermarkMs;
};

test.each([
  ["the first", NONE, 5, 5],
  ["one that is ahead", 5, 7, 7],
  ["one that is behind, which changes nothing", 5, 3, 5],
  ["one before 1970", NONE, -3, -3],
  ["a fraction, whole milliseconds of which have passed", NONE, 5.9, 5],
  ["nothing", 5, undefined, 5],
  ["none", 5, NONE, 5],
  ["the furthest that is allowed", 5, 1_000, 1_000],
  ["one beyond, which does not count", 5, 1_001, "future, 5"],
  ["the end of all time, which is beyond", 5, Number.POSITIVE_INFINITY, "future, 5"],
] as const)("takes %s", (_, before, said, expected) => {
  expect(after(before, said)).toBe(expected);
});

test.each([
  ["NaN", Number.NaN, "NaN"],
  ["a text", "5", "a value of type string"],
  ["null", null, "null"],
  ["a date", new Date(0), "a value of type object"],
])("refuses %s", (_, said, shown) => {
  expect(() => after(5, said)).toThrow(`the watermark is a number of epoch milliseconds, or undefined, not ${shown}`);
});
