/**
 * Offsets of consumer groups in the simulated Kafka, as its OffsetMetadataManager keeps them.
 *
 * 1. An offset written in a transaction counts when the end of that transaction has been applied here, which is later than the end was acknowledged.
 * 2. Who asks for stable offsets is told none while a transaction that writes it is not ended here.
 * 3. Of two offsets the one that was written later counts, even if its transaction ended earlier.
 */

import type { ProducerIdentity } from "../kafka/transaction-requests.ts";
import { CODE } from "./simulated-kafka-codes.ts";

/** `writtenAt` counts the writes. */
type CommittedOffset = { readonly offset: number; readonly writtenAt: number };
type Offsets = Map<string, CommittedOffset>;

type Group = {
  readonly offsets: Offsets;
  /** By producer, of transactions that are not ended here. */
  readonly pending: Map<number, Offsets>;
  readonly epochs: Map<number, number>;
};

export class SimulatedGroups {
  readonly #groups = new Map<string, Group>();
  #writes = 0;

  /** A group's offset; undefined where it has none. */
  offset(group: string, partition: string, isStable: boolean): { readonly code: number; readonly offset?: number } {
    const found = this.#groups.get(group);
    if (found === undefined) return { code: CODE.NONE };
    if (isStable)
      for (const offsets of found.pending.values())
        if (offsets.has(partition)) return { code: CODE.UNSTABLE_OFFSET_COMMIT };
    const committed = found.offsets.get(partition);
    return committed === undefined ? { code: CODE.NONE } : { code: CODE.NONE, offset: committed.offset };
  }

  commit(group: string, partition: string, offset: number): void {
    this.#groupOf(group).offsets.set(partition, this.#written(offset));
  }

  /** Writes an offset in a transaction; `verify` asks the coordinator about it. */
  commitInTransaction(
    group: string,
    { producerId, producerEpoch }: ProducerIdentity,
    partition: string,
    offset: number,
    verify: () => number,
  ): number {
    const { pending, epochs } = this.#groupOf(group);
    const open = pending.get(producerId);
    if (open === undefined) {
      const code = verify();
      if (code !== CODE.NONE) return code;
    }
    if (producerEpoch < (epochs.get(producerId) ?? -1)) return CODE.INVALID_PRODUCER_EPOCH;
    epochs.set(producerId, producerEpoch);
    const offsets: Offsets = open ?? new Map();
    offsets.set(partition, this.#written(offset));
    pending.set(producerId, offsets);
    return CODE.NONE;
  }

  /** Applies the end of a transaction. */
  end(group: string, { producerId, producerEpoch }: ProducerIdentity, isCommit: boolean): void {
    const { offsets, pending, epochs } = this.#groupOf(group);
    epochs.set(producerId, producerEpoch);
    const ended = pending.get(producerId);
    pending.delete(producerId);
    if (ended === undefined || !isCommit) return;
    for (const [partition, committed] of ended)
      if (committed.writtenAt > (offsets.get(partition)?.writtenAt ?? -1)) offsets.set(partition, committed);
  }

  /** Loses what a group has committed, as when it was deleted or has expired. */
  forget(group: string): void {
    this.#groups.get(group)?.offsets.clear();
  }

  /** Loses what all groups have for the partitions of a topic, as its deletion does. */
  forgetPartition(partition: string): void {
    for (const { offsets, pending } of this.#groups.values()) {
      offsets.delete(partition);
      for (const inTransaction of pending.values()) inTransaction.delete(partition);
    }
  }

  #groupOf(name: string): Group {
    let group = this.#groups.get(name);
    if (group === undefined)
      this.#groups.set(name, (group = { offsets: new Map(), pending: new Map(), epochs: new Map() }));
    return group;
  }

  #written(offset: number): CommittedOffset {
    this.#writes += 1;
    return { offset, writtenAt: this.#writes };
  }
}
