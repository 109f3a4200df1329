/** Reading events: the scan of the text and JSON.parse agree, on what Lambda writes and on what it does not. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { KafkaEvent } from "../../lib/wire/lambda-event.ts";
import { readEvent } from "../../lib/wire/read-event.ts";
import { type GivenRecord, plain, toEvent } from "./event-records.ts";

const utf8 = (text: string) => new TextEncoder().encode(text);

/** What reading the text gives, once it is known to be the same as from the parsed object. */
function readBoth(event: KafkaEvent, text = JSON.stringify(event)) {
  const scanned = plain(readEvent(text));
  expect(scanned).toEqual(plain(readEvent(JSON.parse(text) as KafkaEvent)));
  return scanned;
}

describe("scan and JSON.parse agree", () => {
  const bytes = fc.option(fc.uint8Array({ maxLength: 40 }), { nil: null });
  const name = fc.oneof(fc.string(), fc.constantFrom('a"b', "]", "[", "\\", '\\"]}', "é", "{}", '"records":{'));
  const record: fc.Arbitrary<GivenRecord> = fc.record(
    {
      timestamp: fc.integer({ min: -1, max: 4_000_000_000_000 }),
      key: bytes,
      value: bytes,
      headers: fc.array(fc.tuple(name, fc.uint8Array({ maxLength: 5 })), { maxLength: 3 }),
    },
    { requiredKeys: [] },
  );
  const topic = fc.stringMatching(/^[A-Za-z0-9._-]{1,12}$/);
  const partitions = fc.dictionary(
    fc.tuple(topic, fc.nat(30)).map(([t, p]) => `${t}-${p}`),
    fc.array(record, { maxLength: 5 }),
    { maxKeys: 4 },
  );

  test("on any event in Lambda's order: null, absent and empty keys and values, headers with quotes and brackets", () => {
    fc.assert(
      fc.property(partitions, fc.nat(2 ** 40), (given, firstOffset) => {
        readBoth(toEvent(given, firstOffset));
      }),
    );
  });

  test("on any event in another order, or with spaces, or with more fields", () => {
    const shuffled = fc.shuffledSubarray(
      ["topic", "partition", "offset", "timestamp", "timestampType", "key", "value", "headers"],
      { minLength: 8, maxLength: 8 },
    );
    fc.assert(
      fc.property(partitions, shuffled, fc.boolean(), fc.boolean(), (given, order, spaces, more) => {
        const event = toEvent(given);
        const records = Object.entries(event.records).map(([partition, list]) => [
          partition,
          list.map((one) => {
            const fields = order.flatMap((field) => (field in one ? [[field, one[field as keyof typeof one]]] : []));
            return { ...Object.fromEntries(fields), ...(more && { leaderEpoch: 5 }) };
          }),
        ]);
        const changed = { ...event, records: Object.fromEntries(records) };
        readBoth(changed, JSON.stringify(changed, null, spaces ? 2 : 0));
      }),
    );
  });

  test("on base64 whose characters are escaped, as some writers of JSON escape / and =", () => {
    const event = toEvent({
      "t-0": [{ key: new Uint8Array([255, 255]), value: new Uint8Array([255, 254, 253, 252]) }],
    });
    const text = JSON.stringify(event).replaceAll("/", "\\/").replaceAll("=", "\\u003d");
    expect(text).toContain("\\u003d");
    expect(readBoth(event, text)[0]?.records[0]).toMatchObject({ key: "ffff", value: "fffefdfc" });
  });

  test("on an event whose name for the brokers looks like its records", () => {
    const event = { ...toEvent({ "t-0": [{ value: "x" }] }), bootstrapServers: '"records":{"t-0":[' };
    expect(readBoth(event)).toHaveLength(1);
  });
});

describe("an event is read", () => {
  test("with null, empty and absent told apart as far as Kafka does", () => {
    const [input] = readBoth(toEvent({ "t-0": [{ key: null, value: null }, { key: "", value: "" }, {}] }));
    expect(input?.records.map(({ key, value }) => [key, value])).toEqual([
      [null, null],
      ["", ""],
      [null, null],
    ]);
  });

  test("by partition, each with its own offsets", () => {
    const inputs = readBoth(toEvent({ "a-b-0": [{ value: "x" }, { value: "y" }], "a-b-12": [{ value: "z" }] }, 5));
    expect(inputs.map(({ topic, partition, records }) => [topic, partition, records.length])).toEqual([
      ["a-b", 0, 2],
      ["a-b", 12, 1],
    ]);
    expect(inputs[0]?.records.map(({ offset }) => offset)).toEqual([5, 6]);
  });

  test("with headers of signed bytes, repeated names and many", () => {
    const headers = [
      ["h", new Uint8Array([0, 127, 128, 255])],
      ["h", utf8("again")],
      ["", new Uint8Array(0)],
    ] as const;
    const [input] = readBoth(toEvent({ "t-0": [{ value: "x" }, { value: "y", headers }, { value: "z" }] }));
    expect(input?.records.map((record) => record.headers.length)).toEqual([0, 3, 0]);
    expect(input?.records[1]?.headers[0]).toEqual(["h", "007f80ff"]);
  });

  test("with −1 where a record has no timestamp", () => {
    const event = toEvent({ "t-0": [{ value: "x", timestamp: -1 }] });
    expect(readBoth(event)[0]?.records[0]?.timestampMs).toBe(-1);
    const { timestamp: _, ...without } = event.records["t-0"]?.[0] ?? {};
    const read = readEvent({ ...event, records: { "t-0": [without] } } as unknown as KafkaEvent);
    expect(plain(read)[0]?.records[0]?.timestampMs).toBe(-1);
  });

  test("with no records at all", () => {
    expect(readBoth(toEvent({}))).toEqual([]);
    expect(readBoth(toEvent({ "t-0": [] }))).toEqual([{ topic: "t", partition: 0, records: [] }]);
  });
});

describe("what is no Kafka event gets a sentence", () => {
  test.each([
    ["nothing", undefined],
    ["null", null],
    ["a number", 5],
    ["an SQS event", { Records: [{ body: "x" }] }],
    ["an event of a schedule", { "detail-type": "Scheduled Event", detail: {} }],
    ["text that is not JSON", "hello"],
    ["text of another event", '{"Records":[]}'],
    ["records that are no lists", { records: { "t-0": "x" } }],
    ["records that are no records", { records: { "t-0": [5] } }],
    ["a list of records, as an API would send", { records: [{ value: "eA==" }] }],
  ])("%s", (_, event) => {
    expect(() => readEvent(event as unknown as KafkaEvent)).toThrow(
      /is not a Kafka event.*Is its trigger a Kafka event source/,
    );
  });
});
