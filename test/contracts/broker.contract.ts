/** What every broker does, real Kafka included. Topics and groups get fresh names, so that a server may be shared and never cleaned. */

import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Broker, OutgoingRecord } from "../../lib/kafka/broker.ts";
import { headersAt, keyBytesAt, valueBytesAt } from "../../lib/wire/record-columns.ts";

const PLENTY = { bytesMax: 10_000_000, recordsMax: 10_000 };

/** Runs the suite; `open` is called once, and the broker closed at the end. */
export function testBroker(name: string, open: () => Promise<Broker>): void {
  describe(name, () => {
    let broker: Broker;
    beforeAll(async () => {
      broker = await open();
    });
    afterAll(() => broker.close());

    async function newTopic(partitions = 1): Promise<string> {
      const name = `contract-${randomUUID()}`;
      await broker.ensureTopics([{ name, partitions, compacted: false, retentionMs: undefined }]);
      return name;
    }

    const produce = (topic: string, partition: number, ...values: string[]) =>
      broker.produce([{ topic, partition, records: values.map((value) => record(value)) }]);

    /** Everything from `offset` on, however many fetches it takes. */
    async function readAll(topic: string, partition = 0, offset = 0, limits = PLENTY): Promise<OutgoingRecord[]> {
      const all: OutgoingRecord[] = [];
      for (;;) {
        const { records, nextOffset } = await broker.fetch(topic, partition, offset, limits);
        expect(records.count).toBeLessThanOrEqual(limits.recordsMax);
        for (let i = 0; i < records.count; i += 1) {
          expect(records.offsets[i]).toBeGreaterThanOrEqual(offset);
          expect(records.offsets[i]).toBeLessThan(nextOffset);
          if (i > 0) expect(records.offsets[i]).toBeGreaterThan(records.offsets[i - 1] as number);
          all.push({
            key: plain(keyBytesAt(records, i)),
            value: plain(valueBytesAt(records, i)),
            timestampMs: records.timestampsMs[i] as number,
            headers: headersAt(records, i).map(([name, value]) => [name, plain(value) as Uint8Array]),
          });
        }
        if (nextOffset === offset) return all;
        offset = nextOffset;
      }
    }

    const valuesOf = (records: readonly OutgoingRecord[]) =>
      records.map(({ value }) => value && Buffer.from(value).toString());

    describe("records", () => {
      test("come back in order, with key, value, timestamp and headers, null told from empty", async () => {
        const topic = await newTopic();
        const records: OutgoingRecord[] = [
          { key: utf8("a"), value: utf8("1"), timestampMs: 1_700_000_000_123, headers: [] },
          { key: null, value: utf8("2"), timestampMs: 1_700_000_000_023, headers: [["x", utf8("y")]] },
          {
            key: new Uint8Array(0),
            value: null,
            timestampMs: 1_700_000_000_000,
            headers: [
              ["x", new Uint8Array([0, 200, 255])],
              ["ü", utf8("")],
            ],
          },
          { key: utf8("ü"), value: new Uint8Array(0), timestampMs: 0, headers: [] },
        ];
        await broker.produce([{ topic, partition: 0, records }]);
        expect(await readAll(topic)).toEqual(records);
      });

      test("of a partition follow those written before", async () => {
        const topic = await newTopic();
        await produce(topic, 0, "a", "b");
        await produce(topic, 0, "c");
        expect(valuesOf(await readAll(topic))).toEqual(["a", "b", "c"]);
        const { records, nextOffset } = await broker.fetch(topic, 0, 0, PLENTY);
        expect([...records.offsets.subarray(0, records.count)]).toEqual([0, 1, 2].slice(0, records.count));
        expect(nextOffset).toBe(records.count);
      });

      test("go to the partition that was said", async () => {
        const topic = await newTopic(3);
        await broker.produce([
          { topic, partition: 2, records: [record("a")] },
          { topic, partition: 0, records: [record("b")] },
          { topic, partition: 2, records: [record("c")] },
        ]);
        expect(valuesOf(await readAll(topic, 0))).toEqual(["b"]);
        expect(valuesOf(await readAll(topic, 1))).toEqual([]);
        expect(valuesOf(await readAll(topic, 2))).toEqual(["a", "c"]);
      });

      test("are acknowledged with the offset of the first of each batch, where they can be fetched", async () => {
        const topic = await newTopic(2);
        await produce(topic, 0, "before");
        // More than one batch of Kafka's, so that it is cut.
        const large = "x".repeat(Math.floor(broker.recordBytesMax * 0.7));
        const offsets = await broker.produce([
          { topic, partition: 0, records: [record("a"), record(`b${large}`)] },
          { topic, partition: 1, records: [record("c")] },
          { topic, partition: 0, records: [] },
          { topic, partition: 0, records: [record(`d${large}`)] },
          { topic, partition: 0, records: [record("e")] },
        ]);
        expect(offsets).toEqual([1, 0, -1, 3, 4]);
        const firstAt = async (partition: number, offset: number) => {
          const { records } = await broker.fetch(topic, partition, offset, { bytesMax: 1, recordsMax: 1 });
          return [
            records.offsets[0],
            Buffer.from(valueBytesAt(records, 0) as Uint8Array)
              .toString()
              .slice(0, 1),
          ];
        };
        expect(await firstAt(0, 1)).toEqual([1, "a"]);
        expect(await firstAt(1, 0)).toEqual([0, "c"]);
        expect(await firstAt(0, 3)).toEqual([3, "d"]);
        expect(await firstAt(0, 4)).toEqual([4, "e"]);
      });

      test("of no number are written without effect", async () => {
        const topic = await newTopic();
        await broker.produce([]);
        await broker.produce([{ topic, partition: 0, records: [] }]);
        expect(await broker.offsets(topic)).toEqual([{ low: 0, high: 0 }]);
      });

      test("over the size limit are refused, and nothing else of that call is lost or kept by halves in one partition", async () => {
        const topic = await newTopic();
        const large = new Uint8Array(broker.recordBytesMax + 1);
        const records = [record("small"), { key: null, value: large, timestampMs: 0, headers: [] }];
        await expect(broker.produce([{ topic, partition: 0, records }])).rejects.toMatchObject({
          name: "MillraceError",
          code: "kafka",
          message: expect.stringContaining(topic),
        });
        expect(valuesOf(await readAll(topic))).toEqual([]);
      });

      test("for a topic or partition that does not exist are refused", async () => {
        const topic = await newTopic();
        await expect(produce(`missing-${randomUUID()}`, 0, "a")).rejects.toMatchObject({ code: "kafka" });
        await expect(produce(topic, 1, "a")).rejects.toMatchObject({ code: "kafka" });
      });

      test("are not changed by who wrote them afterwards", async () => {
        const topic = await newTopic();
        const value = utf8("before");
        await broker.produce([{ topic, partition: 0, records: [{ key: null, value, timestampMs: 0, headers: [] }] }]);
        value.fill(0);
        expect(valuesOf(await readAll(topic))).toEqual(["before"]);
      });
    });

    describe("a fetch", () => {
      test("at the end is empty and stays where it is", async () => {
        const topic = await newTopic();
        await produce(topic, 0, "a");
        const { records, nextOffset } = await broker.fetch(topic, 0, 1, PLENTY);
        expect([records.count, nextOffset]).toEqual([0, 1]);
      });

      test("may begin inside a batch", async () => {
        const topic = await newTopic();
        await produce(topic, 0, "a", "b", "c", "d");
        await produce(topic, 0, "e");
        expect(valuesOf(await readAll(topic, 0, 2))).toEqual(["c", "d", "e"]);
      });

      test("gives at most as many records as asked for", async () => {
        const topic = await newTopic();
        for (const values of [["a", "b", "c"], ["d"], ["e", "f", "g", "h"]]) await produce(topic, 0, ...values);
        for (const recordsMax of [1, 2, 3, 5]) {
          expect(valuesOf(await readAll(topic, 0, 0, { ...PLENTY, recordsMax }))).toEqual([..."abcdefgh"]);
        }
      });

      test("gives about as many bytes as asked for, and a record that is larger", async () => {
        const topic = await newTopic();
        const value = "x".repeat(10_000);
        await produce(topic, 0, ...Array.from({ length: 50 }, () => value));
        const { records } = await broker.fetch(topic, 0, 0, { bytesMax: 45_000, recordsMax: 10_000 });
        expect(records.count).toBeGreaterThan(0);
        expect(records.count).toBeLessThanOrEqual(5);
        expect((await broker.fetch(topic, 0, 7, { bytesMax: 1, recordsMax: 10 })).records.count).toBe(1);
      });

      test("above the end or below the beginning is an error", async () => {
        const topic = await newTopic();
        await produce(topic, 0, "a");
        await expect(broker.fetch(topic, 0, 2, PLENTY)).rejects.toMatchObject({
          code: "input-missing",
          message: expect.stringContaining(topic),
        });
        await expect(broker.fetch(topic, 0, -1, PLENTY)).rejects.toMatchObject({ code: "input-missing" });
      });

      test("from a topic or partition that does not exist is an error", async () => {
        const topic = await newTopic();
        await expect(broker.fetch(topic, 1, 0, PLENTY)).rejects.toMatchObject({ code: "kafka" });
        await expect(broker.fetch(`missing-${randomUUID()}`, 0, 0, PLENTY)).rejects.toMatchObject({ code: "kafka" });
      });
    });

    describe("topics", () => {
      test("are created once and found again", async () => {
        const spec = { name: `contract-${randomUUID()}`, partitions: 4, compacted: true, retentionMs: undefined };
        await broker.ensureTopics([spec]);
        await broker.ensureTopics([spec]);
        expect(await broker.topics()).toContainEqual({ name: spec.name, partitions: 4 });
        expect(await broker.offsets(spec.name)).toEqual(Array(4).fill({ low: 0, high: 0 }));
      });

      test("with another number of partitions are an error", async () => {
        const name = await newTopic(2);
        const ensured = broker.ensureTopics([{ name, partitions: 3, compacted: false, retentionMs: undefined }]);
        await expect(ensured).rejects.toMatchObject({
          code: "kafka",
          message: expect.stringMatching(`"${name}" has 2 partitions and is declared with 3`),
        });
      });

      test("tell their offsets", async () => {
        const topic = await newTopic(2);
        await produce(topic, 1, "a", "b");
        expect(await broker.offsets(topic)).toEqual([
          { low: 0, high: 0 },
          { low: 0, high: 2 },
        ]);
        await expect(broker.offsets(`missing-${randomUUID()}`)).rejects.toMatchObject({ code: "kafka" });
      });

      test("tell those of one partition, and nothing of one that they do not have", async () => {
        const topic = await newTopic(2);
        await produce(topic, 1, "a", "b");
        expect(await broker.offsetRange(topic, 0)).toEqual({ low: 0, high: 0 });
        expect(await broker.offsetRange(topic, 1)).toEqual({ low: 0, high: 2 });
        expect(await broker.offsetRange(topic, 2)).toBe(undefined);
        await expect(broker.offsetRange(`missing-${randomUUID()}`, 0)).rejects.toMatchObject({ code: "kafka" });
      });
    });

    describe("a group's offset", () => {
      test("is unknown, then what was committed last, per group and partition", async () => {
        const topic = await newTopic(2);
        const [one, other] = [`group-${randomUUID()}`, `group-${randomUUID()}`];
        expect(await broker.committedOffset(one, topic, 0)).toBe(undefined);
        await broker.commitOffset(one, topic, 0, 5);
        await broker.commitOffset(one, topic, 1, 0);
        await broker.commitOffset(one, topic, 0, 3);
        expect(await broker.committedOffset(one, topic, 0)).toBe(3);
        expect(await broker.committedOffset(one, topic, 1)).toBe(0);
        expect(await broker.committedOffset(other, topic, 0)).toBe(undefined);
      });
    });

    describe("exactly once", () => {
      test("batches appear once however often they are repeated", async () => {
        const topic = await newTopic(2);
        const transactionalId = `task-${randomUUID()}`;
        const write = (sequenceNumber: number, value: string) =>
          broker.produceExactlyOnce(
            [0, 1].map((partition) => ({ topic, partition, records: [record(value)] })),
            { transactionalId, sequenceNumber },
          );
        await write(1, "a");
        await write(1, "a");
        await write(3, "b");
        await write(2, "never");
        await write(3, "b");
        await write(4, "c");
        for (const partition of [0, 1]) expect(valuesOf(await readAll(topic, partition))).toEqual(["a", "b", "c"]);
      });

      test("two tasks do not know of each other", async () => {
        const topic = await newTopic();
        for (const task of [randomUUID(), randomUUID()]) {
          await broker.produceExactlyOnce([{ topic, partition: 0, records: [record("a")] }], {
            transactionalId: `task-${task}`,
            sequenceNumber: 7,
          });
        }
        expect(valuesOf(await readAll(topic))).toEqual(["a", "a"]);
      });

      test("a task that wrote before and of which nothing is known may have written: that is an error", async () => {
        const topic = await newTopic();
        const transactionalId = `task-${randomUUID()}`;
        const batches = [{ topic, partition: 0, records: [record("a")] }];
        const repeat = { transactionalId, sequenceNumber: 2, previousSequenceNumber: 1 };
        await expect(broker.produceExactlyOnce(batches, repeat)).rejects.toMatchObject({
          code: "kafka",
          message: expect.stringContaining(transactionalId),
        });
        expect(valuesOf(await readAll(topic))).toEqual([]);
        await broker.produceExactlyOnce(batches, { transactionalId, sequenceNumber: 1 });
        await broker.produceExactlyOnce(batches, repeat);
        await broker.produceExactlyOnce(batches, repeat);
        expect(valuesOf(await readAll(topic))).toEqual(["a", "a"]);
      });

      test("a number that went back is lost like one that is gone", async () => {
        const topic = await newTopic();
        const transactionalId = `task-${randomUUID()}`;
        const batches = [{ topic, partition: 0, records: [record("a")] }];
        await broker.produceExactlyOnce(batches, { transactionalId, sequenceNumber: 1 });
        const repeat = { transactionalId, sequenceNumber: 4, previousSequenceNumber: 3 };
        await expect(broker.produceExactlyOnce(batches, repeat)).rejects.toMatchObject({
          code: "kafka",
          message: expect.stringContaining("it is at 1, behind 3"),
        });
        expect(valuesOf(await readAll(topic))).toEqual(["a"]);
      });

      test("a refused write leaves neither records nor number", async () => {
        const topic = await newTopic();
        const once = { transactionalId: `task-${randomUUID()}`, sequenceNumber: 1 };
        const records = [record("a")];
        const refused = broker.produceExactlyOnce(
          [
            { topic, partition: 0, records },
            { topic, partition: 9, records },
          ],
          once,
        );
        await expect(refused).rejects.toMatchObject({ code: "kafka" });
        expect(valuesOf(await readAll(topic))).toEqual([]);
        await broker.produceExactlyOnce([{ topic, partition: 0, records }], once);
        expect(valuesOf(await readAll(topic))).toEqual(["a"]);
      });
    });
  });
}

function record(value: string): OutgoingRecord {
  return { key: null, value: utf8(value), timestampMs: 1_700_000_000_000, headers: [] };
}

function utf8(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text));
}

function plain(bytes: Uint8Array | null): Uint8Array | null {
  return bytes === null ? null : new Uint8Array(bytes);
}
