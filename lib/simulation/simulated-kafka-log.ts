/**
 * One partition of the simulated Kafka. Rules and their order are those of Kafka's UnifiedLog, ProducerStateManager and ProducerAppendInfo.
 *
 * 1. A batch of a producer is taken once: one of its last five is acknowledged again and not written; any other must follow on the last.
 * 2. Of a producer's epochs only the highest may write. A marker brings its epoch along, so that it fences who never wrote here.
 * 3. The first batch of a transaction is taken only when the coordinator says that this partition is in it now.
 * 4. Nothing is stable from the first record of the oldest open transaction on.
 */

import type { Buffer } from "node:buffer";
import { recordsOf, type SimulatedRecord, type StoredBatch, toMarker, toStoredBatch } from "./simulated-kafka-batch.ts";
import { CODE } from "./simulated-kafka-codes.ts";
import type { DescribedProducer, End, TransactionalPart } from "./simulated-kafka-part.ts";

const BATCHES_REMEMBERED = 5;
const SEQUENCE_MAX = 2 ** 31 - 1;
const NO_EPOCH = -1;

export type LogLimits = {
  /** Kafka's max.message.bytes: of a batch. */
  readonly batchBytesMax: number;
  readonly timestampAfterMsMax: number;
  /** A compacted topic takes no record without a key. */
  readonly isCompacted: boolean;
};

type RememberedBatch = { readonly firstSequence: number; readonly lastSequence: number; readonly baseOffset: number };

type Producer = {
  epoch: number;
  /** Of the last marker. */
  coordinatorEpoch: number;
  remembered: RememberedBatch[];
  /** The batches of the transaction that is open. */
  open: StoredBatch[] | undefined;
};

type AbortedTransaction = {
  readonly producerId: number;
  readonly firstOffset: number;
  readonly lastOffset: number;
  readonly lastStableOffset: number;
};

export type Appended = { readonly code: number; readonly batch?: StoredBatch; readonly baseOffset: number };

export type LogRead = {
  readonly code: number;
  readonly aborted: readonly AbortedTransaction[];
  /** Pieces in order; the last may end inside a batch. */
  readonly pieces: readonly Buffer[];
};

const refused = (code: number): Appended => ({ code, baseOffset: -1 });
const unread = (code: number): LogRead => ({ code, aborted: [], pieces: [] });

export class SimulatedLog implements TransactionalPart {
  limits: LogLimits;
  #batches: StoredBatch[] = [];
  #aborted: AbortedTransaction[] = [];
  #startOffset = 0;
  #endOffset = 0;
  readonly #producers = new Map<number, Producer>();
  /** First offset of each open transaction by producer; in order of offset, since they are put in as they begin. */
  readonly #open = new Map<number, number>();
  /** The lowest sequence of a producer's epoch that is waiting to be the first of its transaction. */
  readonly #verifying = new Map<number, { epoch: number; lowestSequence: number }>();

  constructor(limits: LogLimits) {
    this.limits = limits;
  }

  get startOffset(): number {
    return this.#startOffset;
  }

  get endOffset(): number {
    return this.#endOffset;
  }

