/**
 * Writes the input with a plain producer, never far ahead of who reads it. When a send fails, the topic says how much of it is there: a
 * partition's record at an offset is always the same one, so that writing goes on exactly there, without a gap and without a repeat.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { type Admin, type Kafka, Partitioners, type Producer } from "kafkajs";
import { countIn, INPUT_TOPIC, numberAt, PARTITIONS, valueAt } from "./input.ts";

/** Of all partitions together, in one request. */
const BATCH_RECORDS = 1_000;
/** So far ahead of the operators: they always have something to do, and while they do nothing the plan waits for them. */
const AHEAD_RECORDS_MAX = 8_000;
/** In a small run less, or all of it would be written before the first blows have fallen. */
const AHEAD_SHARE = 1 / 20;
const AHEAD_POLL_MS = 20;
const RETRY_MS = 200;
const DISCONNECT_MS_MAX = 2_000;

export type InputWriterOptions = {
  readonly kafka: Kafka;
  readonly seed: number;
  readonly records: number;
  /** How many records the operators have behind them. */
  readonly done: () => number;
  /** How many records there may be for the time being. */
  readonly writeUpTo: () => number;
  readonly signal: AbortSignal;
};

export class InputWriter {
  readonly #options: InputWriterOptions;
  /** Per partition, what Kafka has acknowledged. */
  #written: readonly number[] = new Array<number>(PARTITIONS).fill(0);

  constructor(options: InputWriterOptions) {
    this.#options = options;
  }

  /** How many visits are written. */
  get written(): number {
    const { records } = this.#options;
    return this.#written.reduce((sum, count, partition) => sum + Math.min(count, countIn(partition, records)), 0);
  }

  /** Writes all visits, and in each partition a last record that ends time. */
  async run(): Promise<void> {
    const { signal } = this.#options;
    while (!this.#isComplete()) {
      signal.throwIfAborted();
      try {
        await this.#writeOn();
      } catch {
        signal.throwIfAborted();
        await sleep(RETRY_MS);
      }
    }
  }

  #isComplete(): boolean {
    return this.#written.every((count, partition) => count === this.#lengthOf(partition));
  }

  /** The last record included. */
  #lengthOf(partition: number): number {
    return countIn(partition, this.#options.records) + 1;
  }

  /** Finds out what is there and writes the rest; throws when anything fails. */
  async #writeOn(): Promise<void> {
    const { kafka, signal, records } = this.#options;
    const admin = kafka.admin();
    const producer = kafka.producer({
      createPartitioner: Partitioners.DefaultPartitioner,
      maxInFlightRequests: 1,
      // A repeat would write what may be there already.
      retry: { retries: 0 },
    });
    try {
      await admin.connect();
      this.#written = await countWritten(admin);
      await producer.connect();
      while (!this.#isComplete()) {
        while (this.written < records && this.#isAhead()) await sleep(AHEAD_POLL_MS, undefined, { signal });
        signal.throwIfAborted();
        await this.#writeBatch(producer);
      }
    } finally {
      await disconnect(producer);
      await disconnect(admin);
    }
  }

  #isAhead(): boolean {
    const { done, writeUpTo, records } = this.#options;
    const aheadMax = Math.min(AHEAD_RECORDS_MAX, records * AHEAD_SHARE);
    return this.written >= writeUpTo() || this.written > done() + aheadMax;
  }

  async #writeBatch(producer: Producer): Promise<void> {
    const { seed, records } = this.#options;
    // In step, so that no partition's time runs ahead of another's.
    const end = this.written + BATCH_RECORDS;
    const next = this.#written.map((count, partition) =>
      numberAt(partition, count) < records
        ? Math.max(count, countIn(partition, Math.min(end, records)))
        : this.#lengthOf(partition),
    );
    const messages = next.flatMap((to, partition) =>
      Array.from({ length: to - (this.#written[partition] as number) }, (_, i) => ({
        partition,
        value: valueAt(seed, records, partition, (this.#written[partition] as number) + i),
      })),
    );
    await producer.send({ topic: INPUT_TOPIC, acks: -1, messages });
    this.#written = next;
  }
}

async function countWritten(admin: Admin): Promise<readonly number[]> {
  const offsets = await admin.fetchTopicOffsets(INPUT_TOPIC);
  return offsets.toSorted((a, b) => a.partition - b.partition).map(({ high }) => Number(high));
}

/** A client of a dead server may never end. */
async function disconnect(client: { disconnect(): Promise<void> }): Promise<void> {
  await Promise.race([client.disconnect().catch(() => {}), sleep(DISCONNECT_MS_MAX, undefined, { ref: false })]);
}
