/** Reading a topic goes on where it stopped, whatever kept it from the end. */

import { MemoryBroker } from "millrace";
import { expect, test } from "vitest";
import { readRecords } from "../../lib/cli/read-records.ts";
import type { Broker } from "../../lib/kafka/broker.ts";

/** A topic of two partitions, of which the first holds a transaction open from an offset on: it counts as there, and cannot be read. */
async function newBroker(openFrom: () => number): Promise<Broker> {
  const broker = new MemoryBroker();
  await broker.ensureTopics([{ name: "orders", partitions: 2, compacted: false, retentionMs: undefined }]);
  for (const partition of [0, 1]) {
    for (const n of [0, 1, 2]) {
      const record = { key: null, value: Buffer.from(`${n}`), timestampMs: n, headers: [] };
      await broker.produce([{ topic: "orders", partition, records: [record] }]);
    }
  }
  return new Proxy(broker, {
    get(target, name) {
      const member = Reflect.get(target, name, target);
      if (name !== "fetch") return typeof member === "function" ? member.bind(target) : member;
      const fetch: Broker["fetch"] = async (topic, partition, offset, limits) => {
        const found = await target.fetch(topic, partition, offset, { ...limits, recordsMax: 1 });
        const isOpen = partition === 0 && offset >= openFrom();
        return isOpen ? { records: { ...found.records, count: 0 }, nextOffset: offset } : found;
      };
      return fetch;
    },
  });
}

test("what lies in an open transaction is not passed, and read when it is committed", async () => {
  let openFrom = 1;
  const broker = await newBroker(() => openFrom);
  const positions = [0, 0];
  const read = async () => {
    const seen: string[] = [];
    for await (const { partition, offset } of readRecords(broker, "orders", positions, [3, 3]))
      seen.push(`${partition}-${offset}`);
    return seen;
  };
  expect(await read()).toEqual(["0-0", "1-0", "1-1", "1-2"]);
  expect(positions).toEqual([1, 3]);
  expect(await read()).toEqual([]);
  openFrom = 3;
  expect(await read()).toEqual(["0-1", "0-2"]);
  expect(positions).toEqual([3, 3]);
});

test("who stops in the middle goes on behind the last record that was taken", async () => {
  const broker = await newBroker(() => 3);
  const positions = [0, 0];
  const seen: string[] = [];
  const take = async (count: number) => {
    for await (const { partition, offset } of readRecords(broker, "orders", positions, [3, 2])) {
      if (count-- === 0) return;
      seen.push(`${partition}-${offset}`);
    }
  };
  await take(2);
  await take(10);
  expect(seen).toEqual(["0-0", "1-0", "0-1", "1-1", "0-2"]);
  expect(positions).toEqual([3, 2]);
});
