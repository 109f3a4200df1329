/** The requests of a transaction, in the versions that every broker with transaction verification knows. */

import { throwOnCode } from "./kafka-code-error.ts";
import { byTopic, type KafkaRequest, readCodesByPartition, type TopicPartition } from "./requests.ts";

/** Who writes: a number of the broker's, and how often the id was taken over. */
export type ProducerIdentity = { readonly producerId: number; readonly producerEpoch: number };

export const API_ADD_PARTITIONS_TO_TXN = 24;

/** Fences whoever had the id before, ends what it left open, and says who we are. */
export function initProducerId(transactionalId: string, timeoutMs: number): KafkaRequest<ProducerIdentity> {
  return {
    key: 22,
    version: 1,
    name: "InitProducerId",
    write: (to) => to.string(transactionalId).int32(timeoutMs),
    read: (from) => {
      from.int32();
      throwOnCode(from.int16(), "InitProducerId");
      return { producerId: from.int64(), producerEpoch: from.int16() };
    },
  };
}

/** Opens a transaction, or adds partitions to it. */
export function addPartitionsToTxn(
  transactionalId: string,
  { producerId, producerEpoch }: ProducerIdentity,
  partitions: readonly TopicPartition[],
): KafkaRequest<void> {
  return {
    key: API_ADD_PARTITIONS_TO_TXN,
    version: 1,
    name: "AddPartitionsToTxn",
    write: (to) =>
      to
        .string(transactionalId)
        .int64(producerId)
        .int16(producerEpoch)
        .array(byTopic(partitions), ([topic, ofTopic]) =>
          to.string(topic).array(ofTopic, ({ partition }) => to.int32(partition)),
        ),
    read: (from) => {
      from.int32();
      readCodesByPartition(from, "AddPartitionsToTxn");
    },
  };
}

/** Adds a group's offsets to the transaction. */
export function addOffsetsToTxn(
  transactionalId: string,
  { producerId, producerEpoch }: ProducerIdentity,
  group: string,
): KafkaRequest<void> {
  return {
    key: 25,
    version: 1,
    name: "AddOffsetsToTxn",
    write: (to) => to.string(transactionalId).int64(producerId).int16(producerEpoch).string(group),
    read: (from) => {
      from.int32();
      throwOnCode(from.int16(), "AddOffsetsToTxn");
    },
  };
}

/** Commits a group's offset when the transaction is committed. */
export function txnOffsetCommit(
  transactionalId: string,
  { producerId, producerEpoch }: ProducerIdentity,
  group: string,
  { topic, partition }: TopicPartition,
  offset: number,
): KafkaRequest<void> {
  return {
    key: 28,
    version: 1,
    name: "TxnOffsetCommit",
    write: (to) =>
      to
        .string(transactionalId)
        .string(group)
        .int64(producerId)
        .int16(producerEpoch)
        .array([topic], (name) =>
          to.string(name).array([partition], (number) => to.int32(number).int64(offset).string("")),
        ),
    read: (from) => {
      from.int32();
      readCodesByPartition(from, "TxnOffsetCommit");
    },
  };
}

/** Commits the transaction. */
export function commitTxn(
  transactionalId: string,
  { producerId, producerEpoch }: ProducerIdentity,
): KafkaRequest<void> {
  return {
    key: 26,
    version: 1,
    name: "EndTxn",
    write: (to) => to.string(transactionalId).int64(producerId).int16(producerEpoch).boolean(true),
    read: (from) => {
      from.int32();
      throwOnCode(from.int16(), "EndTxn");
    },
  };
}
