/** The port to Kafka: what the engine and the local event source mapping ask of a broker, and nothing else. */

import type { OutgoingBatch, OutgoingRecord } from "../wire/outgoing-record.ts";
import type { RecordColumns } from "../wire/record-columns.ts";

export type { OutgoingBatch, OutgoingRecord };

/** What makes a set of batches appear once: they and `sequenceNumber` as the group's offset become true together. */
export type ExactlyOnce = {
  /** Transactional id and consumer group at once: task and generation. */
  readonly transactionalId: string;
  readonly sequenceNumber: number;
  /**
   * The last number before this one, said by whoever cannot know whether this one was written before. Where Kafka then has no number at all, it has
   * lost it, and nothing is written: "kafka" is thrown.
   */
  readonly previousSequenceNumber?: number | undefined;
  /**
   * The partition whose group offset the number is: always the same, existing as long as the task, so its input. Default: partition 0 of the first
   * batch's topic.
   */
  readonly offsetAt?: { readonly topic: string; readonly partition: number };
  /** All topics that are ever written under this id: what an earlier transaction of it left there is looked after. Default: those of the batches. */
  readonly topics?: readonly string[];
};

export type TopicSpec = {
  readonly name: string;
  readonly partitions: number;
  readonly compacted: boolean;
  readonly retentionMs: number | undefined;
};

export type TopicInfo = { readonly name: string; readonly partitions: number };

/** The first offset that can still be read, and the one the next record will get. */
export type OffsetRange = { readonly low: number; readonly high: number };

/**
 * A broker. Every call ends by its own deadline; failures throw MillraceError "kafka" and say nothing about whether the call took effect.
 */
export interface Broker {
  /**
   * Writes batches in order and returns when all replicas have them. After an error some, all or none may be there; the caller repeats the same bytes.
   * Throws "kafka" for a topic or partition that does not exist and for a record above `recordBytesMax`. Returns the offset of the first record of each batch, −1 for one without
   * records; where a call repeated itself, of the records that were acknowledged.
   */
  produce(batches: readonly OutgoingBatch[]): Promise<readonly number[]>;
  /**
   * Opens the transaction of the next `produceExactlyOnce` of an id, for those partitions and with this number, so that this one has less to wait for. Nobody
   * sees anything of it, and nothing follows from it: where it fails, or nothing or another number is written after it, the next call is as if it had not been.
   * Never rejects.
   */
  prepareExactlyOnce(
    partitions: readonly { readonly topic: string; readonly partition: number }[],
    once: ExactlyOnce,
  ): Promise<void>;
  /** Writes batches and the sequence number in one transaction, unless that number (or a higher one) is there already. Repeats are harmless. */
  produceExactlyOnce(batches: readonly OutgoingBatch[], once: ExactlyOnce): Promise<void>;
  /**
   * Records of one partition from `offset` on, at most about `bytesMax` bytes and `recordsMax` records but at least one if there is one. `nextOffset` is where to go on: it also
   * passes control markers and holes. Throws "input-missing" where `offset` is below the first or above the end.
   */
  fetch(
    topic: string,
    partition: number,
    offset: number,
    limits: { readonly bytesMax: number; readonly recordsMax: number },
  ): Promise<{ readonly records: RecordColumns; readonly nextOffset: number }>;
  /** Low and high offset per partition. */
  offsets(topic: string): Promise<readonly OffsetRange[]>;
  /** Low and high offset of one partition, which is asked of nobody but its leader; undefined where the topic does not have it. Throws "kafka" for a topic that does not exist. */
  offsetRange(topic: string, partition: number): Promise<OffsetRange | undefined>;
  topics(): Promise<readonly TopicInfo[]>;
  /** Creates what is missing. Throws "kafka" where a topic exists with another number of partitions. */
  ensureTopics(topics: readonly TopicSpec[]): Promise<void>;
  /** A consumer group's committed offset (next to read) of a partition; undefined where it has none. */
  committedOffset(group: string, topic: string, partition: number): Promise<number | undefined>;
  commitOffset(group: string, topic: string, partition: number, offset: number): Promise<void>;
  /** The largest record (key, value and headers) that `produce` takes, in bytes. */
  readonly recordBytesMax: number;
  close(): Promise<void>;
}
