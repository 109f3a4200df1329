/**
 * The state of the simulated Kafka, and what each request does to it at the moment of its arrival. A request reaches one broker, which refuses what
 * another one leads or keeps.
 */

import type { Buffer } from "node:buffer";
import type { TopicToCreate } from "../kafka/requests.ts";
import type { ProducerIdentity } from "../kafka/transaction-requests.ts";
import type { SimulatedRecord, StoredBatch } from "./simulated-kafka-batch.ts";
import { recordsOf } from "./simulated-kafka-batch.ts";
import { CODE } from "./simulated-kafka-codes.ts";
import { type LogLimits, type LogRead, SimulatedLog } from "./simulated-kafka-log.ts";
import { OFFSETS_TOPIC, SimulatedOffsets } from "./simulated-kafka-offsets.ts";
import type { End, TransactionalPart } from "./simulated-kafka-part.ts";
import { nameOf, type Part, SimulatedTransactions } from "./simulated-kafka-transactions.ts";

/** Kafka's defaults. */
const BATCH_BYTES_MAX = 1_048_588;
const TIMESTAMP_AFTER_MS_MAX = 3_600_000;
/** Of groups' offsets; Kafka has 50. */
const OFFSETS_PARTITIONS = 4;
/** Of names; Kafka's limit comes from file systems. */
const NAME = /^(?!\.\.?$)[a-zA-Z0-9._-]{1,249}$/;

export type ClusterOptions = {
  now(): number;
  /** Runs work that Kafka does later by itself, at some time. */
  later(name: string, work: () => void): void;
  /**
   * Whether a coordinator that writes the end of a transaction finds a partition without a leader, and passes it over for good: that is how Kafka 4.2
   * and later lose ends (KAFKA-20734). The broker that led it has dropped its connections, and comes back. Default never.
   */
  losesEnd?(): boolean;
  /** Default 2. */
  readonly brokers?: number;
};

/** Who wrote records: a client in a transaction. */
export type TransactionalProducer = ProducerIdentity & { readonly transactionalId: string };

export type AppendHook = (
  topic: string,
  partition: number,
  records: readonly SimulatedRecord[],
  producer: TransactionalProducer | undefined,
) => void;

/** Told of a partition that was put into a transaction. */
export type OpenHook = (topic: string, partition: number) => void;

export type SimulatedTopic = {
  readonly logs: readonly SimulatedLog[];
  readonly leaders: number[];
  /** Brokers learn of a topic a moment after it was created. */
  isKnown: boolean;
};

export class SimulatedCluster {
  readonly brokers: number;
  readonly topics = new Map<string, SimulatedTopic>();
  /** Kafka's transaction.partition.verification.enable. */
  verifiesTransactions = true;
  readonly transactions: SimulatedTransactions;
  readonly appendHooks: AppendHook[] = [];
  readonly openHooks: OpenHook[] = [];
  readonly #options: ClusterOptions;
  readonly #offsets: readonly SimulatedOffsets[];
  readonly #offsetsLeaders: number[];
  readonly #bounces: number[] = [];
  /** Nodes of transactional ids that have moved. */
  readonly #moved = new Map<string, number>();

  constructor(options: ClusterOptions) {
    this.#options = options;
    this.brokers = options.brokers ?? 2;
    this.transactions = new SimulatedTransactions(options);
    this.#offsets = Array.from({ length: OFFSETS_PARTITIONS }, () => new SimulatedOffsets());
    this.#offsetsLeaders = this.#offsets.map((_, partition) => 1 + (partition % this.brokers));
  }

  /** How often a broker has dropped its connections. */
  bouncesOf(nodeId: number): number {
    return this.#bounces[nodeId] ?? 0;
  }

  /** Drops all connections, of one broker or of all. */
  bounce(nodeId?: number): void {
    for (let i = 1; i <= this.brokers; i += 1)
      if (nodeId === undefined || i === nodeId) this.#bounces[i] = this.bouncesOf(i) + 1;
    for (const { logs, leaders } of this.topics.values())
      logs.forEach((log, i) => {
        if (nodeId === undefined || leaders[i] === nodeId) log.restart();
      });
  }

  /** The broker that keeps a group or a transactional id; brokers are 1, 2, … */
  coordinatorOf(kind: "group" | "transaction", id: string): number {
    if (kind === "group") return this.#offsetsLeaders[offsetsPartitionOf(id)] as number;
    return this.#moved.get(id) ?? this.#anyBroker(id);
  }

  moveCoordinator(kind: "group" | "transaction", id: string, nodeId: number): void {
    if (kind === "group") this.#offsetsLeaders[offsetsPartitionOf(id)] = nodeId;
    else this.#moved.set(id, nodeId);
  }

  /** Where a group's offsets are. */
  offsetsOf(group: string): SimulatedOffsets {
    return this.#offsets[offsetsPartitionOf(group)] as SimulatedOffsets;
  }

