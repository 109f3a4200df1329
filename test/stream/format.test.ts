/** Formats: what goes through them unchanged, and what they refuse in which words. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { MillraceError } from "../../lib/stream/error.ts";
import { bytes, json, text } from "../../lib/stream/format.ts";

const utf8 = (s: string) => new TextEncoder().encode(s);
const refusal = (sentence: string) => new MillraceError("format", sentence);

describe("text", () => {
  test("comes back as it was written", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), (s) => text().decode(text().encode(s)) === s));
  });

  test("keeps a byte order mark, which is a character like others", () => {
    expect(text().decode(text().encode("\ufeffa"))).toBe("\ufeffa");
  });

  test("refuses bytes that are not UTF-8, and goes on afterwards", () => {
    expect(() => text().decode(Uint8Array.of(0x61, 0xff))).toThrow(refusal("The bytes are not valid UTF-8."));
    expect(() => text().decode(Uint8Array.of(0xe2, 0x82))).toThrow(refusal("The bytes are not valid UTF-8."));
    expect(text().decode(utf8("a"))).toBe("a");
  });

  test("refuses what would not come back", () => {
    expect(() => text().encode("\ud800")).toThrow(
      refusal("The text cannot be written as UTF-8: it contains half of a surrogate pair."),
    );
    expect(() => text().encode(undefined as never)).toThrow(refusal("A text topic takes strings, not undefined."));
    expect(() => text().encode(null as never)).toThrow(refusal("A text topic takes strings, not null."));
    expect(() => text().encode(5 as never)).toThrow(refusal("A text topic takes strings, not a value of type number."));
  });
});

describe("bytes", () => {
  test("are passed on, as a plain Uint8Array", () => {
    const decoded = bytes().decode(Buffer.from("abc"));
    expect(decoded.constructor).toBe(Uint8Array);
    expect(decoded).toEqual(utf8("abc"));
    expect(bytes().encode(decoded)).toBe(decoded);
  });

  test("are nothing else", () => {
    expect(() => bytes().encode("abc" as never)).toThrow(
      refusal("A topic of bytes takes Uint8Array, not a value of type string."),
    );
  });
});

describe("json without a schema", () => {
  test("comes back as it was written", () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
        const decoded = json<unknown>().decode(json<unknown>().encode(value));
        expect(decoded).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  test("ignores a byte order mark", () => {
    expect(json<unknown>().decode(utf8("\ufeff[1]"))).toEqual([1]);
  });

  test("refuses what is not JSON", () => {
    expect(() => json().decode(utf8("{oops"))).toThrow(/^The bytes are not JSON: [^\n]+\.$/);
    expect(() => json().decode(utf8(""))).toThrow(refusal("The bytes are not JSON: Unexpected end of JSON input."));
    expect(() => json().decode(Uint8Array.of(0xff))).toThrow(refusal("The bytes are not valid UTF-8."));
  });

  test("refuses what cannot become JSON", () => {
    expect(() => json().encode(undefined)).toThrow(refusal("The value cannot be written as JSON: it is undefined."));
    expect(() => json().encode(() => 1)).toThrow(
      refusal("The value cannot be written as JSON: it is a value of type function."),
    );
    expect(() => json().encode(1n)).toThrow(
      refusal("The value cannot be written as JSON: Do not know how to serialize a BigInt."),
    );
    const circle: unknown[] = [];
    circle.push(circle);
    expect(() => json().encode(circle)).toThrow(
      refusal("The value cannot be written as JSON: Converting circular structure to JSON."),
    );
  });
});

describe("json with a schema", () => {
  const order = json(z.object({ id: z.string(), amount: z.number().default(0), lines: z.array(z.number()) }));

  test("gives the schema's output and writes its input as it is", () => {
    expect(order.decode(utf8('{"id":"a","lines":[],"more":1}'))).toEqual({ id: "a", amount: 0, lines: [] });
    expect(new TextDecoder().decode(order.encode({ id: "a", lines: [] }))).toBe('{"id":"a","lines":[]}');
  });

  test("says what does not fit and where", () => {
    expect(() => order.decode(utf8('{"id":1,"lines":[1,"x"]}'))).toThrow(
      refusal("The value does not fit its schema: id: Invalid input: expected string, received number (and 1 more)."),
    );
    expect(() => order.decode(utf8("5"))).toThrow(
      refusal("The value does not fit its schema: Invalid input: expected object, received number."),
    );
    expect(() => order.encode({ id: "a" } as never)).toThrow(
      refusal("The value does not fit its schema: lines: Invalid input: expected array, received undefined."),
    );
  });

  test("refuses an asynchronous schema at the first value, without an unhandled rejection", () => {
    const sentence =
      "The schema of json() is asynchronous, and records are checked synchronously: take the asynchronous parts out of it.";
    const slow = json(z.string().refine(async () => false));
    expect(() => slow.decode(utf8('"a"'))).toThrow(new MillraceError("definition", sentence));
    const failing = json({
      "~standard": { version: 1, vendor: "x", validate: async () => Promise.reject(new Error("nobody looks")) },
    });
    expect(() => failing.decode(utf8('"a"'))).toThrow(new MillraceError("definition", sentence));
    const alwaysSlow = {
      async: true,
      "~standard": { version: 1 as const, vendor: "x", validate: async () => ({ value: 1 }) },
    };
    expect(() => json(alwaysSlow)).toThrow(new MillraceError("definition", sentence));
  });

  test("refuses what is no schema", () => {
    expect(() => json({ type: "object" } as never)).toThrow(
      new MillraceError("definition", "json() takes a Standard Schema (Zod, Valibot, ArkType, …) or nothing."),
    );
  });
});
