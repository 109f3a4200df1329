/**
 * Lambda's Kafka event source mapping, emulated: reads a topic, gathers batches, invokes a function with the event that Lambda would send, and
 * commits the group's offsets. Usable by itself, with any handler and any broker behind the port.
 *
 * 1. A partition has at most one batch in flight, and its records are delivered in order.
 * 2. A position moves only over records that an invocation succeeded on, or that were handed over as given up: at least once.
 * 3. Partitions that are free form one batch together; those in flight or being retried hold up nobody else.
 */

import { Buffer } from "node:buffer";
import { MillraceError } from "../stream/error.ts";
import type { RecordColumns } from "../wire/record-columns.ts";
import { type BatchLimits, dueAtMs, positionsAfter, type Slice, takeBatch } from "./batching.ts";
import { type Clock, systemClock } from "./clock.ts";
import { type DeliveryWorld, deliver, type MappingCounters } from "./delivery.ts";
import { eventJsonBytes, PARTITION_JSON_BYTES, recordJsonBytes } from "./event-json.ts";
import { toFailureBatches } from "./failure-batches.ts";
import {
  BACKOFF_FIRST_MS_DEFAULT,
  BACKOFF_MAX_MS_DEFAULT,
  BATCH_SIZE_DEFAULT,
  BATCH_WINDOW_MS_DEFAULT,
  checkOptions,
  type Discarded,
  type EventSourceMappingOptions,
  originOf,
  PAYLOAD_BYTES_MAX,
  retryPolicyOf,
  STOP_TIMEOUT_MS_DEFAULT,
} from "./mapping-options.ts";
import { type Delivery, PartitionBuffer } from "./partition-buffer.ts";
import { Polling } from "./polling.ts";
import { findStarts } from "./starting-offset.ts";

/** Small batches are cut from larger reads. */
const FETCH_RECORDS_MIN = 1000;
/** What came with a batch's worth of bytes is kept for the next one, up to so many batches. */
const FETCH_BATCHES_MAX = 2;
/** What of an event's JSON may be keys and values at the most, base64 being what it is. */
const FETCH_SHARE_OF_PAYLOAD = 0.75;

/** A reason of our own: without one, an abort makes an exception with a stack for nobody. */
const WOKEN = "woken";

/** Where a partition stands. */
export type PartitionPosition = {
  readonly partition: number;
  /** Everything below is done. */
  readonly position: number;
  readonly isInFlight: boolean;
};

/** Lambda's Kafka event source mapping of one function and one topic, in this process. Make one, then `run` it until a signal aborts. */
export class EventSourceMapping {
  /** Counted since this object was made. */
  readonly counters: Readonly<MappingCounters>;
  readonly #options: EventSourceMappingOptions;
  readonly #broker: EventSourceMappingOptions["broker"];
  readonly #clock: Clock;
  readonly #limits: BatchLimits;
  readonly #topicBytes: number;
  readonly #world: DeliveryWorld;
  #partitions: PartitionBuffer[] = [];
  readonly #inFlight = new Set<Delivery>();
  /** An error that is nobody's but ours, or the observer's. */
  #broken: { readonly error: unknown } | undefined;
  /** Where the next batch begins to look, so that no partition waits for another for long. */
  #nextPartition = 0;
  #state: "new" | "running" | "stopped" = "new";
  #wasWoken = false;
  #sleeping: AbortController | undefined;
  readonly #polling: Polling;
  #foreignVersion: number | undefined;