  /** Throws where the topic or partition does not exist: for whoever stands outside the simulation. */
  logAt(topic: string, partition: number): SimulatedLog {
    const log = this.topics.get(topic)?.logs[partition];
    if (log === undefined) throw new Error(`The simulated Kafka has no topic "${topic}", partition ${partition}.`);
    return log;
  }

  createTopic(name: string, partitions: number, limits: Partial<LogLimits>, isKnown: boolean): SimulatedTopic {
    const all = {
      batchBytesMax: BATCH_BYTES_MAX,
      timestampAfterMsMax: TIMESTAMP_AFTER_MS_MAX,
      isCompacted: false,
      ...limits,
    };
    const first = this.#anyBroker(name) - 1;
    const numbers = [...Array(partitions).keys()];
    const topic: SimulatedTopic = {
      logs: numbers.map(() => new SimulatedLog(all)),
      leaders: numbers.map((partition) => 1 + ((first + partition) % this.brokers)),
      isKnown,
    };
    this.topics.set(name, topic);
    return topic;
  }

  deleteTopic(name: string): void {
    const { logs } = this.topics.get(name) ?? { logs: [] };
    this.topics.delete(name);
    for (const partition of logs.keys())
      for (const offsets of this.#offsets) offsets.forgetPartition(nameOf(name, partition));
  }

  /** CreateTopics, of one. */
  create(topic: TopicToCreate): { readonly code: number; readonly reason: string } {
    const { name, partitions, replicationFactor, settings } = topic;
    const refusal = (code: number, reason: string) => ({ code, reason });
    if (this.topics.has(name)) return refusal(CODE.TOPIC_ALREADY_EXISTS, `Topic '${name}' already exists.`);
    if (!NAME.test(name)) return refusal(CODE.INVALID_TOPIC_EXCEPTION, `Topic name is invalid: '${name}'.`);
    if (partitions < 1) return refusal(CODE.INVALID_PARTITIONS, "Number of partitions was set to an invalid value.");
    if (replicationFactor === 0 || replicationFactor > this.brokers)
      return refusal(CODE.INVALID_REPLICATION_FACTOR, `Replication factor: ${replicationFactor} is not possible.`);
    const given = new Map(settings);
    const numberOf = (setting: string, otherwise: number) => Number(given.get(setting) ?? otherwise);
    const limits = {
      batchBytesMax: numberOf("max.message.bytes", BATCH_BYTES_MAX),
      timestampAfterMsMax: numberOf("message.timestamp.after.max.ms", TIMESTAMP_AFTER_MS_MAX),
      isCompacted: given.get("cleanup.policy")?.includes("compact") ?? false,
    };
    const created = this.createTopic(name, partitions, limits, false);
    this.#options.later("CreateTopic", () => {
      created.isKnown = true;
    });
    return { code: CODE.NONE, reason: "" };
  }

  /** The topic as brokers know it. */
  knownTopic(name: string): SimulatedTopic | undefined {
    const topic = this.topics.get(name);
    return topic?.isKnown === true ? topic : undefined;
  }

  isKnown(topic: string, partition: number): boolean {
    return this.knownTopic(topic)?.logs[partition] !== undefined;
  }

  /** The log of a partition that this broker leads, or the code that says that it does not. */
  ledBy(nodeId: number, topic: string, partition: number): SimulatedLog | number {
    const found = this.knownTopic(topic);
    const log = found?.logs[partition];
    if (log === undefined) return CODE.UNKNOWN_TOPIC_OR_PARTITION;
    return found?.leaders[partition] === nodeId ? log : CODE.NOT_LEADER_OR_FOLLOWER;
  }

  /** The topics that brokers know, with that of the offsets. */
  knownTopics(): string[] {
    return [...[...this.topics.keys()].filter((name) => this.knownTopic(name)), OFFSETS_TOPIC];
  }

  /** The leaders of a topic that brokers know, by partition. */
  leadersOf(topic: string): readonly number[] | undefined {
    return topic === OFFSETS_TOPIC ? this.#offsetsLeaders : this.knownTopic(topic)?.leaders;
  }

  /** As `ledBy`, of whatever can be part of a transaction. */
  partLedBy(nodeId: number, topic: string, partition: number): TransactionalPart | number {
    if (topic !== OFFSETS_TOPIC) return this.ledBy(nodeId, topic, partition);
    const offsets = this.#offsets[partition];
    if (offsets === undefined) return CODE.UNKNOWN_TOPIC_OR_PARTITION;
    return this.#offsetsLeaders[partition] === nodeId ? offsets : CODE.NOT_LEADER_OR_FOLLOWER;
  }

  /** WriteTxnMarkers, into one part. */
  writeEnd(nodeId: number, topic: string, partition: number, end: Omit<End, "nowMs">): number {
    const part = this.partLedBy(nodeId, topic, partition);
    return typeof part === "number" ? part : part.end({ ...end, nowMs: this.#options.now() });
  }

  /** Produce, of one batch. */
  produce(nodeId: number, transactionalId: string, topic: string, partition: number, bytes: Buffer) {
    const log = this.ledBy(nodeId, topic, partition);
    if (typeof log === "number") return { code: log, baseOffset: -1, startOffset: -1 };
    const verify = (batch: StoredBatch) => {
      // Without an id nobody can be asked, and the log takes nothing unverified.
      if (transactionalId === "") return CODE.INVALID_TXN_STATE;
      const code = this.transactions.verify(transactionalId, batch, topic, partition);
      // Old clients repeat this one without asking for metadata.
      return code === CODE.CONCURRENT_TRANSACTIONS ? CODE.NOT_ENOUGH_REPLICAS : code;
    };
    const verifying = this.verifiesTransactions ? verify : undefined;
    const { code, batch, baseOffset } = log.append(bytes, this.#options.now(), verifying);
    if (batch !== undefined && this.appendHooks.length > 0) {
      const { producerId, producerEpoch, isTransactional } = batch;
      const producer = isTransactional ? { transactionalId, producerId, producerEpoch } : undefined;
      for (const hook of this.appendHooks) hook(topic, partition, recordsOf(batch), producer);
    }
    return { code, baseOffset, startOffset: log.startOffset };
  }

  fetch(nodeId: number, topic: string, partition: number, offset: number, bytesMax: number) {
    const log = this.ledBy(nodeId, topic, partition);
    const read: LogRead =
      typeof log === "number" ? { code: log, aborted: [], pieces: [] } : log.fetch(offset, bytesMax);
    if (typeof log === "number" || read.code !== CODE.NONE)
      return { ...read, endOffset: -1, lastStableOffset: -1, startOffset: -1 };
    const { endOffset, lastStableOffset, startOffset } = log;
    return { ...read, endOffset, lastStableOffset, startOffset };
  }

  /** AddPartitionsToTxn: all of them, or none. Codes in the order of the partitions. */
  addPartitions(id: string, identity: ProducerIdentity, partitions: readonly (readonly [string, number])[]): number[] {
    const known = partitions.map(([topic, partition]) => this.isKnown(topic, partition));
    if (known.includes(false))
      return known.map((isKnown) => (isKnown ? CODE.OPERATION_NOT_ATTEMPTED : CODE.UNKNOWN_TOPIC_OR_PARTITION));
    // A topic that is gone by then is passed over.
    const parts = partitions.map(([topic, partition]) =>
      this.#toPart(topic, partition, () => this.topics.get(topic)?.logs[partition]),
    );
    const code = this.transactions.add(id, identity, parts);
    if (code === CODE.NONE) for (const hook of this.openHooks) for (const at of partitions) hook(...at);
    return partitions.map(() => code);
  }

  addGroup(id: string, identity: ProducerIdentity, group: string): number {
    const part = this.#toPart(OFFSETS_TOPIC, offsetsPartitionOf(group), () => this.offsetsOf(group));
    return this.transactions.add(id, identity, [part]);
  }

  /** TxnOffsetCommit, of one partition. */
  commitInTransaction(
    id: string,
    identity: ProducerIdentity,
    group: string,
    topic: string,
    partition: number,
    offset: number,
  ): number {
    if (!this.isKnown(topic, partition)) return CODE.UNKNOWN_TOPIC_OR_PARTITION;
    const verify = () =>
      this.verifiesTransactions
        ? this.transactions.verify(id, identity, OFFSETS_TOPIC, offsetsPartitionOf(group))
        : CODE.NONE;
    return this.offsetsOf(group).commitInTransaction(group, identity, nameOf(topic, partition), offset, verify);
  }

  commitOffset(group: string, topic: string, partition: number, offset: number): number {
    if (!this.isKnown(topic, partition)) return CODE.UNKNOWN_TOPIC_OR_PARTITION;
    this.offsetsOf(group).commit(group, nameOf(topic, partition), offset);
    return CODE.NONE;
  }

  #toPart(topic: string, partition: number, find: () => TransactionalPart | undefined): Part {
    const end = (end: End) => {
      if (this.#options.losesEnd?.() !== true) return find()?.end(end) ?? CODE.NONE;
      this.bounce(this.leadersOf(topic)?.[partition]);
      return CODE.NONE;
    };
    return { topic, partition, end };
  }

  #anyBroker(name: string): number {
    return 1 + (hashOf(name) % this.brokers);
  }
}

function offsetsPartitionOf(group: string): number {
  return hashOf(group) % OFFSETS_PARTITIONS;
}

function hashOf(name: string): number {
  let hash = 0;
  for (let i = 0; i < name.length; i += 1) hash = (hash * 31 + name.charCodeAt(i)) >>> 0;
  return hash;
}
