/** The event's text is what Lambda sends: its fields in their order, base64, signed bytes of headers. */

import fc from "fast-check";
import { expect, test } from "vitest";
import type { Slice } from "../../lib/local/batching.ts";
import {
  type EventOrigin,
  eventJsonBytes,
  PARTITION_JSON_BYTES,
  recordJsonBytes,
  writeEvent,
} from "../../lib/local/event-json.ts";
import type { OutgoingRecord } from "../../lib/wire/outgoing-record.ts";
import { readEvent } from "../../lib/wire/read-event.ts";
import { decodeRecords, encodeRecords } from "../../lib/wire/record-batch.ts";
import { headersAt, keyBytesAt, valueBytesAt } from "../../lib/wire/record-columns.ts";

const ORIGIN: EventOrigin = {
  eventSource: "aws:kafka",
  eventSourceArn: "arn:x",
  bootstrapServers: "b-1:9092,b-2:9092",
  topic: "in",
};

function sliceOf(partition: number, baseOffset: number, records: readonly OutgoingRecord[]): Slice {
  const columns = decodeRecords(encodeRecords(records), baseOffset);
  return { partition, columns, from: 0, to: columns.count, nextOffset: baseOffset + columns.count };
}

const utf8 = (text: string) => new Uint8Array(Buffer.from(text));

test("an event is, to the letter", () => {
  const text = writeEvent(ORIGIN, [
    sliceOf(0, 15, [
      {
        key: utf8("k"),
        value: utf8("Hello, this is a test."),
        timestampMs: 1545084650987,
        headers: [["headerKey", utf8("headerValue")]],
      },
      { key: null, value: null, timestampMs: -1, headers: [] },
    ]),
    sliceOf(0, 20, [
      {
        key: new Uint8Array(0),
        value: new Uint8Array(0),
        timestampMs: 0,
        headers: [
          ["a", new Uint8Array([0, 127, 128, 255])],
          ["b", utf8("")],
        ],
      },
    ]),
    sliceOf(3, 7, [{ key: null, value: new Uint8Array([255]), timestampMs: 5, headers: [] }]),
  ]);
  expect(text).toBe(
    '{"eventSource":"aws:kafka","eventSourceArn":"arn:x","bootstrapServers":"b-1:9092,b-2:9092","records":{"in-0":[' +
      '{"topic":"in","partition":0,"offset":15,"timestamp":1545084650987,"timestampType":"CREATE_TIME","key":"aw==","value":"SGVsbG8sIHRoaXMgaXMgYSB0ZXN0Lg==",' +
      '"headers":[{"headerKey":[104,101,97,100,101,114,86,97,108,117,101]}]},' +
      '{"topic":"in","partition":0,"offset":16,"timestamp":-1,"timestampType":"CREATE_TIME","value":null,"headers":[]},' +
      '{"topic":"in","partition":0,"offset":20,"timestamp":0,"timestampType":"CREATE_TIME","key":"","value":"","headers":[{"a":[0,127,-128,-1]},{"b":[]}]}],' +
      '"in-3":[{"topic":"in","partition":3,"offset":7,"timestamp":5,"timestampType":"CREATE_TIME","value":"/w==","headers":[]}]}}',
  );
});

test("self-managed Kafka has no ARN, and an event may be empty", () => {
  const text = writeEvent({ eventSource: "SelfManagedKafka", bootstrapServers: "here", topic: "in" }, []);
  expect(text).toBe('{"eventSource":"SelfManagedKafka","bootstrapServers":"here","records":{}}');
});

const bytes = fc.uint8Array({ maxLength: 50 });
const records = fc.array(
  fc.record({
    key: fc.option(bytes),
    value: fc.option(bytes),
    timestampMs: fc.integer({ min: -1, max: 2 ** 43 }),
    headers: fc.array(
      fc.tuple(
        fc.string({ minLength: 1, maxLength: 5 }).filter((name) => name !== "__proto__"),
        bytes,
      ),
      { maxLength: 2 },
    ),
  }),
  { minLength: 1, maxLength: 20 },
);

test("an event is read back as the records it was made of, from its text and parsed alike", () => {
  fc.assert(
    fc.property(records, fc.nat(2 ** 40), (given, baseOffset) => {
      const text = writeEvent(ORIGIN, [sliceOf(4, baseOffset, given)]);
      for (const event of [text, JSON.parse(text)]) {
        const [input] = readEvent(event);
        expect([input?.topic, input?.partition]).toEqual(["in", 4]);
        const columns = input?.records as NonNullable<typeof input>["records"];
        const read = Array.from({ length: columns.count }, (_, i) => ({
          offset: columns.offsets[i],
          key: plain(keyBytesAt(columns, i)),
          value: plain(valueBytesAt(columns, i)),
          timestampMs: columns.timestampsMs[i],
          headers: headersAt(columns, i),
        }));
        expect(read).toEqual(given.map((record, i) => ({ ...record, offset: baseOffset + i })));
      }
    }),
  );
});

test("what a record takes is never underestimated, and by little overestimated", () => {
  fc.assert(
    fc.property(records, (given) => {
      const slice = sliceOf(1, 0, given);
      let estimate = eventJsonBytes(ORIGIN) + PARTITION_JSON_BYTES + ORIGIN.topic.length;
      let headerBytes = 0;
      for (let row = 0; row < slice.to; row += 1) {
        estimate += recordJsonBytes(slice.columns, row, ORIGIN.topic.length);
        for (const [, value] of headersAt(slice.columns, row)) headerBytes += value.length;
      }
      const actual = Buffer.byteLength(writeEvent(ORIGIN, [slice]));
      expect(actual).toBeLessThanOrEqual(estimate);
      expect(estimate).toBeLessThanOrEqual(actual + 60 * (given.length + 1) + 4 * headerBytes);
    }),
  );
});

function plain(bytes: Uint8Array | null): Uint8Array | null {
  return bytes === null ? null : new Uint8Array(bytes);
}