  get lastStableOffset(): number {
    for (const firstOffset of this.#open.values()) return Math.max(firstOffset, this.#startOffset);
    return this.#endOffset;
  }

  /** Appends what a client sent; `verify`, where there is one, asks the coordinator about the transaction. The bytes belong to the log from now on. */
  append(bytes: Buffer, nowMs: number, verify: ((batch: StoredBatch) => number) | undefined): Appended {
    const batch = toStoredBatch(bytes, this.#endOffset);
    if (batch === undefined) return refused(CODE.INVALID_RECORD);
    const { producerId, producerEpoch, baseSequence, isTransactional } = batch;
    const producer = producerId < 0 ? undefined : this.#producers.get(producerId);
    if (isTransactional && producer?.open === undefined && verify !== undefined) {
      this.#startVerifying(batch);
      const code = verify(batch);
      if (code !== CODE.NONE) return refused(code);
    }
    const { batchBytesMax, timestampAfterMsMax, isCompacted } = this.limits;
    if (bytes.length > batchBytesMax) return refused(CODE.MESSAGE_TOO_LARGE);
    if (batch.maxTimestampMs - nowMs > timestampAfterMsMax) return refused(CODE.INVALID_TIMESTAMP);
    if (isCompacted && recordsOf(batch).some(({ key }) => key === null)) return refused(CODE.INVALID_RECORD);
    if (producerId < 0) return this.#store(batch);

    const lastSequence = sequenceAfter(baseSequence, batch.lastOffset - batch.baseOffset);
    if (producer?.epoch === producerEpoch) {
      const same = producer.remembered.find((b) => b.firstSequence === baseSequence && b.lastSequence === lastSequence);
      if (same !== undefined) return { code: CODE.NONE, baseOffset: same.baseOffset };
    }
    const code = this.#check(batch, producer);
    if (code !== CODE.NONE) return refused(code);
    if (producer?.open !== undefined && !isTransactional) return refused(CODE.INVALID_TXN_STATE);

    const writer = this.#producerAt(producerId, producerEpoch);
    writer.remembered.push({ firstSequence: baseSequence, lastSequence, baseOffset: batch.baseOffset });
    if (writer.remembered.length > BATCHES_REMEMBERED) writer.remembered.shift();
    if (isTransactional) {
      this.#verifying.delete(producerId);
      if (writer.open === undefined) this.#open.set(producerId, batch.baseOffset);
      writer.open ??= [];
      writer.open.push(batch);
    }
    return this.#store(batch);
  }

  end(end: End): number {
    const { producerId, producerEpoch, coordinatorEpoch, isCommit } = end;
    const before = this.#producers.get(producerId);
    if (producerEpoch < (before?.epoch ?? NO_EPOCH)) return CODE.INVALID_PRODUCER_EPOCH;
    if (coordinatorEpoch < (before?.coordinatorEpoch ?? NO_EPOCH)) return CODE.TRANSACTION_COORDINATOR_FENCED;
    const marker = toMarker(end, this.#endOffset);
    const producer = this.#producerAt(producerId, producerEpoch);
    producer.coordinatorEpoch = coordinatorEpoch;
    this.#verifying.delete(producerId);
    this.#store(marker);
    const { open } = producer;
    if (open === undefined) return CODE.NONE;
    const firstOffset = this.#open.get(producerId) as number;
    producer.open = undefined;
    this.#open.delete(producerId);
    if (isCommit) return CODE.NONE;
    for (const batch of open) batch.isAborted = true;
    const { lastStableOffset } = this;
    this.#aborted.push({ producerId, firstOffset, lastOffset: marker.lastOffset, lastStableOffset });
    return CODE.NONE;
  }

  producers(): DescribedProducer[] {
    return Array.from(this.#producers, ([producerId, { epoch, coordinatorEpoch, remembered }]) => ({
      producerId,
      producerEpoch: epoch,
      coordinatorEpoch,
      lastSequence: remembered.at(-1)?.lastSequence ?? -1,
      startOffset: this.#open.get(producerId) ?? -1,
    }));
  }

  /** What a read_committed fetch gets: whole batches, from the one with the offset on. */
  fetch(offset: number, bytesMax: number): LogRead {
    if (offset < this.#startOffset || offset > this.#endOffset) return unread(CODE.OFFSET_OUT_OF_RANGE);
    const { lastStableOffset } = this;
    if (offset >= lastStableOffset) return unread(CODE.NONE);
    const pieces: Buffer[] = [];
    let left = bytesMax;
    for (let i = this.#indexOf(offset); i < this.#batches.length; i += 1) {
      const { bytes, baseOffset } = this.#batches[i] as StoredBatch;
      if (baseOffset >= lastStableOffset || (left <= 0 && pieces.length > 0)) break;
      // The first comes whole, however large it is.
      pieces.push(bytes.length <= left || pieces.length === 0 ? bytes : bytes.subarray(0, left));
      left -= bytes.length;
    }
    const aborted: AbortedTransaction[] = [];
    for (const transaction of this.#aborted) {
      if (transaction.lastOffset >= offset && transaction.firstOffset < this.#endOffset) aborted.push(transaction);
      if (transaction.lastStableOffset >= this.#endOffset) break;
    }
    return { code: CODE.NONE, aborted, pieces };
  }

  /** Records from an offset on: all, or those that a reader of committed ones sees now. */
  read(from: number, isCommitted: boolean): SimulatedRecord[] {
    const found: SimulatedRecord[] = [];
    const end = isCommitted ? this.lastStableOffset : this.#endOffset;
    for (let i = this.#indexOf(from); i < this.#batches.length; i += 1) {
      const batch = this.#batches[i] as StoredBatch;
      if (batch.baseOffset >= end) break;
      if (batch.isControl || (isCommitted && batch.isAborted)) continue;
      for (const record of recordsOf(batch))
        if (record.offset >= from && record.offset >= this.#startOffset) found.push(record);
    }
    return found;
  }

  /** Deletes what stands before an offset, as retention does. */
  trim(toOffset: number): void {
    this.#startOffset = Math.max(this.#startOffset, Math.min(toOffset, this.#endOffset));
    this.#batches = this.#batches.slice(this.#indexOf(this.#startOffset));
    this.#aborted = this.#aborted.filter(({ lastOffset }) => lastOffset >= this.#startOffset);
  }

  /** Forgets what a broker keeps in memory only. */
  restart(): void {
    this.#verifying.clear();
  }

  #store(batch: StoredBatch): Appended {
    this.#batches.push(batch);
    this.#endOffset = batch.lastOffset + 1;
    return { code: CODE.NONE, batch, baseOffset: batch.baseOffset };
  }

  #producerAt(producerId: number, epoch: number): Producer {
    let producer = this.#producers.get(producerId);
    if (producer === undefined) {
      producer = { epoch, coordinatorEpoch: NO_EPOCH, remembered: [], open: undefined };
      this.#producers.set(producerId, producer);
    }
    if (producer.epoch !== epoch) {
      producer.epoch = epoch;
      producer.remembered = [];
    }
    return producer;
  }

  #startVerifying({ producerId, producerEpoch, baseSequence }: StoredBatch): void {
    const before = this.#verifying.get(producerId);
    if (before === undefined || before.epoch < producerEpoch)
      this.#verifying.set(producerId, { epoch: producerEpoch, lowestSequence: baseSequence });
    else if (before.epoch === producerEpoch && baseSequence < before.lowestSequence)
      before.lowestSequence = baseSequence;
  }

  /** Epoch and sequence. */
  #check({ producerId, producerEpoch, baseSequence }: StoredBatch, producer: Producer | undefined): number {
    const epoch = producer?.epoch ?? NO_EPOCH;
    if (producerEpoch < epoch) return CODE.INVALID_PRODUCER_EPOCH;
    const waiting = this.#verifying.get(producerId);
    if (waiting !== undefined && baseSequence > waiting.lowestSequence) return CODE.OUT_OF_ORDER_SEQUENCE_NUMBER;
    // Of a producer of which nothing is known any number is taken.
    if (producer === undefined) return CODE.NONE;
    // A new epoch begins at 0; so does one that has only had a marker here.
    const last = producerEpoch === epoch ? (producer.remembered.at(-1)?.lastSequence ?? -1) : -1;
    return baseSequence === sequenceAfter(last, 1) ? CODE.NONE : CODE.OUT_OF_ORDER_SEQUENCE_NUMBER;
  }

  /** Of the first batch that ends at the offset or behind it. */
  #indexOf(offset: number): number {
    let low = 0;
    let high = this.#batches.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#batches[middle] as StoredBatch).lastOffset < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Sequences begin at 0 again behind the largest. */
function sequenceAfter(sequence: number, count: number): number {
  const after = sequence + count;
  return after > SEQUENCE_MAX ? after - SEQUENCE_MAX - 1 : after;
}
