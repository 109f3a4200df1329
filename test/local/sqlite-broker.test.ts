/** The broker in a file keeps the contract, and what a file adds: it is still there afterwards, and several processes may use it. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { EventSourceMapping } from "../../lib/local/event-source-mapping.ts";
import { SqliteBroker } from "../../lib/local/sqlite-broker.ts";
import { VirtualClock } from "../../lib/simulation/virtual-clock.ts";
import { openDatabase } from "../../lib/state-log/sqlite-database.ts";
import { testBroker } from "../contracts/broker.contract.ts";

const folder = mkdtempSync(join(tmpdir(), "millrace-broker-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
const newFile = () => join(folder, `${(files += 1)}.sqlite`);
testBroker("the broker in a file", async () => new SqliteBroker(openDatabase(newFile())));

const PLENTY = { bytesMax: 1_000_000, recordsMax: 1000 };
const TOPIC = { name: "t", partitions: 2, compacted: false, retentionMs: undefined };
const RECORD = { key: null, value: new Uint8Array([1]), timestampMs: 0, headers: [] };
const BATCH = { topic: "t", partition: 0, records: [RECORD, RECORD] };

test("another process sees what one wrote, and notices that something was written", async () => {
  const file = newFile();
  const [here, there] = [new SqliteBroker(openDatabase(file)), new SqliteBroker(openDatabase(file))];
  await here.ensureTopics([TOPIC]);
  await there.ensureTopics([TOPIC]);
  const before = there.foreignVersion();
  await there.produce([BATCH]);
  expect(there.foreignVersion()).toBe(before);
  await here.produce([BATCH]);
  expect(there.foreignVersion()).not.toBe(before);
  expect([...(await there.fetch("t", 0, 0, PLENTY)).records.offsets]).toEqual([0, 1, 2, 3]);
  expect(await here.offsets("t")).toEqual([
    { low: 0, high: 4 },
    { low: 0, high: 0 },
  ]);
});

test("a mapping is told of what another process wrote at its next poll", async () => {
  const file = newFile();
  const [here, there] = [new SqliteBroker(openDatabase(file)), new SqliteBroker(openDatabase(file))];
  await here.ensureTopics([TOPIC]);
  const clock = new VirtualClock();
  const invokedAtMs: number[] = [];
  const mapping = new EventSourceMapping({
    broker: here,
    topic: "t",
    consumerGroup: "g",
    batchWindowMs: 0,
    pollIntervalMs: 200,
    clock,
    function: { name: "f", handler: () => invokedAtMs.push(clock.now()) },
  });
  const stop = new AbortController();
  const running = mapping.run(stop.signal);
  await clock.advance(1000);
  await there.produce([BATCH]);
  await clock.advance(199);
  expect(invokedAtMs).toEqual([]);
  await clock.advance(1);
  expect(invokedAtMs).toEqual([1200]);
  await here.produce([BATCH]);
  await clock.advance(0);
  expect(invokedAtMs).toEqual([1200, 1200]);
  stop.abort();
  await running;
  expect(await there.committedOffset("g", "t", 0)).toBe(4);
});

test("everything is there after closing and opening again", async () => {
  const file = newFile();
  const database = openDatabase(file);
  const first = new SqliteBroker(database);
  await first.ensureTopics([TOPIC]);
  await first.produceExactlyOnce([BATCH], { transactionalId: "x", sequenceNumber: 1 });
  await first.commitOffset("g", "t", 0, 2);
  await first.close();
  database.close();
  const second = new SqliteBroker(openDatabase(file));
  await second.produceExactlyOnce([BATCH], { transactionalId: "x", sequenceNumber: 1 });
  expect(await second.offsets("t")).toEqual([
    { low: 0, high: 2 },
    { low: 0, high: 0 },
  ]);
  expect(await second.committedOffset("g", "t", 0)).toBe(2);
});

test("a call is written whole or not at all", async () => {
  const database = openDatabase(newFile());
  const broker = new SqliteBroker(database);
  await broker.ensureTopics([TOPIC]);
  database.exec(
    "CREATE TRIGGER refuse BEFORE INSERT ON broker_batches WHEN NEW.count = 1 BEGIN SELECT raise(FAIL, 'broken pen'); END",
  );
  const produced = broker.produce([BATCH, { ...BATCH, partition: 1, records: [RECORD] }]);
  await expect(produced).rejects.toThrow("could not be read or written: broken pen");
  expect(await broker.offsets("t")).toEqual([
    { low: 0, high: 0 },
    { low: 0, high: 0 },
  ]);
});

test("a file that another process keeps locked is an error with a sentence, and works again afterwards", async () => {
  const file = newFile();
  const database = openDatabase(file, { busyTimeoutMs: 10 });
  const broker = new SqliteBroker(database);
  await broker.ensureTopics([TOPIC]);
  const other = openDatabase(file);
  other.exec("BEGIN IMMEDIATE");
  await expect(broker.produce([BATCH])).rejects.toMatchObject({
    code: "kafka",
    message: expect.stringContaining("locked by another process"),
  });
  other.exec("COMMIT");
  await broker.produce([BATCH]);
  expect((await broker.offsets("t"))[0]).toEqual({ low: 0, high: 2 });
});

test("a full disk is an error with a sentence", async () => {
  const database = openDatabase(newFile());
  const broker = new SqliteBroker(database);
  await broker.ensureTopics([TOPIC]);
  database.exec("PRAGMA max_page_count = 40");
  const large = { ...RECORD, value: new Uint8Array(300_000) };
  await expect(broker.produce([{ ...BATCH, records: [large] }])).rejects.toMatchObject({
    code: "kafka",
    message: expect.stringContaining("is full. Free some space"),
  });
  await broker.produce([BATCH]);
  expect((await broker.offsets("t"))[0]).toEqual({ low: 0, high: 2 });
});

test("records that retention took are missing input, not an empty answer", async () => {
  const broker = new SqliteBroker(openDatabase(newFile()));
  await broker.ensureTopics([TOPIC]);
  for (let i = 0; i < 3; i += 1) await broker.produce([BATCH]);
  await broker.deleteRecords("t", 0, 3);
  expect((await broker.offsets("t"))[0]).toEqual({ low: 3, high: 6 });
  await expect(broker.fetch("t", 0, 2, PLENTY)).rejects.toThrow("has no offset 2; the first is 3");
  expect([...(await broker.fetch("t", 0, 3, PLENTY)).records.offsets]).toEqual([3, 4, 5]);
});
