/** Sketches of quantiles and of distinct values: as near as they say, and the same bytes however their elements were split. */

import { Buffer } from "node:buffer";
import { readFileSync, writeFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  addDistinct,
  distinctCount,
  EXACT_MAX,
  mergeDistinct,
  newDistinctSketch,
} from "../../lib/stream/distinct-sketch.ts";
import { hashText } from "../../lib/stream/hash-text.ts";
import { encodeKey } from "../../lib/stream/key.ts";
import { addNumber, mergeQuantiles, newQuantileSketch, quantilesOf } from "../../lib/stream/quantile-sketch.ts";

/** Numbers from 0 up to 1, the same in every run. */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const sketchOf = (numbers: readonly number[], error = 0.01) => numbers.reduce(addNumber, newQuantileSketch(error));
const distinctOf = (texts: readonly string[]) => texts.reduce(addDistinct, newDistinctSketch());

/** What the rule says, from all numbers. */
function exactQuantile(numbers: readonly number[], part: number): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted.find((_, i) => i + 1 >= part * sorted.length * (1 - 1e-15)) as number;
}

const PARTS = [0, 0.001, 0.01, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1];
const random = chance(1);
const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
const made = (n: number, make: (i: number) => number) => Array.from({ length: n }, (_, i) => make(i));

const DISTRIBUTIONS: readonly (readonly [name: string, numbers: readonly number[]])[] = [
  ["uniform", made(20_000, () => random() * 1_000)],
  ["normal around 0", made(20_000, normal)],
  ["log-normal, as latencies are", made(20_000, () => Math.exp(normal() * 2 + 3))],
  ["Pareto, with a long tail", made(20_000, () => (1 - random()) ** -1.5)],
  ["exponential, negative", made(20_000, () => Math.log(1 - random()))],
  ["whole milliseconds, many of them the same", made(20_000, () => Math.floor(random() * 30))],
  ["rising", made(20_000, (i) => i + 1)],
  ["falling, through zero", made(20_000, (i) => 10_000 - i)],
  ["two clusters far apart", made(20_000, (i) => (i % 3 === 0 ? 1e-6 : 1e9) * (1 + random()))],
  ["all the same", made(1_000, () => 0.1)],
  ["zeros, and a few others", made(1_000, (i) => (i % 100 === 0 ? i - 500 : i % 2 === 0 ? 0 : -0))],
  ["as large as numbers get", made(1_000, (i) => Number.MAX_VALUE * (i % 2 === 0 ? 1 : -1) * (0.5 + random() / 2))],
  ["one", [42]],
  ["thirty-two, which are kept as they are", made(32, () => normal() * 1e3)],
];

describe.each([0.001, 0.01, 0.1])("quantiles within %d of themselves", (error) => {
  test.each(DISTRIBUTIONS)("%s", (_, numbers) => {
    const sketch = sketchOf(numbers, error);
    for (const [i, quantile] of quantilesOf(sketch, PARTS).entries()) {
      const exact = exactQuantile(numbers, PARTS[i] as number);
      expect(Math.abs((quantile as number) - exact)).toBeLessThanOrEqual(Math.abs(exact) * error * (1 + 1e-9));
    }
  });
});

