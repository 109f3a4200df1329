/** The binary form of record batches: what goes in comes out, and what was damaged is refused with a sentence. */

import { crc32 } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MillraceError } from "../../lib/stream/error.ts";
import type { OutgoingRecord } from "../../lib/wire/outgoing-record.ts";
import { decodeBatches, decodeRecords, encodeRecords } from "../../lib/wire/record-batch.ts";
import { headersAt, keyBytesAt, type RecordColumns, valueBytesAt } from "../../lib/wire/record-columns.ts";
import { sliceColumns } from "../../lib/wire/slice-columns.ts";

const content = fc.oneof(fc.constant(null), fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ maxLength: 300 }));
const timestamp = fc.oneof(fc.integer({ min: -1, max: 2 ** 41 }), fc.maxSafeInteger());
const record: fc.Arbitrary<OutgoingRecord> = fc.record({
  key: content,
  value: content,
  timestampMs: timestamp.map((ms) => ms + 0),
  headers: fc.oneof(
    fc.constant([]),
    fc.array(fc.tuple(fc.string({ unit: "grapheme", maxLength: 6 }), fc.uint8Array({ maxLength: 9 })), {
      maxLength: 3,
    }),
  ),
});
const records = fc.array(record, { maxLength: 50 });

describe("a batch", () => {
  test("comes back as it was, null and empty told apart", () => {
    fc.assert(
      fc.property(records, fc.nat(2 ** 45), (given, baseOffset) => {
        const columns = decodeRecords(encodeRecords(given), baseOffset);
        expect(recordsOf(columns)).toEqual(given);
        expect([...columns.offsets]).toEqual(given.map((_, i) => baseOffset + i));
        const anyHeader = given.some(({ headers }) => headers.length > 0);
        expect(columns.headers === undefined).toBe(!anyHeader);
      }),
    );
  });

  test("comes back together with others, each from its own base offset", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(records, fc.nat(1000)), { maxLength: 5 }), (given) => {
        const columns = decodeBatches(
          given.map(([batch, baseOffset]) => ({ baseOffset, bytes: encodeRecords(batch) })),
        );
        expect(recordsOf(columns)).toEqual(given.flatMap(([batch]) => batch));
        const offsets = given.flatMap(([batch, base]) => batch.map((_, i) => base + i));
        expect([...columns.offsets]).toEqual(offsets);
      }),
    );
  });

  test("is sliced without touching the rest", () => {
    fc.assert(
      fc.property(records, fc.nat(50), fc.nat(50), (given, a, b) => {
        const [from, to] = [Math.min(a, b, given.length), Math.min(Math.max(a, b), given.length)];
        const columns = sliceColumns(decodeRecords(encodeRecords(given), 0), from, to);
        expect(recordsOf(columns)).toEqual(given.slice(from, to));
      }),
    );
  });

  test("does not need its bytes to stand at the beginning of a buffer", () => {
    const bytes = encodeRecords(SAMPLE);
    const inside = new Uint8Array(bytes.length + 20);
    inside.set(bytes, 7);
    expect(recordsOf(decodeRecords(inside.subarray(7, 7 + bytes.length), 0))).toEqual(SAMPLE);
  });

  test("takes three bytes per record beside key and value where timestamps are near each other", () => {
    const given = Array.from({ length: 1000 }, (_, i) => ({
      key: utf8("key"),
      value: utf8("value"),
      timestampMs: 1_700_000_000_000 + i * 10,
      headers: [],
    }));
    expect(encodeRecords(given).length).toBe(16 + 5 + 1000 * (3 + 8));
  });

  test.each([Number.NaN, 0.5, Number.POSITIVE_INFINITY, 2 ** 53])("with the timestamp %d is refused", (timestampMs) => {
    expect(() => encodeRecords([{ key: null, value: null, timestampMs, headers: [] }])).toThrow(
      `timestamp ${timestampMs} cannot be written`,
    );
  });
});

describe("damaged bytes", () => {
  test("are refused with a sentence, never read", () => {
    fc.assert(
      fc.property(records, damage, (given, damaged) => {
        const bytes = encodeRecords(given);
        const broken = damaged(bytes);
        fc.pre(Buffer.compare(broken, bytes) !== 0);
        expectSentence(() => recordsOf(decodeRecords(broken, 0)));
        expectSentence(() =>
          recordsOf(
            decodeBatches([
              { baseOffset: 0, bytes },
              { baseOffset: 50, bytes: broken },
            ]),
          ),
        );
      }),
    );
  });

  test("with a right checksum end in a sentence or in records, never in another error", () => {
    fc.assert(
      fc.property(records, damage, (given, damaged) => {
        const broken = damaged(encodeRecords(given));
        fc.pre(broken.length >= 16);
        seal(broken);
        try {
          const columns = decodeRecords(broken, 0);
          for (const { key, value } of recordsOf(columns))
            expect((key?.length ?? 0) + (value?.length ?? 0)).toBeLessThan(broken.length);
        } catch (error) {
          expect(error).toBeInstanceOf(MillraceError);
        }
      }),
      { numRuns: 500 },
    );
  });

  test("of a newer version say so", () => {
    const bytes = encodeRecords(SAMPLE);
    bytes[0] = 2;
    expect(() => decodeRecords(bytes, 0)).toThrow("format version 2, and this version of Millrace reads up to 1");
  });

  test.each([
    ["nothing at all", new Uint8Array(0), "it has 0 bytes, fewer than its head"],
    ["zeros", new Uint8Array(32), "it does not begin with a version"],
    [
      "a part",
      encodeRecords([{ key: null, value: utf8("a"), timestampMs: 0, headers: [] }]).subarray(0, 18),
      "it says it has 19 bytes and has 18",
    ],
  ])("%s", (_, bytes, sentence) => {
    expect(() => decodeRecords(bytes, 0)).toThrow(sentence);
  });
});

const SAMPLE: readonly OutgoingRecord[] = [
  { key: utf8("k"), value: utf8("v"), timestampMs: 5, headers: [["h", utf8("x")]] },
  { key: null, value: null, timestampMs: -1, headers: [] },
];

const damage: fc.Arbitrary<(bytes: Uint8Array) => Uint8Array> = fc.oneof(
  fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })).map(([at, bits]) => (bytes: Uint8Array) => {
    const broken = bytes.slice();
    broken[at % broken.length] = (broken[at % broken.length] as number) ^ bits;
    return broken;
  }),
  fc.nat().map((at) => (bytes: Uint8Array) => bytes.slice(0, at % bytes.length)),
  fc
    .uint8Array({ minLength: 1, maxLength: 9 })
    .map((more) => (bytes: Uint8Array) => new Uint8Array([...bytes, ...more])),
  fc.uint8Array({ maxLength: 200 }).map((other) => () => other),
);

function seal(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  bytes[0] = 1;
  view.setUint32(8, bytes.length, true);
  view.setUint32(12, crc32(bytes.subarray(16), crc32(bytes.subarray(0, 12))), true);
}

function expectSentence(work: () => unknown): void {
  let thrown: unknown;
  try {
    work();
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(MillraceError);
  expect((thrown as MillraceError).message).toMatch(/^(A stored|Stored) .*\.$/);
}

function recordsOf(columns: RecordColumns): OutgoingRecord[] {
  return Array.from({ length: columns.count }, (_, i) => ({
    key: keyBytesAt(columns, i),
    value: valueBytesAt(columns, i),
    timestampMs: columns.timestampsMs[i] as number,
    headers: headersAt(columns, i),
  }));
}

function utf8(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text));
}
