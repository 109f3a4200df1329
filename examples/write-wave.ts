/** Writes the records of a wave to their topics. */

import type { Broker, OutgoingRecord } from "../lib/kafka/broker.ts";
import { kafkaPartitionOf } from "../lib/state/murmur2.ts";
import type { Wave } from "./example.ts";

/** Written at once. */
const BATCH_RECORDS = 2_000;

export async function writeWave(broker: Broker, { records }: Wave, signal: AbortSignal): Promise<void> {
  const partitions = new Map<string, number>();
  for (const { topicName } of new Set(records.map(({ topic }) => topic)))
    partitions.set(topicName, (await broker.offsets(topicName)).length);
  for (let from = 0; from < records.length; from += BATCH_RECORDS) {
    signal.throwIfAborted();
    const batches = new Map<string, { topic: string; partition: number; records: OutgoingRecord[] }>();
    for (const { topic, key, value, timestampMs, by } of records.slice(from, from + BATCH_RECORDS)) {
      const { topicName } = topic;
      const partition = kafkaPartitionOf(by, partitions.get(topicName) as number);
      const name = `${topicName} ${partition}`;
      let batch = batches.get(name);
      if (batch === undefined) batches.set(name, (batch = { topic: topicName, partition, records: [] }));
      batch.records.push({ key, value, timestampMs, headers: [] });
    }
    await broker.produce([...batches.values()]);
  }
}
