/** Decoding the values of a batch: all at once where that is safe, and no value can change what its neighbours are. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Format, json, text } from "../../lib/stream/format.ts";
import { readEvent } from "../../lib/wire/read-event.ts";
import { decodeValues } from "../../lib/wire/read-values.ts";
import type { RecordColumns } from "../../lib/wire/record-columns.ts";
import { toEvent } from "./event-records.ts";

const unchecked = json<unknown>() as Format<never, unknown>;

function columnsOf(values: readonly (Uint8Array | string | null)[]): RecordColumns {
  const [input] = readEvent(JSON.stringify(toEvent({ "t-0": values.map((value) => ({ value })) })));
  return (input as { records: RecordColumns }).records;
}

/** Each value alone, as JSON.parse sees it, or "broken". */
function oneByOne(values: readonly (Uint8Array | string | null)[]): unknown[] {
  return values.map((value) => {
    try {
      return value === null ? "broken" : unchecked.decode(typeof value === "string" ? utf8(value) : value);
    } catch {
      return "broken";
    }
  });
}

function together(values: readonly (Uint8Array | string | null)[], format = unchecked): unknown[] {
  const decoded = decodeValues(columnsOf(values), format, false);
  expect(decoded.values).toHaveLength(values.length);
  return Array.from(decoded.values, (value, i) => (decoded.problems.has(i) ? "broken" : value));
}

const utf8 = (string: string) => new TextEncoder().encode(string);

describe("a value that is no JSON by itself never changes its neighbours", () => {
  test.each([
    ["two in one", ["1,2", "3"]],
    ["an array opened and closed by another", ["[3", "4]"]],
    ["two in one, and an array across two, which keep the count", ["1,2,9", "[3", "4]", "5"]],
    ["a string across two", ['"a', 'b"']],
    ["an object across two", ['{"a":', "1}"]],
    ["nothing", ["1", "", "2"]],
    ["spaces", ["1", "  ", "2"]],
    ["a comma", ["1", ",", "2"]],
    ["a closing bracket and an opening one", ["1]", "[2"]],
    ["a comment", ["1 /*", "*/ 2"]],
    ["a lone escape", ['"a\\', '"']],
    ["a guessed separator", ["1,987654321,2", "3"]],
    ["half a UTF-8 character", [new Uint8Array([0x22, 0xc3]), new Uint8Array([0xa9, 0x22])]],
    ["a byte order mark", ["\ufeff1", "2"]],
    ["NaN", ["NaN", "1"]],
    ["a null value", ["1", null, "2"]],
  ])("%s", (_, values) => {
    expect(together(values)).toEqual(oneByOne(values));
    expect(together(["0", ...values, '{"z":[1]}'])).toEqual(oneByOne(["0", ...values, '{"z":[1]}']));
  });

  test("half a character in a text, completed by the next or by a key between", () => {
    const format = text() as Format<never, unknown>;
    expect(together([new Uint8Array([0xc3]), new Uint8Array([0xa9])], format)).toEqual(["broken", "broken"]);
    expect(together(["a", new Uint8Array([0xe2, 0x82]), new Uint8Array([0xac]), "b"], format)).toEqual([
      "a",
      "broken",
      "broken",
      "b",
    ]);
    const [input] = readEvent(
      toEvent({ "t-0": [{ value: new Uint8Array([0xc3]) }, { key: new Uint8Array([0xa9]), value: "b" }] }),
    );
    const { problems } = decodeValues((input as { records: RecordColumns }).records, format, false);
    expect([...problems.keys()]).toEqual([0]);
  });

  test("whatever the pieces are", () => {
    const piece = fc.oneof(
      fc.constantFrom("1", ",", "[", "]", "{", "}", '"', ":", " ", "\\", '"a"', "null", "1,2", "[3", "4]", "-", "e5"),
      fc.json(),
    );
    const value = fc.oneof(
      { weight: 5, arbitrary: fc.array(piece, { maxLength: 4 }).map((pieces) => pieces.join("")) },
      fc.uint8Array({ maxLength: 6 }),
      fc.constant(null),
    );
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 8 }), (values) => {
        expect(together(values)).toEqual(oneByOne(values));
      }),
      { numRuns: 500 },
    );
  });
});

describe("values are decoded", () => {
  test("where they are JSON, with whatever Unicode is in them", () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue({ noUnicodeString: false }), { minLength: 2 }), (values) => {
        const texts = values.map((value) => JSON.stringify(value));
        expect(together(texts)).toEqual(texts.map((one) => JSON.parse(one)));
      }),
    );
  });

  test("again from the same columns with the same result, as a batch is processed twice", () => {
    const columns = columnsOf(["1", '{"a":"é"}', "[]"]);
    const first = decodeValues(columns, unchecked, false);
    expect(decodeValues(columns, unchecked, false)).toEqual(first);
    expect(first.values).toEqual([1, { a: "é" }, []]);
  });

  test("one by one by a schema, whose failure is that value's alone", () => {
    const positive = json({
      "~standard": {
        version: 1,
        vendor: "test",
        validate: (value: unknown) =>
          typeof value === "number" && value > 0 ? { value } : { issues: [{ message: "must be positive" }] },
      },
    }) as Format<never, unknown>;
    expect(together(["1", "-1", "2"], positive)).toEqual([1, "broken", 2]);
    const { problems } = decodeValues(columnsOf(["1", "-1"]), positive, false);
    expect(problems.get(1)?.message).toBe("The value does not fit its schema: must be positive.");
  });

  test("one by one where they are text", () => {
    expect(together(["a", new Uint8Array([0xff]), "", "b"], text() as Format<never, unknown>)).toEqual([
      "a",
      "broken",
      "",
      "b",
    ]);
  });

  test("as null where nulls are allowed, and else as a problem with the reason", () => {
    const columns = columnsOf(["1", null]);
    expect(decodeValues(columns, unchecked, true).values).toEqual([1, null]);
    expect(decodeValues(columns, unchecked, false).problems.get(1)?.message).toContain("a tombstone");
  });
});
