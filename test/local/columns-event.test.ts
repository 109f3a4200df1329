/** A batch as columns says what its text says. */

import { Buffer } from "node:buffer";
import { expect, test } from "vitest";
import type { Slice } from "../../lib/local/batching.ts";
import { columnsEventOf } from "../../lib/local/event-columns.ts";
import { writeEvent } from "../../lib/local/event-json.ts";
import { EventSourceMapping } from "../../lib/local/event-source-mapping.ts";
import { MemoryBroker } from "../../lib/local/memory-broker.ts";
import type { OutgoingRecord } from "../../lib/wire/outgoing-record.ts";
import { type PartitionInput, readEvent } from "../../lib/wire/read-event.ts";
import { decodeRecords, encodeRecords } from "../../lib/wire/record-batch.ts";
import { headersAt, keyBytesAt, valueBytesAt } from "../../lib/wire/record-columns.ts";

const ORIGIN = { eventSource: "aws:kafka", bootstrapServers: "localhost:9092", topic: "orders" } as const;

function record(i: number, more: Partial<OutgoingRecord> = {}): OutgoingRecord {
  return {
    key: Buffer.from(`key-${i}`),
    value: Buffer.from(`value-${i}`),
    timestampMs: 1_000 + i,
    headers: [],
    ...more,
  };
}

function slice(
  partition: number,
  baseOffset: number,
  records: readonly OutgoingRecord[],
  from = 0,
  to = records.length,
): Slice {
  const columns = decodeRecords(encodeRecords(records), baseOffset);
  return { partition, columns, from, to, nextOffset: baseOffset + to };
}

function toPlain(inputs: readonly PartitionInput[]) {
  const bytesOf = (bytes: Uint8Array | null) => (bytes === null ? null : Buffer.from(bytes).toString("hex"));
  return inputs.map(({ topic, partition, records }) => ({
    topic,
    partition,
    records: Array.from({ length: records.count }, (_, i) => ({
      offset: records.offsets[i],
      timestampMs: records.timestampsMs[i],
      key: bytesOf(keyBytesAt(records, i)),
      value: bytesOf(valueBytesAt(records, i)),
      headers: headersAt(records, i).map(([name, value]) => [name, bytesOf(value)]),
    })),
  }));
}

const header: OutgoingRecord["headers"] = [["id", Buffer.from([0, 200, 7])]];
const records = [
  record(0),
  record(1, { key: null }),
  record(2, { value: null, headers: header }),
  record(3),
  record(4),
];
const nulls = [record(5, { key: null, value: null }), record(6, { key: null, value: null })];

const cases: Readonly<Record<string, readonly Slice[]>> = {
  "one piece": [slice(0, 10, records)],
  "a part of a piece": [slice(0, 10, records, 1, 4)],
  "pieces of one partition, with and without headers": [slice(0, 10, records, 2), slice(0, 15, [record(5), record(6)])],
  "pieces of nothing but nulls, before and behind others": [
    slice(0, 3, nulls),
    slice(0, 10, records),
    slice(0, 20, nulls),
  ],
  "several partitions": [slice(2, 7, records, 0, 2), slice(0, 10, records), slice(0, 15, records, 3)],
};

for (const [name, slices] of Object.entries(cases))
  test(`columns and text of a batch say the same: ${name}`, () => {
    const read = toPlain(readEvent(columnsEventOf("orders", slices)));
    expect(read).toEqual(toPlain(readEvent(writeEvent(ORIGIN, slices))));
  });

test("who takes columns gets each batch as columns, the same again where it failed", async () => {
  const broker = new MemoryBroker();
  await broker.ensureTopics([{ name: "orders", partitions: 2, compacted: false, retentionMs: undefined }]);
  for (const partition of [0, 1]) await broker.produce([{ topic: "orders", partition, records }]);
  const given: ReturnType<typeof toPlain>[] = [];
  const stopping = new AbortController();
  const mapping = new EventSourceMapping({
    broker,
    topic: "orders",
    consumerGroup: "readers",
    batchSize: 4,
    batchWindowMs: 0,
    concurrencyMax: 1,
    backoffFirstMs: 1,
    function: {
      name: "reader",
      acceptsColumns: true,
      handler: (event: Parameters<typeof readEvent>[0]) => {
        given.push(toPlain(readEvent(event)));
        if (given.length === 1) throw new Error("not yet");
      },
    },
  });
  const running = mapping.run(stopping.signal);
  while (!(await mapping.isCaughtUp())) await new Promise((resolve) => setTimeout(resolve, 1));
  stopping.abort();
  await running;
  expect(given[1]).toEqual(given[0]);
  const offsets = given
    .slice(1)
    .flat()
    .map(({ partition, records: own }) => own.map(({ offset }) => `${partition}-${offset}`));
  expect(offsets.flat().sort()).toEqual([0, 1].flatMap((partition) => [0, 1, 2, 3, 4].map((i) => `${partition}-${i}`)));
});
