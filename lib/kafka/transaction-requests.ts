/** The requests of a transaction, in the versions that every broker with transaction verification knows. */

import { throwOnCode } from "./kafka-code-error.ts";
import type { ProtocolWriter } from "./protocol-writer.ts";
import { byTopic, type KafkaRequest, readCodesByPartition, type TopicPartition } from "./requests.ts";

/** Who writes: a number of the broker's, and how often the id was taken over. */
export type ProducerIdentity = { readonly producerId: number; readonly producerEpoch: number };

export const API_ADD_PARTITIONS_TO_TXN = 24;
export const API_DESCRIBE_TRANSACTIONS = 65;

/** Where the coordinator says that it knows no such transactional id. */
const CODE_UNKNOWN_ID = 105;
const CODE_TOPIC_NOT_ALLOWED = 29;

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

/** The last transaction of an id, as its coordinator knows it: "Ongoing", "PrepareCommit", "CompleteCommit", "CompleteAbort", "Empty" and more. */
export type DescribedTransaction = ProducerIdentity & { readonly state: string };

/** Undefined where the id has never been used, or not for long. */
export function describeTransaction(transactionalId: string): KafkaRequest<DescribedTransaction | undefined> {
  return {
    key: API_DESCRIBE_TRANSACTIONS,
    version: 0,
    name: "DescribeTransactions",
    flexible: true,
    write: (to) => to.compactArray([transactionalId], (id) => to.compactString(id)).noTags(),
    read: (from) => {
      from.int32();
      const [only] = from.compactArray(() => {
        const code = from.int16();
        from.compactString();
        const state = from.compactString();
        from.int32();
        from.int64();
        const found = { code, state, producerId: from.int64(), producerEpoch: from.int16() };
        from.compactArray(() => {
          from.compactString();
          from.compactArray(() => from.int32());
          from.skipTags();
        });
        from.skipTags();
        return found;
      });
      const { code, ...described } = only ?? { code: CODE_UNKNOWN_ID, state: "", producerId: -1, producerEpoch: -1 };
      if (code === CODE_UNKNOWN_ID) return undefined;
      throwOnCode(code, "DescribeTransactions");
      return described;
    },
  };
}

/** A transaction that a partition's log holds open. */
export type OpenTransaction = TopicPartition & {
  readonly producerId: number;
  /** Of the last end of a transaction that this producer wrote into the partition; −1 where there was none. */
  readonly coordinatorEpoch: number;
  readonly startOffset: number;
};

/** What partitions, led by the node asked, hold open. Those that this client may not read are left out. */
export function describeProducers(partitions: readonly TopicPartition[]): KafkaRequest<readonly OpenTransaction[]> {
  return {
    key: 61,
    version: 0,
    name: "DescribeProducers",
    flexible: true,
    write: (to) => writeTopics(to, partitions).noTags(),
    read: (from) => {
      from.int32();
      const open: OpenTransaction[] = [];
      from.compactArray(() => {
        const topic = from.compactString();
        from.compactArray(() => {
          const partition = from.int32();
          const code = from.int16();
          if (code !== CODE_TOPIC_NOT_ALLOWED) throwOnCode(code, "DescribeProducers", { topic, partition });
          from.compactString();
          from.compactArray(() => {
            const producerId = from.int64();
            from.int32();
            from.int32();
            from.int64();
            const coordinatorEpoch = from.int32();
            const startOffset = from.int64();
            if (startOffset >= 0) open.push({ topic, partition, producerId, coordinatorEpoch, startOffset });
            from.skipTags();
          });
          from.skipTags();
        });
        from.skipTags();
      });
      return open;
    },
  };
}

/** Writes the end of a transaction into partitions, led by the node asked, as the coordinator does. */
export function writeTxnMarkers(
  { producerId, producerEpoch }: ProducerIdentity,
  isCommit: boolean,
  partitions: readonly TopicPartition[],
  coordinatorEpoch: number,
): KafkaRequest<void> {
  return {
    key: 27,
    version: 1,
    name: "WriteTxnMarkers",
    flexible: true,
    write: (to) =>
      to
        .compactArray([partitions], (all) =>
          writeTopics(to.int64(producerId).int16(producerEpoch).boolean(isCommit), all)
            .int32(coordinatorEpoch)
            .noTags(),
        )
        .noTags(),
    read: (from) => {
      from.compactArray(() => {
        from.int64();
        from.compactArray(() => {
          const topic = from.compactString();
          from.compactArray(() => {
            const partition = from.int32();
            throwOnCode(from.int16(), "WriteTxnMarkers", { topic, partition });
            from.skipTags();
          });
          from.skipTags();
        });
        from.skipTags();
      });
    },
  };
}

function writeTopics(to: ProtocolWriter, partitions: readonly TopicPartition[]): ProtocolWriter {
  return to.compactArray(byTopic(partitions), ([topic, ofTopic]) =>
    to
      .compactString(topic)
      .compactArray(ofTopic, ({ partition }) => to.int32(partition))
      .noTags(),
  );
}
