/** Keys: an encoding that is injective, its own inverse's inverse, and the identity on ordinary strings. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MillraceError } from "../../lib/stream/error.ts";
import { decodeKey, encodeKey, type Key } from "../../lib/stream/key.ts";

// Full UTF-16, half surrogate pairs included, with the marks of the encoding more often than chance would have them.
const anyString = fc
  .array(
    fc.oneof(fc.integer({ min: 0, max: 0xffff }), fc.constantFrom(0, 1, 0x28, 0x3a, 0x73, 0x6e, 0x31, 0xd800, 0xdfff)),
  )
  .map((units) => String.fromCharCode(...units));
const part = fc.oneof(anyString, fc.double(), fc.integer(), fc.bigInt(), fc.boolean());
const key: fc.Arbitrary<Key> = fc.oneof(part, fc.array(part, { maxLength: 4 }));

/** Keys are the same where Map says so, part by part. */
function same(a: Key, b: Key): boolean {
  const sameValueZero = (x: unknown, y: unknown) => x === y || (Number.isNaN(x) && Number.isNaN(y));
  if (!Array.isArray(a) || !Array.isArray(b)) return sameValueZero(a, b);
  return a.length === b.length && a.every((x, i) => sameValueZero(x, b[i]));
}

describe("encoding", () => {
  test("decodes to the same key", () => {
    fc.assert(fc.property(key, (k) => same(decodeKey(encodeKey(k)), k)));
  });

  test("is the same string exactly for the same key", () => {
    fc.assert(fc.property(key, key, (a, b) => (encodeKey(a) === encodeKey(b)) === same(a, b)));
  });

  test("is the same string exactly for the same key, where keys resemble each other", () => {
    const small = fc.constantFrom<Key>(
      "",
      "1",
      "n1",
      "\u0001n1",
      "s",
      "2:",
      "(",
      "\u0001(",
      1,
      1n,
      true,
      false,
      "t",
      NaN,
      "NaN",
    );
    const similar = fc.oneof(small, fc.array(small as fc.Arbitrary<string>, { maxLength: 3 }));
    fc.assert(
      fc.property(similar, similar, (a, b) => (encodeKey(a) === encodeKey(b)) === same(a, b)),
      { numRuns: 5_000 },
    );
  });

  test("of what was decoded is the same string", () => {
    fc.assert(fc.property(key, (k) => encodeKey(decodeKey(encodeKey(k))) === encodeKey(k)));
  });

  test("of an ordinary string is the string", () => {
    fc.assert(fc.property(anyString, (s) => encodeKey(s) === s || s.charCodeAt(0) <= 1));
    expect(encodeKey("to be")).toBe("to be");
    expect(encodeKey("")).toBe("");
  });

  test("never begins with U+0000", () => {
    fc.assert(fc.property(key, (k) => encodeKey(k).charCodeAt(0) !== 0));
  });

  test("survives JSON, half surrogate pairs included", () => {
    fc.assert(fc.property(key, (k) => same(decodeKey(JSON.parse(JSON.stringify(encodeKey(k)))), k)));
    expect(decodeKey(encodeKey("\ud800"))).toBe("\ud800");
  });
});

describe("what differs and what does not", () => {
  test.each<[Key, Key]>([
    [1, "1"],
    [1, 1n],
    [true, "true"],
    [NaN, "NaN"],
    [["a", "b"], "a,b"],
    [["a", "b"], ["ab"]],
    [["a,b"], ["a", "b"]],
    [["a"], "a"],
    [[], ""],
    [[""], []],
    [["1"], [1]],
    ["\u0001n1", 1],
    ["\u0000", ""],
  ])("%o and %o are two keys", (a, b) => {
    expect(encodeKey(a)).not.toBe(encodeKey(b));
  });

  test("minus zero is zero, alone and in a tuple", () => {
    expect(encodeKey(-0)).toBe(encodeKey(0));
    expect(encodeKey([-0])).toBe(encodeKey([0]));
    expect(Object.is(decodeKey(encodeKey(-0)), 0)).toBe(true);
  });

  test("NaN is always the same key", () => {
    expect(encodeKey(Number.NaN)).toBe(encodeKey(0 / 0));
  });
});

describe("what is no key", () => {
  const rule = "a key is a string, number, bigint or boolean, or a tuple of these, or null to drop the element.";
  test.each<[string, unknown, string]>([
    ["undefined", undefined, `A key is undefined; ${rule}`],
    ["null", null, `A key is null; ${rule}`],
    ["an object", { id: 1 }, `A key is an object; ${rule}`],
    ["a date", new Date(0), `A key is an object (Date); ${rule}`],
    ["an object without a prototype", Object.create(null), `A key is an object; ${rule}`],
    ["a function", () => 1, `A key is a function; ${rule}`],
    ["a symbol", Symbol("a"), `A key is a symbol; ${rule}`],
    ["undefined in a tuple", ["a", undefined], `A key's tuple contains undefined; ${rule}`],
    ["null in a tuple", ["a", null], `A key's tuple contains null; ${rule}`],
    ["a hole in a tuple", new Array(1), `A key's tuple contains undefined; ${rule}`],
    ["a tuple in a tuple", [["a"]], `A key's tuple contains a tuple inside a tuple; ${rule}`],
  ])("%s", (_, value, sentence) => {
    expect(() => encodeKey(value)).toThrow(new MillraceError("unstorable", sentence));
  });

  test.each(["\u0001", "\u0001x", "\u0001(5:sab", "\u0001(:", "\u0001(1", "\u0001(-1:s", "\u0001(0:"])(
    "%j does not decode",
    (encoded) => {
      expect(() => decodeKey(encoded)).toThrow(MillraceError);
    },
  );
});
