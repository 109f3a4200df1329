/** The broker in memory keeps the contract, and what only it can show: holes, markers, notices. */

import { expect, test } from "vitest";
import { MemoryBroker } from "../../lib/local/memory-broker.ts";
import { testBroker } from "../contracts/broker.contract.ts";

testBroker("the broker in memory", async () => new MemoryBroker());
testBroker("the broker in memory that leaves markers", async () => new MemoryBroker({ controlMarkers: true }));

const PLENTY = { bytesMax: 1_000_000, recordsMax: 1000 };
const TOPIC = { name: "t", partitions: 1, compacted: false, retentionMs: undefined };
const RECORD = { key: null, value: new Uint8Array([1]), timestampMs: 0, headers: [] };

test("a fetch passes the offsets that markers take", async () => {
  const broker = new MemoryBroker({ controlMarkers: true });
  await broker.ensureTopics([TOPIC]);
  const batches = [{ topic: "t", partition: 0, records: [RECORD, RECORD] }];
  await broker.produceExactlyOnce(batches, { transactionalId: "x", sequenceNumber: 1 });
  await broker.produceExactlyOnce(batches, { transactionalId: "x", sequenceNumber: 2 });
  const first = await broker.fetch("t", 0, 0, { ...PLENTY, recordsMax: 2 });
  expect([[...first.records.offsets], first.nextOffset]).toEqual([[0, 1], 3]);
  const second = await broker.fetch("t", 0, 3, PLENTY);
  expect([[...second.records.offsets], second.nextOffset]).toEqual([[3, 4], 6]);
  expect((await broker.fetch("t", 0, 5, PLENTY)).nextOffset).toBe(6);
  expect(await broker.offsets("t")).toEqual([{ low: 0, high: 6 }]);
});

test("records that retention took are missing input, not an empty answer", async () => {
  const broker = new MemoryBroker();
  await broker.ensureTopics([TOPIC]);
  for (let i = 0; i < 3; i += 1) await broker.produce([{ topic: "t", partition: 0, records: [RECORD, RECORD] }]);
  await broker.deleteRecords("t", 0, 3);
  expect(await broker.offsets("t")).toEqual([{ low: 3, high: 6 }]);
  await expect(broker.fetch("t", 0, 2, PLENTY)).rejects.toThrow(
    'Topic "t", partition 0 has no offset 2; the first is 3',
  );
  expect([...(await broker.fetch("t", 0, 3, PLENTY)).records.offsets]).toEqual([3, 4, 5]);
});

test("who listens hears of every append until he stops", async () => {
  const broker = new MemoryBroker();
  await broker.ensureTopics([TOPIC]);
  const heard: string[] = [];
  const stop = broker.onAppend((topic, partition) => heard.push(`${topic}-${partition}`));
  await broker.produce([{ topic: "t", partition: 0, records: [RECORD] }]);
  await broker.produce([{ topic: "t", partition: 0, records: [] }]);
  stop();
  await broker.produce([{ topic: "t", partition: 0, records: [RECORD] }]);
  expect(heard).toEqual(["t-0"]);
});
