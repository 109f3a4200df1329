/** Values in state and across shuffles come back as they were, or are refused with a sentence that names the path. */

import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ColumnBuilder, decodeColumn, encodeColumn, requireStorable } from "../../lib/state/value-encoding.ts";
import { MillraceError } from "../../lib/stream/error.ts";

/** Through JSON and back, as commits and bundles do it. */
const roundTrip = (values: readonly unknown[]) => decodeColumn(JSON.parse(JSON.stringify(encodeColumn(values))));

function own(name: string, value: unknown): Record<string, unknown> {
  const object = {};
  Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true });
  return object;
}

const CASES: readonly (readonly [name: string, value: unknown])[] = [
  ["null", null],
  ["an object", { a: 1, b: [true, "x", null], c: { d: 1.5 } }],
  ["an empty object", {}],
  ["an empty array", []],
  ["bigints", 2n ** 70n],
  ["negative bigints", -1n],
  ["bytes", new Uint8Array([0, 255, 128])],
  ["no bytes", new Uint8Array(0)],
  ["undefined", undefined],
  ["undefined in an object", { a: undefined }],
  ["undefined in an array", [1, undefined, 2]],
  ["NaN", Number.NaN],
  ["∞", Number.POSITIVE_INFINITY],
  ["−∞", [Number.NEGATIVE_INFINITY]],
  ["−0", { zero: -0 }],
  ["the tag as a property", { $m: "bigint", v: "1" }],
  ["the tag as a property of unknown kind", { $m: 5 }],
  ["the tag below a tag", { $m: { $m: 1n } }],
  ["__proto__ as a property", own("__proto__", { polluted: true })],
  ["__proto__ with what JSON loses", own("__proto__", 1n)],
  ["what looks like a tagged column", { t: [1] }],
  ["half a surrogate pair", "\ud800"],
  ["a name that is half a surrogate pair", { "\udfff": 1 }],
  ["toJSON as data", { toJSON: "yes" }],
  ["nested a lot", Array.from({ length: 50 }).reduce<unknown>((inner) => [inner], 1n)],
];

describe("a value comes back as it was", () => {
  test.each(CASES)("%s", (_, value) => {
    expect(roundTrip([value])).toStrictEqual([value]);
    expect(roundTrip(["before", value, 5])).toStrictEqual(["before", value, 5]);
  });

  test("−0 stays −0 and 0 stays 0", () => {
    const [minus, plus] = roundTrip([-0, 0]);
    expect(Object.is(minus, -0) && Object.is(plus, 0)).toBe(true);
  });

  test("__proto__ stays a property and changes no prototype", () => {
    const [back] = roundTrip([own("__proto__", { polluted: true })]) as [{ polluted?: boolean }];
    expect(Object.hasOwn(back, "__proto__")).toBe(true);
    expect(back.polluted).toBeUndefined();
    expect(Object.getPrototypeOf(back)).toBe(Object.prototype);
  });

  test("a hole in an array comes back as undefined, not as null", () => {
    // biome-ignore lint/suspicious/noSparseArray: the hole is the test.
    expect(roundTrip([[1, , 2]])).toEqual([[1, undefined, 2]]);
  });

  test("an object without a prototype comes back with the usual one", () => {
    expect(roundTrip([Object.assign(Object.create(null), { a: 1n })])).toStrictEqual([{ a: 1n }]);
  });

  test("any value made of JSON values, bigint, Uint8Array, undefined and odd numbers", () => {
    const name = fc.oneof(fc.string(), fc.constantFrom("$m", "__proto__", "v", "t", "toJSON", "constructor"));
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: "small", withCrossShrink: true },
        fc.oneof(
          fc.constant(null),
          fc.constant(undefined),
          fc.boolean(),
          fc.double(),
          fc.string({ unit: "binary" }),
          fc.bigInt(),
          fc.uint8Array(),
        ),
        fc.array(tie("value"), { maxLength: 4 }),
        fc.array(fc.tuple(name, tie("value")), { maxLength: 4 }).map((entries) => {
          const object = {};
          for (const [n, v] of entries)
            Object.defineProperty(object, n, { value: v, enumerable: true, configurable: true, writable: true });
          return object;
        }),
      ),
    }));
    fc.assert(
      fc.property(fc.array(value, { maxLength: 6 }), (values) => {
        // Not toStrictEqual, which takes a property called constructor for the class.
        expect(isDeepStrictEqual(roundTrip(values), values)).toBe(true);
      }),
    );
  });
});

describe("what cannot be kept is refused with the path", () => {
  const cyclic: Record<string, unknown> = { name: "a" };
  cyclic.self = cyclic;

  test.each([
    ["a date", { when: new Date(0) }, "the element.when is a Date"],
    ["a map", [new Map()], "the element[0] is a Map"],
    ["a set in a list", { tags: ["x", new Set()] }, "the element.tags[1] is a Set"],
    ["a class instance", { error: new RangeError("x") }, "the element.error is a RangeError"],
    ["a function", { fn: () => 1 }, "the element.fn is a function"],
    ["a symbol", { s: Symbol("x") }, "the element.s is a symbol"],
    ["a toJSON method", { toJSON: () => 1 }, "the element has a toJSON method"],
    ["other views of bytes", { floats: new Float64Array(1) }, "the element.floats is a Float64Array"],
  ])("%s", (_, value, sentence) => {
    const refuse = () => encodeColumn(["fine", value]);
    expect(refuse).toThrow(MillraceError);
    expect(refuse).toThrow(`${sentence} and cannot cross a keyBy or be kept in state`);
  });

  test("a cycle", () => {
    expect(() => encodeColumn([cyclic])).toThrow(/^the element\.self\.self.* is nested too deeply, or in itself/);
  });

  test("by name, for an accumulator", () => {
    expect(() => requireStorable({ at: new Date(0) }, "the accumulator")).toThrow("the accumulator.at is a Date");
    expect(() => requireStorable({ at: 1n }, "the accumulator")).not.toThrow();
  });
});

describe("a column that is filled value by value", () => {
  test("is the same as one encoded at once", () => {
    for (const values of [[1, "a"], [1, 2n, "c"], []]) {
      const column = new ColumnBuilder();
      for (const value of values) column.push(value);
      expect(column.encode()).toEqual(encodeColumn(values));
    }
  });

  test("adds nothing when it refuses", () => {
    const column = new ColumnBuilder();
    column.push(1);
    expect(() => column.push(new Date(0))).toThrow("is a Date");
    column.push(2);
    expect(column.length).toBe(2);
    expect(decodeColumn(column.encode())).toEqual([1, 2]);
  });

  test("comes apart in two, in order", () => {
    const column = new ColumnBuilder();
    for (const value of [1n, 2, 3n, 4, 5]) column.push(value);
    const [front, back] = column.halve(2);
    expect(decodeColumn(front.encode())).toEqual([1n, 2]);
    expect(decodeColumn(back.encode())).toEqual([3n, 4, 5]);
  });
});

test("a tag of a newer version is refused, not guessed", () => {
  expect(() => decodeColumn({ t: [{ $m: "decimal", v: "1" }] })).toThrow('the unknown kind "decimal"');
});