describe("quantiles", () => {
  test("are exact for up to 32 numbers, and for the least and the greatest always", () => {
    const numbers = made(32, () => normal() * 1e6);
    expect(quantilesOf(sketchOf(numbers), PARTS)).toEqual(PARTS.map((part) => exactQuantile(numbers, part)));
    const many = made(5_000, normal);
    expect(quantilesOf(sketchOf(many), [0, 1])).toEqual([Math.min(...many), Math.max(...many)]);
  });

  test("count as percentile_disc does: p95 of twenty is the nineteenth, 0.07 of a hundred the seventh", () => {
    expect(quantilesOf(sketchOf(made(20, (i) => i + 1)), [0.95, 0.96, 0.5])).toEqual([19, 20, 10]);
    const hundred = quantilesOf(
      sketchOf(
        made(100, (i) => i + 1),
        0.001,
      ),
      [0.07],
    )[0] as number;
    expect(Math.round(hundred)).toBe(7);
  });

  test("are undefined of nothing", () => expect(quantilesOf(newQuantileSketch(0.01), [0.5])).toEqual([undefined]));

  test("make no difference between 0 and −0, and count what is nearer to 0 than normal numbers are as 0", () => {
    const many = made(100, (i) => (i % 2 === 0 ? -0 : Number.MIN_VALUE));
    expect(quantilesOf(sketchOf(many), [0, 0.5, 1]).map((one) => Object.is(one, 0))).toEqual([true, true, true]);
  });

  test("are bounded in size: numbers from the smallest to the largest share the bins, and the far ones stay exact", () => {
    const numbers = made(6_000, (i) => 10 ** (-300 + i / 10));
    const sketch = sketchOf(numbers);
    expect(sketch.length).toBeLessThan(2_048 * 2 + 64);
    const [p99] = quantilesOf(sketch, [0.99]) as [number];
    const exact = exactQuantile(numbers, 0.99);
    expect(Math.abs(p99 - exact)).toBeLessThanOrEqual(exact * 0.01);
  });

  test("take few bytes: a hundred thousand latencies from 1 ms to a minute fit into 1.5 kB", () => {
    const sketch = sketchOf(made(100_000, () => 60_000 ** random()));
    expect(sketch.length).toBeLessThan(1_500);
  });

  const number = fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.double({ min: -1e3, max: 1e3, noNaN: true }),
    fc.integer({ min: -5, max: 5 }),
  );

  test("have the same bytes in any order and split, and leave what is merged in as it was", () => {
    fc.assert(
      fc.property(fc.array(fc.array(number, { maxLength: 60 }), { maxLength: 6 }), fc.integer(), (parts, seed) => {
        const draw = chance(seed);
        const whole = sketchOf(parts.flat());
        const shuffled = parts.flat().map((one) => [draw(), one] as const);
        expect(sketchOf(shuffled.sort(([a], [b]) => a - b).map(([, one]) => one))).toEqual(whole);
        const sketches = parts.map((part) => sketchOf(part));
        const copies = sketches.map((one) => one.slice());
        const merged = sketches.reduce(mergeQuantiles, newQuantileSketch(0.01));
        expect(merged).toEqual(whole);
        expect(sketches).toEqual(copies);
      }),
      { numRuns: 300 },
    );
  });

  test("have the same bytes where bins were joined to stay within their bound", () => {
    const numbers = made(3_000, (i) => 10 ** (((i * 7_919) % 600) - 300) * (i % 2 === 0 ? 1 : -1));
    const whole = sketchOf(numbers);
    const third = (k: number) => sketchOf(numbers.filter((_, i) => i % 3 === k));
    expect(mergeQuantiles(third(2), mergeQuantiles(third(0), third(1)))).toEqual(whole);
    expect(sketchOf([...numbers].reverse())).toEqual(whole);
    expect(sketchOf([...numbers].sort((a, b) => a - b))).toEqual(whole);
  });

  test("count beyond one, two and four bytes", () => {
    let sketch = sketchOf(made(40, (i) => i));
    for (const widths of [1, 2, 4, 8]) {
      expect(sketch[1]).toBe(widths);
      while (sketch[1] === widths && widths < 8) sketch = mergeQuantiles(sketch, sketch.slice());
    }
    expect(quantilesOf(sketch, [0.5])[0]).toBeCloseTo(19, 0);
    // One by one too.
    const ones = made(300, () => 5);
    expect(sketchOf(ones)).toEqual(mergeQuantiles(sketchOf(ones.slice(0, 200)), sketchOf(ones.slice(200))));
    expect(sketchOf(ones)[1]).toBe(2);
  });

  test("of different errors are not merged", () =>
    expect(() => mergeQuantiles(sketchOf([1], 0.01), sketchOf([1], 0.02))).toThrow(/error of 0.02 .* one of 0.01/));
});

