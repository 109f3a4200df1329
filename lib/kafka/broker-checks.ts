/** What every broker agrees on: which writes and reads are refused, and the sentences for it. */

import { MillraceError } from "../stream/error.ts";
import { type OutgoingBatch, recordBytes } from "../wire/outgoing-record.ts";
import type { ExactlyOnce } from "./broker.ts";

/** Throws "kafka" for a batch that Kafka would refuse, before any of them is written. */
export function checkBatches(
  batches: readonly OutgoingBatch[],
  recordBytesMax: number,
  partitionsOf: (topic: string) => number | undefined,
): void {
  for (const { topic, partition, records } of batches) {
    checkPartition(topic, partition, partitionsOf(topic));
    for (const record of records) {
      const bytes = recordBytes(record);
      if (bytes > recordBytesMax) {
        throw new MillraceError(
          "kafka",
          `A record of ${bytes} bytes for topic "${topic}", partition ${partition} is too large: the broker takes up to ${recordBytesMax}.`,
        );
      }
    }
  }
}

/** Throws "kafka" where the topic or the partition does not exist. */
export function checkPartition(topic: string, partition: number, partitions: number | undefined): void {
  if (partitions === undefined) {
    throw new MillraceError("kafka", `Topic "${topic}" does not exist.`);
  }
  if (!Number.isInteger(partition) || partition < 0 || partition >= partitions) {
    throw new MillraceError("kafka", `Topic "${topic}" has no partition ${partition}; it has ${partitions}.`);
  }
}

/** Throws "input-missing" where nothing can be read at `offset`, now or after the next write. */
export function checkOffset(topic: string, partition: number, offset: number, low: number, high: number): void {
  if (offset >= low && offset <= high) return;
  const why =
    offset < low
      ? `the first is ${low}: what was before is gone`
      : `the next will be ${high}: the topic was probably recreated`;
  throw new MillraceError("input-missing", `Topic "${topic}", partition ${partition} has no offset ${offset}; ${why}.`);
}

/** The error for a topic that exists otherwise than declared. */
export function partitionMismatch(topic: string, has: number, declared: number): MillraceError {
  return new MillraceError(
    "kafka",
    `Topic "${topic}" has ${has} partitions and is declared with ${declared}: change the declaration, or give the topic another name.`,
  );
}

/**
 * Throws "kafka" where a group's number is gone, or less than one that was written before, so that nobody can tell whether this one was written: its offset
 * was deleted, has expired, or was set by hand.
 */
export function checkSequenceNumber(
  found: number | undefined,
  { transactionalId, sequenceNumber, previousSequenceNumber: previous }: ExactlyOnce,
): void {
  if (previous === undefined || (found !== undefined && found >= previous)) return;
  const what =
    found === undefined
      ? "has no offset any more (it was deleted, or has expired)"
      : `has lost its offset: it is at ${found}, behind ${previous}, which was written before`;
  throw new MillraceError(
    "kafka",
    `The consumer group "${transactionalId}" ${what}, so nobody can tell whether commit ${sequenceNumber} was written. Look for its outputs in the topic; then commit ${sequenceNumber} as the group's offset if they are there, ${previous} if they are not.`,
  );
}
