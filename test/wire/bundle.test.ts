/** Bundles: what a shuffle's record carries comes back as it was, in pieces where it is too large. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { sliceOf, spanOf } from "../../lib/operators/partials.ts";
import { ColumnBuilder } from "../../lib/state/value-encoding.ts";
import {
  type BundleColumns,
  type BundleHead,
  decodeBundle,
  decodeWatermark,
  encodeBundle,
  encodeBundles,
  encodeWatermark,
  type PartialColumns,
  type ReadColumns,
} from "../../lib/wire/bundle.ts";
import { compressJson } from "../../lib/wire/compress.ts";

const HEAD: BundleHead = { task: "count/lines-3", generation: 2, number: 7, watermarkMs: 4_999, idle: false };

type Element = readonly [key: string, timestampMs: number, value: unknown];

function elements(side: number, list: readonly Element[]): BundleColumns {
  const values = new ColumnBuilder();
  for (const [, , value] of list) values.push(value);
  return { kind: "elements", side, keys: list.map(([k]) => k), timestampsMs: list.map(([, t]) => t), values };
}

/** Everything that columns hold, element by element, in order. */
function contentOf(columns: readonly ReadColumns[]): unknown[] {
  return columns.flatMap((c): unknown[] =>
    c.kind === "elements"
      ? c.keys.map((key, i) => [c.side, key, c.timestampsMs[i], c.values[i]])
      : c.windows.flatMap((w) =>
          w.keys.map((key, i) => {
            const { startMs, ...end } = spanOf(w, i);
            return [c.side, startMs, ...Object.values(end), key, w.accumulators[i], w.elements[i]];
          }),
        ),
  );
}

const partials: BundleColumns = {
  kind: "partials",
  side: 1,
  windows: [
    { namespace: -5_000, keys: ["a", "\u0001n5"], accumulators: [1n, [2, null]], elements: [3, 4] },
    { namespace: 0, keys: ["a"], accumulators: [null], elements: [1] },
  ],
};

const spans = { begins: [0, 700, -300], lengths: [500, 900, 1] };
const sessions: PartialColumns = {
  kind: "partials",
  side: 0,
  windows: [{ namespace: 1_000, keys: ["a", "a", "b"], accumulators: ["x", "y", "z"], elements: [3, 4, 1], spans }],
};

const pieceOf = (i: number): BundleColumns => ({ ...sessions, windows: [sliceOf(sessions.windows[0]!, i, i + 1)] });

describe("a bundle", () => {
  test("comes back as it was: head, elements and partial results of all sides", () => {
    const list: Element[] = [
      ["a", 1_000, { x: 1 }],
      ["\ud800", -1, undefined],
      ["", 0, new Uint8Array([1, 2])],
    ];
    const back = decodeBundle(encodeBundle(HEAD, [elements(0, list), partials]));
    expect(back).toMatchObject(HEAD);
    expect(contentOf(back.columns)).toStrictEqual([
      ...list.map((element) => [0, ...element]),
      [1, -5_000, "a", 1n, 3],
      [1, -5_000, "\u0001n5", [2, null], 4],
      [1, 0, "a", null, 1],
    ]);
  });

  test("has each partial session with its own time, also in pieces", () => {
    const content = [
      [0, 1_000, 1_500, "a", "x", 3],
      [0, 1_700, 2_600, "a", "y", 4],
      [0, 700, 701, "b", "z", 1],
    ];
    expect(contentOf(decodeBundle(encodeBundle(HEAD, [sessions])).columns)).toEqual(content);
    const least = Math.max(...[0, 1, 2].map((i) => encodeBundle(HEAD, [pieceOf(i)]).length));
    const pieces = encodeBundles(HEAD, 0, [sessions], least).map(decodeBundle);
    expect(pieces.length).toBeGreaterThan(1);
    expect(pieces.flatMap(({ columns }) => contentOf(columns))).toEqual(content);
  });

  test.each([
    { watermarkMs: Number.NEGATIVE_INFINITY, idle: true },
    { watermarkMs: Number.POSITIVE_INFINITY, idle: false },
    { watermarkMs: -1, idle: true },
  ])("carries nothing but its sender's time: watermark $watermarkMs, idle $idle", (time) => {
    expect(decodeBundle(encodeBundle({ ...HEAD, ...time }, []))).toEqual({ ...HEAD, ...time, columns: [] });
  });

  test("of a newer version is refused with what to do", () => {
    expect(() => decodeBundle(compressJson([2, "t"]))).toThrow(/version 2 .* knows version 1.*deploy the readers/);
  });

  test("of somebody else is refused", () => {
    expect(() => decodeBundle(new TextEncoder().encode("hello"))).toThrow("by a newer version or by somebody else");
  });
});

