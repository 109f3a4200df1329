/** Aggregates: what each makes of elements, that merging partial results gives the same, and that a failing function leaves no trace. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { AggregatorSpec } from "../../lib/stream/aggregate.ts";
import { type Aggregates, type On, toAggregatorSpec } from "../../lib/stream/aggregators.ts";
import { reduceBy } from "../../lib/stream/aggregators-collecting.ts";
import { MillraceError } from "../../lib/stream/error.ts";

type Access = { readonly url: string; readonly ms: number };

const of = (build: (on: On<Access>) => Aggregates) => toAggregatorSpec(build);

/** The accumulator after elements; kept as JSON between them, as state is. */
function fold(
  spec: AggregatorSpec,
  elements: readonly unknown[],
  through = (accumulator: unknown) => accumulator,
): unknown {
  let accumulator = spec.create();
  for (const element of elements) accumulator = through(spec.add(accumulator, element));
  return accumulator;
}

const accesses: readonly Access[] = [
  { url: "/b", ms: 3 },
  { url: "/a", ms: 9 },
  { url: "/c", ms: 9 },
  { url: "/a", ms: 1 },
  { url: "/d", ms: 1 },
];

const CASES: readonly [string, AggregatorSpec, unknown][] = [
  ["count", of((on) => on.count()), 5],
  ["count with a condition", of((on) => on.count((a) => a.ms > 2)), 3],
  ["sum", of((on) => on.sum((a) => a.ms)), 23],
  ["min", of((on) => on.min((a) => a.ms)), 1],
  ["max", of((on) => on.max((a) => a.ms)), 9],
  ["average", of((on) => on.average((a) => a.ms)), 4.6],
  ["minBy, the first on a tie", of((on) => on.minBy((a) => a.ms)), { url: "/a", ms: 1 }],
  ["maxBy, the first on a tie", of((on) => on.maxBy((a) => a.ms)), { url: "/a", ms: 9 }],
  ["minBy a string", of((on) => on.minBy((a) => a.url)), { url: "/a", ms: 9 }],
  ["first", of((on) => on.first()), { url: "/b", ms: 3 }],
  ["last", of((on) => on.last()), { url: "/d", ms: 1 }],
  ["topN, the earlier on a tie", of((on) => on.topN(3, (a) => a.ms)), [accesses[1], accesses[2], accesses[0]]],
  ["topN of more than there are", of((on) => on.topN(9, (a) => -a.ms)), [3, 4, 0, 1, 2].map((i) => accesses[i])],
  ["collect", of((on) => on.collect()), accesses],
  ["collect with a function", of((on) => on.collect((a) => a.url)), ["/b", "/a", "/c", "/a", "/d"]],
  [
    "custom",
    of((on) =>
      on.custom({
        create: () => [0],
        add: (a, access) => [a[0]! + access.ms * 2],
        merge: (a, b) => [a[0]! + b[0]!],
        result: (a) => `${a[0]} ms`,
      }),
    ),
    "46 ms",
  ],
  [
    "reduce",
    reduceBy((a: Access, b: Access) => ({ url: a.url + b.url, ms: a.ms + b.ms })),
    { url: "/b/a/c/a/d", ms: 23 },
  ],
  [
    "an object of them",
    of((on) => ({ requests: on.count(), slowest: on.max((a) => a.ms), urls: on.collect((a) => a.url) })),
    { requests: 5, slowest: 9, urls: ["/b", "/a", "/c", "/a", "/d"] },
  ],
];

describe.each(CASES)("%s", (_, spec, expected) => {
  test("of five elements", () => {
    expect(spec.result(fold(spec, accesses))).toEqual(expected);
  });

  test("is the same when the accumulator is stored as JSON after every element", () => {
    const stored = fold(spec, accesses, (accumulator) => JSON.parse(JSON.stringify(accumulator)));
    expect(spec.result(stored)).toEqual(expected);
  });

  test("is the same when parts are merged in the order of their arrival, empty parts too", () => {
    const cuts = fc.array(fc.integer({ min: 0, max: accesses.length }), { maxLength: 4 });
    fc.assert(
      fc.property(cuts, (unordered) => {
        const at = [0, ...unordered.sort((a, b) => a - b), accesses.length];
        const parts = at.slice(1).map((end, i) => fold(spec, accesses.slice(at[i], end)));
        expect(spec.result(parts.reduce((a, b) => spec.merge!(a, b), spec.create()))).toEqual(expected);
      }),
    );
  });

  test("gives results that stay as they are while elements go on", () => {
    let accumulator = fold(spec, accesses.slice(0, 2));
    const result = spec.result(accumulator);
    const before = structuredClone(result);
    for (const access of accesses) accumulator = spec.add(accumulator, access);
    expect(result).toEqual(before);
  });
});

test("null is an element like others for first, last and reduce", () => {
  const first = toAggregatorSpec((on: On<string | null>) => on.first());
  expect(first.result(fold(first, [null, "a"]))).toBeNull();
  const last = toAggregatorSpec((on: On<string | null>) => on.last());
  expect(last.result(fold(last, ["a", null]))).toBeNull();
  const reduce = reduceBy((a: number | null, b: number | null) => (a ?? 10) + (b ?? 10));
  expect(reduce.result(fold(reduce, [null, 1]))).toBe(11);
});