describe("distinct values", () => {
  test(`are exact up to ${EXACT_MAX}, repeats or not`, () => {
    for (const n of [0, 1, 2, 100, EXACT_MAX]) {
      const texts = made(n * 3, (i) => i % Math.max(1, n)).map(String);
      expect(distinctCount(distinctOf(texts))).toBe(n);
    }
  });

  test("then have a standard error of 1.6 %: over many sets of each size, and no bias", () => {
    for (const [n, sets] of [
      [600, 60],
      [3_000, 60],
      [12_000, 40],
      [100_000, 12],
    ] as const) {
      const errors = made(sets, (set) => {
        let sketch = newDistinctSketch();
        for (let i = 0; i < n; i++) sketch = addDistinct(sketch, `user-${set}-${i}`);
        return distinctCount(sketch) / n - 1;
      });
      const bias = errors.reduce((a, b) => a + b, 0) / sets;
      const deviation = Math.sqrt(errors.reduce((a, b) => a + b * b, 0) / sets);
      // Three standard errors of the mean, and of the deviation, for so many sets.
      expect(Math.abs(bias)).toBeLessThan((3 * 0.01625) / Math.sqrt(sets));
      expect(deviation).toBeLessThan(0.01625 * (1 + 3 / Math.sqrt(2 * sets)));
      expect(Math.max(...errors.map(Math.abs))).toBeLessThan(0.01625 * 4.5);
    }
  });

  test("take at most 3 kB and two bytes", () => {
    expect(distinctOf(made(50_000, (i) => i).map(String))).toHaveLength(3_074);
    expect(distinctOf(made(EXACT_MAX, (i) => i).map(String))).toHaveLength(3_074);
    expect(distinctOf(["a", "a"])).toHaveLength(8);
  });

  test("have the same bytes in any order and split, with repeats, and leave what is merged in as it was", () => {
    fc.assert(
      fc.property(fc.array(fc.array(fc.nat(2_000), { maxLength: 500 }), { maxLength: 5 }), (parts) => {
        const texts = parts.map((part) => part.map(String));
        const whole = distinctOf([...new Set(texts.flat())].sort());
        const sketches = texts.map(distinctOf);
        const copies = sketches.map((one) => one.slice());
        expect(sketches.reduce(mergeDistinct, newDistinctSketch())).toEqual(whole);
        expect(sketches.reduceRight((a, b) => mergeDistinct(a, b), newDistinctSketch())).toEqual(whole);
        expect(sketches).toEqual(copies);
      }),
      { numRuns: 100 },
    );
  });

  test("are what keys are: 1 and '1' differ, −0 is 0, NaN is itself, half a surrogate pair is not another", () => {
    const keys = [
      1,
      "1",
      1n,
      true,
      "true",
      "",
      "\0",
      "\0\0",
      ["a", "b"],
      "a,b",
      Number.NaN,
      "NaN",
      "\ud800",
      "\ud801",
      "é",
      "e\u0301",
    ];
    expect(distinctCount(distinctOf(keys.map(encodeKey)))).toBe(keys.length);
    expect(distinctCount(distinctOf([0, -0, 0].map(encodeKey)))).toBe(1);
    expect(distinctCount(distinctOf([Number.NaN, Number.NaN].map(encodeKey)))).toBe(1);
  });
});