test("a watermark survives JSON, infinities included", () => {
  for (const watermarkMs of [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, 0, -1, 1_700_000_000_000])
    expect(decodeWatermark(JSON.parse(JSON.stringify(encodeWatermark(watermarkMs))))).toBe(watermarkMs);
});

describe("bundles below a size", () => {
  // Noise, so that compression does not make everything fit.
  const noise = (n: number, seed: number) =>
    Array.from({ length: n }, (_, i) => Math.imul(i + 1, seed * 2 + 0x9e3779b1) >>> 0).join("");
  const list = Array.from({ length: 50 }, (_, i): Element => [`k${i % 7}`, i, noise(20, i)]);

  test("are one where all fits", () => {
    expect(encodeBundles(HEAD, 0, [elements(0, list)], 1 << 20)).toHaveLength(1);
  });

  test("are several of at most that size, numbered on, with all elements in order", () => {
    const bundles = encodeBundles(HEAD, 0, [elements(0, list), partials], 600);
    expect(bundles.length).toBeGreaterThan(3);
    for (const bundle of bundles) expect(bundle.length).toBeLessThanOrEqual(600);
    const read = bundles.map(decodeBundle);
    expect(read.map(({ number }) => number)).toEqual(bundles.map((_, i) => HEAD.number + i));
    const whole = decodeBundle(encodeBundle(HEAD, [elements(0, list), partials]));
    expect(read.flatMap(({ columns }) => contentOf(columns))).toEqual(contentOf(whole.columns));
  });

  test("say the new watermark and idleness only in the last, as elements behind the first may be at or below it", () => {
    const read = encodeBundles({ ...HEAD, idle: true }, -50, [elements(0, list)], 1_000).map(decodeBundle);
    expect(read.slice(0, -1).every(({ watermarkMs, idle }) => watermarkMs === -50 && !idle)).toBe(true);
    expect(read.at(-1)).toMatchObject({ watermarkMs: 4_999, idle: true });
  });

  test("come apart between windows and between keys of partial results", () => {
    const keys = Array.from({ length: 40 }, (_, i) => noise(3, i));
    const windows = [0, 5_000].map((namespace) => ({
      namespace,
      keys,
      accumulators: keys.map((_, i) => i),
      elements: keys.map(() => 1),
    }));
    const bundles = encodeBundles(HEAD, 0, [{ kind: "partials", side: 0, windows }], 300).map(decodeBundle);
    expect(bundles.length).toBeGreaterThan(2);
    expect(bundles.flatMap(({ columns }) => contentOf(columns))).toEqual(
      [0, 5_000].flatMap((namespace) => keys.map((key, i) => [0, namespace, key, i, 1])),
    );
  });

  test("refuse a single element that is larger", () => {
    expect(() => encodeBundles(HEAD, 0, [elements(0, [["k", 0, noise(2_000, 3)]])], 1_000)).toThrow(
      /A bundle with a single element has \d+ bytes; the broker takes at most 1000/,
    );
  });

  test("hold the same elements whatever the size", () => {
    const arbitrary = fc.array(
      fc.tuple(fc.string(), fc.integer(), fc.oneof(fc.string(), fc.bigInt(), fc.constant(null))),
      { maxLength: 30 },
    );
    fc.assert(
      fc.property(arbitrary, fc.integer({ min: 300, max: 2_000 }), (some, bytesMax) => {
        const bundles = encodeBundles(HEAD, 0, [elements(0, some)], bytesMax);
        const read = bundles.map(decodeBundle).flatMap(({ columns }) => contentOf(columns));
        expect(read).toStrictEqual(some.map((element) => [0, ...element]));
      }),
    );
  });
});