test("topN keeps what a full sort would", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 9 })), fc.integer({ min: 1, max: 12 }), (ranks, n) => {
      const elements = ranks.map((ms, i) => ({ url: String(i), ms }));
      const spec = of((on) => on.topN(n, (a) => a.ms));
      expect(spec.result(fold(spec, elements))).toEqual(elements.toSorted((a, b) => b.ms - a.ms).slice(0, n));
    }),
  );
});

test("only a bare count ignores its elements", () => {
  expect(of((on) => on.count()).ignoresValue).toBe(true);
  expect(of((on) => ({ a: on.count(), b: on.count() })).ignoresValue).toBe(true);
  expect(of((on) => on.count((a) => a.ms > 0)).ignoresValue).toBe(false);
  expect(of((on) => ({ a: on.count(), b: on.last() })).ignoresValue).toBe(false);
});

test("custom is mergeable only where the author says how, and makes an object unmergeable with it", () => {
  const own = { create: () => 0, add: (a: number) => a + 1, result: (a: number) => a };
  expect(of((on) => on.custom(own)).merge).toBeUndefined();
  expect(of((on) => ({ own: on.custom(own), count: on.count() })).merge).toBeUndefined();
  expect(of((on) => on.custom({ ...own, merge: (a, b) => a + b })).merge).toBeDefined();
});

test("custom functions may be methods that use each other", () => {
  const spec = of((on) =>
    on.custom({
      create() {
        return 1;
      },
      add(a) {
        return a + Number(this.create());
      },
      result: (a) => a,
    }),
  );
  expect(spec.result(fold(spec, accesses))).toBe(6);
});

describe("an element is added wholly or not at all", () => {
  const failing = (a: Access) => {
    if (a.ms === 1) throw new Error("no");
    return a.ms;
  };
  const builds: readonly [string, (on: On<Access>) => Aggregates][] = [
    ["collect before sum", (on) => ({ urls: on.collect(), n: on.count(), sum: on.sum(failing) })],
    ["topN before collect", (on) => ({ top: on.topN(2, (a) => a.ms), all: on.collect(failing) })],
    ["average before maxBy", (on) => ({ average: on.average((a) => a.ms), max: on.maxBy(failing) })],
    [
      "custom before min",
      (on) => ({
        own: on.custom({
          create: (): number[] => [],
          add: (a, access) => {
            a.push(access.ms);
            return a;
          },
          result: (a) => a.length,
        }),
        min: on.min(failing),
      }),
    ],
  ];
  test.each(builds)("%s", (_, build) => {
    const spec = of(build);
    const accumulator = fold(spec, accesses.slice(0, 2));
    const before = structuredClone(accumulator);
    expect(() => spec.add(accumulator, accesses[3])).toThrow("no");
    expect(accumulator).toEqual(before);
  });
});

describe("what is no number", () => {
  test.each<[unknown, string]>([
    [undefined, "undefined"],
    [null, "null"],
    [Number.NaN, "NaN"],
    ["5", "a string"],
    [5n, "a bigint"],
  ])("%s is refused by every aggregate that wants one", (value, name) => {
    const by = () => value as number;
    const sentence = (kind: string) =>
      new MillraceError("author", `The function given to ${kind} returned ${name}, not a number.`);
    for (const kind of ["sum", "min", "max", "average"] as const) {
      const spec = of((on) => on[kind](by));
      expect(() => spec.add(spec.create(), accesses[0])).toThrow(sentence(kind));
    }
    const top = of((on) => on.topN(1, by));
    expect(() => top.add(top.create(), accesses[0])).toThrow(sentence("topN"));
    if (typeof value === "string") return;
    const best = of((on) => on.maxBy(by));
    expect(() => best.add(best.create(), accesses[0])).toThrow(sentence("maxBy"));
  });
});

describe("what is no aggregate", () => {
  const sentence =
    "aggregate() takes a function that returns what `on` made, or an object of that: (on) => ({ requests: on.count() }).";
  test.each<[string, unknown]>([
    ["nothing", undefined],
    ["an empty object", {}],
    ["an object of something else", { count: 5 }],
    ["a promise", Promise.resolve()],
  ])("%s", (_, built) => {
    expect(() => toAggregatorSpec(() => built)).toThrow(new MillraceError("definition", sentence));
  });

  test("topN of none, of half and of too many", () => {
    for (const n of [0, 1.5, 10_001])
      expect(() => of((on) => on.topN(n, (a) => a.ms))).toThrow(
        new MillraceError("definition", `topN takes a whole number from 1 to 10000, not ${n}.`),
      );
  });

  test("custom without a function", () => {
    expect(() => of((on) => on.custom({ create: () => 0, result: (a: number) => a } as never))).toThrow(
      new MillraceError("definition", "on.custom needs the functions create, add and result; add is missing."),
    );
  });
});