describe("the hash", () => {
  test("turns over half of its bits with any one bit of the text", () => {
    const turned = new Array<number>(64).fill(0);
    let pairs = 0;
    for (let n = 0; n < 500; n++) {
      const text = `order ${n}`;
      for (let bit = 0; bit < text.length * 16; bit += 3) {
        const unit = bit >> 4;
        const other =
          text.slice(0, unit) + String.fromCharCode(text.charCodeAt(unit) ^ (1 << (bit & 15))) + text.slice(unit + 1);
        const { high, low } = { ...hashText(text) };
        const { high: otherHigh, low: otherLow } = hashText(other);
        for (let i = 0; i < 32; i++) {
          turned[i] = (turned[i] as number) + (((high ^ otherHigh) >>> i) & 1);
          turned[32 + i] = (turned[32 + i] as number) + (((low ^ otherLow) >>> i) & 1);
        }
        pairs++;
      }
    }
    for (const times of turned) expect(times / pairs).toBeCloseTo(0.5, 1);
  });

  test("spreads numbers in a row, and texts that differ in their length alone, evenly", () => {
    for (const texts of [made(65_536, (i) => i).map(String), made(4_096, (i) => i).map((i) => "\0".repeat(i))]) {
      const buckets = new Array<number>(64).fill(0);
      for (const text of texts) {
        const bucket = hashText(text).high >>> 26;
        buckets[bucket] = (buckets[bucket] as number) + 1;
      }
      const expected = texts.length / 64;
      const chiSquared = buckets.reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0);
      // 63 degrees of freedom: more than this is one in a hundred thousand.
      expect(chiSquared).toBeLessThan(120);
    }
  });
});

/**
 * Sketches that are kept in state: the code of today must read, and make, the bytes of every version before. `MILLRACE_GOLDEN=write` writes those of today, for a
 * new version beside the old ones.
 */
describe("bytes that were kept", () => {
  const GOLDEN = {
    "quantile of nothing": newQuantileSketch(0.01),
    "quantile of three": sketchOf([3, -1.5, 0]),
    "quantile of many": sketchOf(made(500, (i) => (i % 50) ** 3 - 1_000)),
    "quantile within 0.1": sketchOf(
      made(1_000, (i) => i),
      0.1,
    ),
    "distinct of nothing": newDistinctSketch(),
    "distinct of three": distinctOf(["a", "b", "a", "\u0001n1"]),
    "distinct of many": distinctOf(made(2_000, (i) => i).map(String)),
  };
  const file = new URL("../golden/sketches/version-1.json", import.meta.url);
  const base64 = Object.fromEntries(
    Object.entries(GOLDEN).map(([name, sketch]) => [name, Buffer.from(sketch).toString("base64")]),
  );
  if (process.env.MILLRACE_GOLDEN === "write") writeFileSync(file, `${JSON.stringify(base64, undefined, 2)}\n`);
  const kept = JSON.parse(readFileSync(file, "utf8")) as Record<string, string>;

  test("are made again", () => expect(base64).toEqual(kept));

  test("are read, wherever in memory they lie", () => {
    const read = (name: string) => {
      const apart = Buffer.concat([Buffer.alloc(3), Buffer.from(kept[name] as string, "base64")]);
      return new Uint8Array(apart.buffer, apart.byteOffset + 3, apart.length - 3);
    };
    expect(quantilesOf(read("quantile of three"), [0, 0.5, 1])).toEqual([-1.5, 0, 3]);
    expect(quantilesOf(read("quantile of many"), [0, 1])).toEqual([-1_000, 49 ** 3 - 1_000]);
    expect(quantilesOf(addNumber(read("quantile of many"), 1e9), [1])).toEqual([1e9]);
    expect(quantilesOf(read("quantile within 0.1"), [0.5])[0]).toBeGreaterThan(450);
    expect(distinctCount(read("distinct of three"))).toBe(3);
    expect(distinctCount(addDistinct(read("distinct of three"), "c"))).toBe(4);
    expect(distinctCount(read("distinct of many"))).toBeGreaterThan(1_900);
  });

  test("of a version to come are refused", () => {
    expect(() => quantilesOf(new Uint8Array([2, 0, 0, 0]), [0.5])).toThrow(/quantile sketch of version 2/);
    expect(() => distinctCount(new Uint8Array([2, 0]))).toThrow(/distinct values of version 2/);
  });
});
