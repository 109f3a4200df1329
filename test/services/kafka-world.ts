/** A real Kafka, topics of one's own on it, and everything that was written, as a reader sees it: what the tests of the Kafka broker stand on. */

import { randomUUID } from "node:crypto";
import { Kafka, logLevel } from "kafkajs";
import type { Broker, OutgoingRecord } from "../../lib/kafka/broker.ts";
import { headersAt, keyBytesAt, valueBytesAt } from "../../lib/wire/record-columns.ts";

export const PLENTY = { bytesMax: 10_000_000, recordsMax: 10_000 };

export type Read = { readonly offset: number; readonly value: string };

/** A topic of a new name. */
export async function newTopic(broker: Broker, partitions = 1): Promise<string> {
  const name = `topic-${randomUUID()}`;
  await broker.ensureTopics([{ name, partitions, compacted: false, retentionMs: undefined }]);
  return name;
}

export function record(value: string | Uint8Array, changed: Partial<OutgoingRecord> = {}): OutgoingRecord {
  const bytes = typeof value === "string" ? new Uint8Array(Buffer.from(value)) : value;
  return { key: null, value: bytes, timestampMs: 1_700_000_000_000, headers: [], ...changed };
}

/** One record for one partition. */
export function batch(topic: string, partition: number, ...values: string[]) {
  return { topic, partition, records: values.map((value) => record(value)) };
}

/** All records from an offset on, however many fetches it takes, and where they end. */
export async function readAll(broker: Broker, topic: string, partition = 0, from = 0) {
  const records: Read[] = [];
  for (let offset = from; ; ) {
    const { records: columns, nextOffset } = await broker.fetch(topic, partition, offset, PLENTY);
    for (let i = 0; i < columns.count; i += 1)
      records.push({
        offset: columns.offsets[i] as number,
        value: Buffer.from(valueBytesAt(columns, i) ?? []).toString(),
      });
    if (nextOffset === offset) return { records, nextOffset };
    offset = nextOffset;
  }
}

export async function valuesOf(broker: Broker, topic: string, partition = 0): Promise<string[]> {
  return (await readAll(broker, topic, partition)).records.map(({ value }) => value);
}

/** Records with all they have. */
export async function readRecords(broker: Broker, topic: string, partition = 0): Promise<OutgoingRecord[]> {
  const plain = (bytes: Uint8Array | null) => bytes && new Uint8Array(bytes);
  const all: OutgoingRecord[] = [];
  for (let offset = 0; ; ) {
    const { records, nextOffset } = await broker.fetch(topic, partition, offset, PLENTY);
    for (let i = 0; i < records.count; i += 1)
      all.push({
        key: plain(keyBytesAt(records, i)),
        value: plain(valueBytesAt(records, i)),
        timestampMs: records.timestampsMs[i] as number,
        headers: headersAt(records, i).map(([name, value]) => [name, new Uint8Array(value)] as const),
      });
    if (nextOffset === offset) return all;
    offset = nextOffset;
  }
}

/** Somebody else's client. */
export function strangerAt(bootstrap: string): Kafka {
  return new Kafka({ brokers: [bootstrap], logLevel: logLevel.NOTHING, connectionTimeout: 5_000 });
}

/** What a read_committed consumer of somebody else's client gets of a topic, per partition. */
export async function consumeAll(bootstrap: string, topic: string, count: number): Promise<Map<number, string[]>> {
  const consumer = strangerAt(bootstrap).consumer({ groupId: `reader-${randomUUID()}` });
  const found = new Map<number, string[]>();
  let left = count;
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await new Promise<void>((resolve, reject) => {
    consumer
      .run({
        eachMessage: async ({ partition, message }) => {
          found.set(partition, [...(found.get(partition) ?? []), String(message.value)]);
          if (--left === 0) resolve();
        },
      })
      .catch(reject);
  });
  // Whoever is one too many comes within a moment.
  await new Promise((resolve) => setTimeout(resolve, 300));
  await consumer.disconnect();
  return found;
}