  /** Throws "usage" for options that Lambda would refuse. */
  constructor(options: EventSourceMappingOptions) {
    checkOptions(options);
    this.#polling = new Polling(options.pollIntervalMs);
    const origin = originOf(options);
    const counters = {
      invocations: 0,
      records: 0,
      retries: 0,
      failures: 0,
      timeouts: 0,
      zombies: 0,
      duplicates: 0,
      discarded: 0,
      resets: 0,
    };
    const recordAgeSeconds = options.maximumRecordAgeSeconds ?? -1;
    this.counters = counters;
    this.#options = options;
    this.#broker = options.broker;
    this.#clock = options.clock ?? systemClock;
    this.#topicBytes = Buffer.byteLength(options.topic);
    this.#limits = {
      recordsMax: options.batchSize ?? BATCH_SIZE_DEFAULT,
      // At least one record goes into an event, whatever its size.
      jsonBytesMax: Math.max(1, (options.payloadBytesMax ?? PAYLOAD_BYTES_MAX) - eventJsonBytes(origin)),
      windowMs: options.batchWindowMs ?? BATCH_WINDOW_MS_DEFAULT,
    };
    this.#world = {
      origin,
      counters,
      target: options.function,
      clock: this.#clock,
      policy: retryPolicyOf(options),
      recordAgeMaxMs: recordAgeSeconds < 0 ? Number.POSITIVE_INFINITY : recordAgeSeconds * 1000,
      faults: options.faults,
      newRequestId: options.newRequestId,
      observe: (notice) => options.observe?.(notice),
      advance: (positions) => this.#advance(positions),
      hand: (discarded, slices) => this.#hand(discarded, slices),
    };
  }

  /**
   * Polls and invokes until the signal aborts, then waits a bounded time for invocations under way. What is not done by then stays undone: nothing of
   * it is committed afterwards. A broker that fails is asked again. To be called once.
   */
  async run(signal: AbortSignal): Promise<void> {
    if (this.#state !== "new")
      throw new MillraceError(
        "usage",
        `The event source mapping of "${this.#options.topic}" was started before; make a new one.`,
      );
    this.#state = "running";
    const stop = () => {
      for (const { abort } of this.#inFlight) abort.abort();
      this.#wake();
    };
    signal.addEventListener("abort", stop);
    const stopListening = this.#broker.onAppend?.((topic, partition) => {
      if (topic !== this.#options.topic) return;
      const buffer = this.#partitions[partition];
      if (buffer !== undefined) buffer.mayHaveMore = true;
      this.#wake();
    });
    try {
      await this.#open(signal);
      while (!signal.aborted) {
        if (this.#broken !== undefined) throw this.#broken.error;
        this.#wasWoken = false;
        this.#poll();
        await this.#fill(signal);
        const dueMs = this.#hasSlot() ? dueAtMs(this.#free(), this.#limits) : undefined;
        if (dueMs !== undefined && dueMs <= this.#clock.now()) this.#start();
        else await this.#wait(dueMs ?? Number.POSITIVE_INFINITY);
      }
      await this.#finish();
    } finally {
      this.#state = "stopped";
      signal.removeEventListener("abort", stop);
      stopListening?.();
    }
  }

  /** Where each partition stands; empty before the mapping has started. */
  positions(): readonly PartitionPosition[] {
    return this.#partitions.map(({ partition, position, delivery }) => ({
      partition,
      position,
      isInFlight: delivery !== undefined,
    }));
  }

  /** Whether everything that is in the topic now is done. */
  async isCaughtUp(): Promise<boolean> {
    if (this.#partitions.length === 0) return false;
    const ranges = await this.#broker.offsets(this.#options.topic);
    return this.#partitions.every(
      ({ partition, position, delivery }) => delivery === undefined && position >= (ranges[partition]?.high ?? 0),
    );
  }

  /**
   * Goes on at another offset of a partition. A batch of it in flight is waited for and not retried; its other partitions go on where they stood.
   */
  async seek(partition: number, offset: number): Promise<void> {
    const buffer = this.#partitions[partition];
    if (buffer === undefined)
      throw new MillraceError(
        "usage",
        `The event source mapping of "${this.#options.topic}" knows no partition ${partition}; is it running?`,
      );
    buffer.seekTo = offset;
    const { delivery } = buffer;
    delivery?.abort.abort();
    await delivery?.ended;
    if (buffer.seekTo === offset) await this.#applySeek(buffer, offset);
    this.#wake();
  }

  async #applySeek(buffer: PartitionBuffer, offset: number): Promise<void> {
    buffer.seekTo = undefined;
    buffer.restartAt(offset);
    await this.#commit(buffer.partition, offset);
  }

  async #open(signal: AbortSignal): Promise<void> {
    const { topic, consumerGroup, startingPosition = "TRIM_HORIZON" } = this.#options;
    for (let failures = 0; !signal.aborted; failures += 1) {
      try {
        const starts = await findStarts(this.#broker, topic, consumerGroup, startingPosition);
        this.#partitions = starts.map((offset, partition) => new PartitionBuffer(partition, offset));
        return;
      } catch (error) {
        await this.#clock.sleep(this.#brokerFailed(error, failures), signal);
      }
    }
  }

  /** Asks every so often who cannot say by himself that there is more. */
  #poll(): void {
    const nowMs = this.#clock.now();
    if (nowMs < this.#polling.nextMs) return;
    this.#polling.asked(nowMs);
    try {
      const version = this.#broker.foreignVersion?.();
      if (version !== undefined && version === this.#foreignVersion) return;
      this.#foreignVersion = version;
    } catch (error) {
      this.#world.observe({ kind: "broker-failed", error });
    }
    for (const buffer of this.#partitions) buffer.mayHaveMore = true;
  }

  async #fill(signal: AbortSignal): Promise<void> {
    await Promise.all(
      this.#partitions.map(async (buffer) => {
        while (!signal.aborted && this.#wants(buffer)) await this.#fetch(buffer);
      }),
    );
  }

  #wants(buffer: PartitionBuffer): boolean {
    return (
      buffer.delivery === undefined &&
      buffer.seekTo === undefined &&
      buffer.mayHaveMore &&
      buffer.records < this.#limits.recordsMax &&
      buffer.jsonBytes < this.#limits.jsonBytesMax &&
      buffer.notBeforeMs <= this.#clock.now()
    );
  }

  async #fetch(buffer: PartitionBuffer): Promise<void> {
    const { topic } = this.#options;
    const { partition, fetchOffset, epoch } = buffer;
    const recordsWanted = Math.max(FETCH_RECORDS_MIN, this.#limits.recordsMax);
    // Before the question: what is appended while the answer is on its way may not be in it.
    buffer.mayHaveMore = false;
    try {
      const { records, nextOffset } = await this.#broker.fetch(topic, partition, fetchOffset, {
        recordsMax: FETCH_BATCHES_MAX * recordsWanted,
        bytesMax: buffer.fetchBytes(recordsWanted, this.#limits.jsonBytesMax * FETCH_SHARE_OF_PAYLOAD),
      });
      if (buffer.epoch !== epoch) return;
      buffer.failures = 0;
      if (nextOffset > fetchOffset) {
        buffer.mayHaveMore = true;
        this.#polling.found();
      }
      buffer.add(records, nextOffset, (row) => recordJsonBytes(records, row, this.#topicBytes), this.#clock.now());
    } catch (error) {
      if (buffer.epoch !== epoch) return;
      const isMissing = error instanceof MillraceError && error.code === "input-missing";
      const backoffMs = this.#brokerFailed(error, buffer.failures);
      if (!isMissing || buffer.failures > 0) buffer.notBeforeMs = this.#clock.now() + backoffMs;
      buffer.failures += 1;
      buffer.mayHaveMore = true;
      if (isMissing) await this.#reset(buffer);
    }
  }

  /** The offset is gone, or was never there: reads on as a Kafka consumer's `auto.offset.reset` does, at the end or at the first record. */
  async #reset(buffer: PartitionBuffer): Promise<void> {
    const { topic, startingPosition } = this.#options;
    const { fetchOffset: from, partition, epoch } = buffer;
    try {
      const range = await this.#broker.offsetRange(topic, partition);
      if (range === undefined || buffer.epoch !== epoch) return;
      const to = startingPosition === "LATEST" ? range.high : range.low;
      this.#world.counters.resets += 1;
      this.#world.observe({ kind: "reset", partition, from, to });
      buffer.continueAt(to);
    } catch (error) {
      this.#world.observe({ kind: "broker-failed", error });
    }
  }

  #free(): readonly PartitionBuffer[] {
    const ordered = [...this.#partitions.slice(this.#nextPartition), ...this.#partitions.slice(0, this.#nextPartition)];
    return ordered.filter(({ delivery, seekTo }) => delivery === undefined && seekTo === undefined);
  }

  #hasSlot(): boolean {
    return this.#inFlight.size < (this.#options.concurrencyMax ?? this.#partitions.length);
  }

  /** Takes a batch from the free partitions and starts to deliver it. */
  #start(): void {
    const jsonBytesOf = (columns: RecordColumns, row: number) => recordJsonBytes(columns, row, this.#topicBytes);
    const batch = takeBatch(this.#free(), this.#limits, jsonBytesOf, PARTITION_JSON_BYTES + this.#topicBytes);
    const ends = positionsAfter(batch);
    const buffers = this.#partitions.filter(({ partition }) => ends.has(partition));
    this.#nextPartition = ((batch.at(-1) as Slice).partition + 1) % this.#partitions.length;
    for (const buffer of buffers) buffer.remove(batch, jsonBytesOf);
    const abort = new AbortController();
    const ended = this.#deliver(batch, buffers, abort.signal).catch((error) => {
      this.#broken = { error };
      this.#wake();
    });
    const delivery = { abort, ended };
    for (const buffer of buffers) buffer.delivery = delivery;
    this.#inFlight.add(delivery);
    void ended.then(() => this.#inFlight.delete(delivery));
  }

  async #deliver(batch: readonly Slice[], buffers: readonly PartitionBuffer[], signal: AbortSignal): Promise<void> {
    // Whoever started this has still to note that it is under way.
    await undefined;
    const isDone = await deliver(batch, this.#world, signal);
    for (const buffer of buffers) {
      buffer.delivery = undefined;
      if (!isDone) buffer.restartAt(buffer.position);
    }
    this.#wake();
  }

  async #advance(positions: ReadonlyMap<number, number>): Promise<void> {
    await Promise.all(
      [...positions].map(async ([partition, offset]) => {
        const buffer = this.#partitions[partition];
        if (this.#state === "stopped" || buffer === undefined || buffer.seekTo !== undefined) return;
        buffer.position = offset;
        await this.#commit(partition, offset);
      }),
    );
  }

  /** A commit that failed is made good by the next; until then a restart would deliver again, which is what "at least once" allows. */
  async #commit(partition: number, offset: number): Promise<void> {
    try {
      await this.#broker.commitOffset(this.#options.consumerGroup, this.#options.topic, partition, offset);
    } catch (error) {
      this.#world.observe({ kind: "broker-failed", error });
    }
  }

  async #hand(discarded: Discarded, slices: readonly Slice[]): Promise<void> {
    const { onFailure } = this.#options;
    if (typeof onFailure === "function") return onFailure(discarded);
    if (onFailure === undefined) return;
    const { length } = await this.#broker.offsets(onFailure.topic);
    await this.#broker.produce(
      toFailureBatches(discarded, slices, {
        topic: onFailure.topic,
        partitions: length,
        recordBytesMax: this.#broker.recordBytesMax,
      }),
    );
  }

  /** Sleeps until something may have changed or it is time. */
  async #wait(dueMs: number): Promise<void> {
    const nowMs = this.#clock.now();
    let untilMs = Math.min(dueMs, this.#polling.nextMs);
    for (const { notBeforeMs } of this.#partitions) if (notBeforeMs > nowMs) untilMs = Math.min(untilMs, notBeforeMs);
    if (!this.#wasWoken) {
      const sleeping = new AbortController();
      this.#sleeping = sleeping;
      await this.#clock.sleep(Math.max(0, untilMs - nowMs), sleeping.signal);
      this.#sleeping = undefined;
    }
    // A broker and a handler that never really wait would otherwise keep timers and signals out for good; and what happens at once is seen at once.
    await this.#clock.turn();
  }

  #wake(): void {
    this.#wasWoken = true;
    this.#sleeping?.abort(WOKEN);
  }

  async #finish(): Promise<void> {
    const { stopTimeoutMs = STOP_TIMEOUT_MS_DEFAULT } = this.#options;
    const done = new AbortController();
    const ended = Promise.all([...this.#inFlight].map(({ ended }) => ended));
    await Promise.race([ended, this.#clock.sleep(stopTimeoutMs, done.signal)]);
    done.abort(WOKEN);
  }

  /** Says that the broker failed, and how long to leave it alone. */
  #brokerFailed(error: unknown, failures: number): number {
    this.#world.observe({ kind: "broker-failed", error });
    const { backoffFirstMs = BACKOFF_FIRST_MS_DEFAULT, backoffMaxMs = BACKOFF_MAX_MS_DEFAULT } = this.#options;
    return Math.min(backoffMaxMs, backoffFirstMs * 2 ** failures);
  }
}
