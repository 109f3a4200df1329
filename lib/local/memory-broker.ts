/** The broker in memory, for tests and for the test driver: it keeps encoded batches, as the one on disk does. */

import type { Broker, ExactlyOnce, OffsetRange, TopicInfo, TopicSpec } from "../kafka/broker.ts";
import {
  checkBatches,
  checkOffset,
  checkPartition,
  checkSequenceNumber,
  partitionMismatch,
} from "../kafka/broker-checks.ts";
import type { OutgoingBatch } from "../wire/outgoing-record.ts";
import { encodeRecords, type StoredBatch } from "../wire/record-batch.ts";
import { type AppendNotices, cutFetch, type FetchLimits, isEnough, RECORD_BYTES_MAX_DEFAULT } from "./broker-rules.ts";

type Partition = { low: number; high: number; readonly batches: (StoredBatch & { readonly endOffset: number })[] };

/** How a broker in memory differs from the default. */
export type MemoryBrokerOptions = {
  readonly recordBytesMax?: number;
  /** Leave an offset without a record behind each transaction, as Kafka's markers do. */
  readonly controlMarkers?: boolean;
};

/** A broker whose topics are gone with the process. Create topics with `ensureTopics`; whatever is written is kept until `deleteRecords`. */
export class MemoryBroker implements Broker, AppendNotices {
  readonly recordBytesMax: number;
  readonly #markers: boolean;
  readonly #topics = new Map<string, Partition[]>();
  readonly #offsets = new Map<string, number>();
  readonly #sequenceNumbers = new Map<string, number>();
  readonly #listeners = new Set<(topic: string, partition: number) => void>();

  constructor(options: MemoryBrokerOptions = {}) {
    this.recordBytesMax = options.recordBytesMax ?? RECORD_BYTES_MAX_DEFAULT;
    this.#markers = options.controlMarkers ?? false;
  }

  async produce(batches: readonly OutgoingBatch[]): Promise<readonly number[]> {
    return this.#write(batches, false);
  }

  async prepareExactlyOnce(): Promise<void> {}

  async produceExactlyOnce(batches: readonly OutgoingBatch[], once: ExactlyOnce): Promise<void> {
    const last = this.#sequenceNumbers.get(once.transactionalId);
    checkSequenceNumber(last, once);
    if (last !== undefined && last >= once.sequenceNumber) return;
    this.#write(batches, this.#markers);
    this.#sequenceNumbers.set(once.transactionalId, once.sequenceNumber);
  }

  async fetch(topic: string, partition: number, offset: number, limits: FetchLimits) {
    const { low, high, batches } = this.#partition(topic, partition);
    checkOffset(topic, partition, offset, low, high);
    const taken: StoredBatch[] = [];
    let index = firstAfter(batches, offset);
    for (; index < batches.length; index += 1) {
      const batch = batches[index] as StoredBatch & { endOffset: number };
      taken.push(batch);
      if (isEnough(taken, batch.endOffset, offset, limits)) break;
    }
    return cutFetch(taken, offset, limits, batches[index + 1]?.baseOffset ?? high);
  }

  async offsets(topic: string): Promise<readonly OffsetRange[]> {
    checkPartition(topic, 0, this.#topics.get(topic)?.length);
    return (this.#topics.get(topic) as Partition[]).map(({ low, high }) => ({ low, high }));
  }

  async offsetRange(topic: string, partition: number): Promise<OffsetRange | undefined> {
    checkPartition(topic, 0, this.#topics.get(topic)?.length);
    const found = this.#topics.get(topic)?.[partition];
    return found && { low: found.low, high: found.high };
  }

  async topics(): Promise<readonly TopicInfo[]> {
    return [...this.#topics].map(([name, partitions]) => ({ name, partitions: partitions.length }));
  }

  async ensureTopics(topics: readonly TopicSpec[]): Promise<void> {
    for (const { name, partitions } of topics) {
      const has = this.#topics.get(name)?.length;
      if (has !== undefined && has !== partitions) throw partitionMismatch(name, has, partitions);
    }
    for (const { name, partitions } of topics) {
      if (!this.#topics.has(name)) {
        this.#topics.set(
          name,
          Array.from({ length: partitions }, () => ({ low: 0, high: 0, batches: [] })),
        );
      }
    }
  }

  async committedOffset(group: string, topic: string, partition: number): Promise<number | undefined> {
    return this.#offsets.get(offsetKey(group, topic, partition));
  }

  async commitOffset(group: string, topic: string, partition: number, offset: number): Promise<void> {
    this.#partition(topic, partition);
    this.#offsets.set(offsetKey(group, topic, partition), offset);
  }

  /** Drops the records before an offset, as retention does. */
  async deleteRecords(topic: string, partition: number, before: number): Promise<void> {
    const at = this.#partition(topic, partition);
    at.low = Math.min(at.high, Math.max(at.low, before));
    at.batches.splice(0, firstAfter(at.batches, at.low));
  }

  onAppend(listener: (topic: string, partition: number) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  foreignVersion(): number {
    return 0;
  }

  async close(): Promise<void> {}

  #partition(topic: string, partition: number): Partition {
    const partitions = this.#topics.get(topic);
    checkPartition(topic, partition, partitions?.length);
    return (partitions as Partition[])[partition] as Partition;
  }

  #write(batches: readonly OutgoingBatch[], marker: boolean): number[] {
    checkBatches(batches, this.recordBytesMax, (topic) => this.#topics.get(topic)?.length);
    const encoded = batches.map(({ records }) => encodeRecords(records));
    const touched = new Set<Partition>();
    const offsets = batches.map(({ topic, partition, records }, i) => {
      const at = this.#partition(topic, partition);
      if (records.length === 0) return -1;
      const baseOffset = at.high;
      at.high += records.length;
      at.batches.push({ baseOffset, endOffset: at.high, bytes: encoded[i] as Uint8Array });
      touched.add(at);
      return baseOffset;
    });
    if (marker) for (const at of touched) at.high += 1;
    for (const { topic, partition, records } of batches) {
      if (records.length > 0) for (const listener of this.#listeners) listener(topic, partition);
    }
    return offsets;
  }
}

/** The index of the first batch that ends after `offset`. */
function firstAfter(batches: readonly { readonly endOffset: number }[], offset: number): number {
  let low = 0;
  let high = batches.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((batches[middle] as { endOffset: number }).endOffset > offset) high = middle;
    else low = middle + 1;
  }
  return low;
}

function offsetKey(group: string, topic: string, partition: number): string {
  return JSON.stringify([group, topic, partition]);
}
