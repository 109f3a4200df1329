/** Kafka's record batches without a Kafka: what is encoded is decoded, wherever an answer is cut off, and broken bytes are errors. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { crc32c } from "../../lib/kafka/crc32c.ts";
import { decodeBatches } from "../../lib/kafka/decode-batches.ts";
import { batchRecordBytes, encodeBatch } from "../../lib/kafka/encode-batch.ts";
import { cutIntoRounds } from "../../lib/kafka/write-batches.ts";
import type { OutgoingRecord } from "../../lib/wire/outgoing-record.ts";
import { headersAt, keyBytesAt, type RecordColumns, valueBytesAt } from "../../lib/wire/record-columns.ts";

const PLENTY = { bytesMax: 10_000_000, recordsMax: 10_000 };

const bytes = fc.uint8Array({ maxLength: 300 });
const records = fc.array(
  fc.record({
    key: fc.option(bytes),
    value: fc.option(bytes),
    timestampMs: fc.oneof(fc.constant(-1), fc.integer({ min: 0, max: 2 ** 45 })),
    headers: fc.array(fc.tuple(fc.string({ unit: "grapheme" }), bytes), { maxLength: 3 }),
  }),
  { minLength: 1, maxLength: 20 },
);

test("batches are decoded as they were encoded, from any offset and with any limit", () => {
  fc.assert(
    fc.property(
      fc.array(records, { minLength: 1, maxLength: 4 }),
      fc.nat(80),
      fc.integer({ min: 1, max: 30 }),
      (batches, from, recordsMax) => {
        const all = batches.flat();
        const stored = storeAt(batches);
        const offset = Math.min(from, all.length);
        const { records: found, nextOffset } = decodeBatches(stored, [], offset, { ...PLENTY, recordsMax });
        expect(toRecords(found)).toEqual(all.slice(offset, offset + recordsMax));
        expect(nextOffset).toBe(Math.min(all.length, offset + recordsMax));
      },
    ),
  );
});

test("a batch that is cut off is not there yet", () => {
  fc.assert(
    fc.property(records, records, fc.nat(), (first, second, cut) => {
      const stored = storeAt([first, second]);
      const length = cut % stored.length;
      const { records: found, nextOffset } = decodeBatches(stored.subarray(0, length), [], 0, PLENTY);
      const isFirstWhole = length >= storeAt([first]).length;
      expect(toRecords(found)).toEqual(isFirstWhole ? first : []);
      expect(nextOffset).toBe(isFirstWhole ? first.length : 0);
    }),
  );
});

test("broken bytes are an error or something else, never a hang or a crash", () => {
  fc.assert(
    fc.property(records, fc.nat(), fc.nat(255), (batch, at, value) => {
      const stored = Buffer.from(storeAt([batch]));
      // Behind the head, whose numbers the broker has checked.
      if (stored.length > 61) stored[61 + (at % (stored.length - 61))] = value;
      try {
        decodeBatches(stored, [], 0, PLENTY);
      } catch (error) {
        expect(error).toMatchObject({ name: "MillraceError", code: "kafka" });
      }
    }),
  );
});

test("a record never takes more than is reckoned with, and a partition's pieces keep their order", () => {
  fc.assert(
    fc.property(fc.array(records, { maxLength: 5 }), fc.integer({ min: 200, max: 3000 }), (batches, batchBytesMax) => {
      const outgoing = batches.map((all, i) => ({ topic: "t", partition: i % 2, records: all }));
      const found: Record<number, OutgoingRecord[]> = {};
      for (const round of cutIntoRounds(outgoing, batchBytesMax)) {
        expect(new Set(round.map(({ partition }) => partition)).size).toBe(round.length);
        for (const piece of round) {
          const { length } = encodeBatch(piece.records);
          expect(length).toBeLessThanOrEqual(piece.size);
          if (piece.records.length > 1) expect(piece.size).toBeLessThanOrEqual(batchBytesMax);
          else expect(length).toBeLessThanOrEqual(61 + batchRecordBytes(piece.records[0] as OutgoingRecord));
          (found[piece.partition] ??= []).push(...piece.records);
        }
      }
      for (const partition of [0, 1]) {
        const expected = outgoing.filter((batch) => batch.partition === partition).flatMap((batch) => batch.records);
        expect(found[partition] ?? []).toEqual(expected);
      }
    }),
  );
});

test.each([
  ["", 0],
  ["a", 0xc1d04330],
  ["123456789", 0xe3069283],
  ["The quick brown fox jumps over the lazy dog", 0x22620404],
])("the checksum of %j is known", (text, checksum) => {
  expect(crc32c(Buffer.from(text))).toBe(checksum);
});

/** Batches with the offsets that a broker gives them. */
function storeAt(batches: readonly (readonly OutgoingRecord[])[]): Buffer {
  let offset = 0;
  return Buffer.concat(
    batches.map((batch) => {
      const encoded = Buffer.from(encodeBatch(batch));
      encoded.writeBigInt64BE(BigInt(offset), 0);
      offset += batch.length;
      return encoded;
    }),
  );
}

function toRecords(columns: RecordColumns): OutgoingRecord[] {
  const plain = (view: Uint8Array | null) => view && new Uint8Array(view);
  return Array.from({ length: columns.count }, (_, i) => ({
    key: plain(keyBytesAt(columns, i)),
    value: plain(valueBytesAt(columns, i)),
    timestampMs: columns.timestampsMs[i] as number,
    headers: headersAt(columns, i).map(([name, value]) => [name, new Uint8Array(value)] as [string, Uint8Array]),
  }));
}
