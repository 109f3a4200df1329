/** The direct count, which everything else is compared with. */

import { expect, test } from "vitest";
import { DirectCount } from "../../demo/direct-count.ts";

const encoder = new TextEncoder();

test.each([
  ["to be or not to be", { to: 2, be: 2, or: 1, not: 1 }],
  ["To, to; TO!", { to: 3 }],
  ["", {}],
  ["--- ... ---", {}],
  ["snake_case x1", { snake_case: 1, x1: 1 }],
  ["naïve café", { na: 1, ve: 1, caf: 1 }],
  ["\u212Aelvin", { kelvin: 1 }],
  ["constructor __proto__", { constructor: 1, ["__proto__"]: 1 }],
])("%j", (line, words) => {
  const count = new DirectCount();
  count.add(encoder.encode(line), 7_000);
  expect([...(count.windows.get(5_000) ?? [])]).toEqual(Object.entries(words));
});

test("windows are five seconds, their start belongs to them and their end does not", () => {
  const count = new DirectCount();
  for (const timestampMs of [0, 4_999, 5_000, 12_345]) count.add(encoder.encode("a b"), timestampMs);
  expect([...count.windows.keys()]).toEqual([0, 5_000, 10_000]);
  expect(count.windows.get(0)!.get("a")).toBe(2);
  expect(count).toMatchObject({ lines: 4, words: 8, results: 6, unreadable: 0 });
});

test("what is not UTF-8 is no text", () => {
  const count = new DirectCount();
  count.add(Uint8Array.of(0x61, 0x20, 0xff), 0);
  expect(count).toMatchObject({ lines: 1, words: 0, unreadable: 1 });
  expect(count.windows.size).toBe(0);
});

test("it splits as the operator does", async () => {
  const samples = ["a-b_c d", "É́ß ſs", "İi ıI", "x\u00a0y", "a\u2028b", "𝔸a", "0x1F", "don't"];
  for (const line of samples) {
    const count = new DirectCount();
    count.add(encoder.encode(line), 0);
    const words = line
      .toLowerCase()
      .split(/\W+/)
      .filter((word) => word !== "");
    expect([...(count.windows.get(0)?.keys() ?? [])], line).toEqual([...new Set(words)]);
  }
});
