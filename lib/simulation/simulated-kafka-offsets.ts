/**
 * One partition of the topic in which the simulated Kafka keeps the offsets of consumer groups, as its OffsetMetadataManager does.
 *
 * 1. An offset written in a transaction counts when the end of that transaction has been applied here, which is later than the end was acknowledged.
 * 2. Who asks for stable offsets is told none while a transaction that writes it is not ended here.
 * 3. Of two offsets the one that was written later counts, even if its transaction ended earlier.
 */

import type { ProducerIdentity } from "../kafka/transaction-requests.ts";
import { CODE } from "./simulated-kafka-codes.ts";
import type { DescribedProducer, End, TransactionalPart } from "./simulated-kafka-part.ts";

export const OFFSETS_TOPIC = "__consumer_offsets";

type CommittedOffset = { readonly offset: number; readonly writtenAt: number };
/** By partition. */
type Offsets = Map<string, CommittedOffset>;
/** What an open transaction has written, by group. */
type Open = { readonly startOffset: number; readonly offsets: Map<string, Offsets> };
type Producer = { epoch: number; coordinatorEpoch: number; open: Open | undefined };

export class SimulatedOffsets implements TransactionalPart {
  readonly #groups = new Map<string, Offsets>();
  readonly #producers = new Map<number, Producer>();
  /** Those of `#producers` that have something open. */
  readonly #open = new Map<number, Open>();
  /** Counts the writes. */
  #endOffset = 0;

  /** A group's offset; undefined where it has none. */
  offset(group: string, partition: string, isStable: boolean): { readonly code: number; readonly offset?: number } {
    if (isStable)
      for (const { offsets } of this.#open.values())
        if (offsets.get(group)?.has(partition) === true) return { code: CODE.UNSTABLE_OFFSET_COMMIT };
    const committed = this.#groups.get(group)?.get(partition);
    return committed === undefined ? { code: CODE.NONE } : { code: CODE.NONE, offset: committed.offset };
  }

  commit(group: string, partition: string, offset: number): void {
    offsetsOf(this.#groups, group).set(partition, this.#written(offset));
  }

  /** Writes an offset in a transaction; `verify` asks the coordinator about it. */
  commitInTransaction(
    group: string,
    { producerId, producerEpoch }: ProducerIdentity,
    partition: string,
    offset: number,
    verify: () => number,
  ): number {
    const producer = this.#producers.get(producerId);
    if (producer?.open === undefined) {
      const code = verify();
      if (code !== CODE.NONE) return code;
    }
    if (producer !== undefined && producerEpoch < producer.epoch) return CODE.INVALID_PRODUCER_EPOCH;
    const open = producer?.open ?? { startOffset: this.#endOffset, offsets: new Map() };
    this.#open.set(producerId, open);
    this.#producers.set(producerId, {
      epoch: producerEpoch,
      coordinatorEpoch: producer?.coordinatorEpoch ?? -1,
      open,
    });
    offsetsOf(open.offsets, group).set(partition, this.#written(offset));
    return CODE.NONE;
  }

  end({ producerId, producerEpoch, coordinatorEpoch, isCommit }: End): number {
    const producer = this.#producers.get(producerId);
    if (producerEpoch < (producer?.epoch ?? -1)) return CODE.INVALID_PRODUCER_EPOCH;
    if (coordinatorEpoch < (producer?.coordinatorEpoch ?? -1)) return CODE.TRANSACTION_COORDINATOR_FENCED;
    this.#producers.set(producerId, { epoch: producerEpoch, coordinatorEpoch, open: undefined });
    this.#open.delete(producerId);
    this.#endOffset += 1;
    if (!isCommit) return CODE.NONE;
    for (const [group, ended] of producer?.open?.offsets ?? []) {
      const offsets = offsetsOf(this.#groups, group);
      for (const [partition, committed] of ended)
        if (committed.writtenAt > (offsets.get(partition)?.writtenAt ?? -1)) offsets.set(partition, committed);
    }
    return CODE.NONE;
  }

  producers(): DescribedProducer[] {
    return Array.from(this.#producers, ([producerId, { epoch, coordinatorEpoch, open }]) => {
      return {
        producerId,
        producerEpoch: epoch,
        coordinatorEpoch,
        lastSequence: -1,
        startOffset: open?.startOffset ?? -1,
      };
    });
  }

  /** Loses what a group has committed, as when it expires. */
  forgetGroup(group: string): void {
    this.#groups.delete(group);
  }

  /** Loses what all groups have for a partition, as the deletion of its topic does. */
  forgetPartition(partition: string): void {
    for (const offsets of this.#groups.values()) offsets.delete(partition);
    for (const open of this.#open.values()) for (const offsets of open.offsets.values()) offsets.delete(partition);
  }

  #written(offset: number): CommittedOffset {
    const writtenAt = this.#endOffset;
    this.#endOffset += 1;
    return { offset, writtenAt };
  }
}

function offsetsOf(groups: Map<string, Offsets>, group: string): Offsets {
  let offsets = groups.get(group);
  if (offsets === undefined) groups.set(group, (offsets = new Map()));
  return offsets;
}
