/**
 * A Kafka in memory below the production client: it speaks the protocol's bytes, and behaves as Apache Kafka 3.6 and later does to this client. What
 * Kafka does by itself after an answer is handed to `later`, so that whoever simulates decides when.
 *
 * 1. A request is served whole at the moment of its arrival; of what it changes nothing is lost, whatever happens to the answer or the broker.
 * 2. Nothing in here reads a clock, draws a number or starts anything.
 *
 * Simplified: one copy of each partition, which is never behind; metadata is the same on every broker, and true; no fetch waits; nothing is throttled.
 */

import type { Buffer } from "node:buffer";
import { encodeBatch } from "../kafka/encode-batch.ts";
import { ProtocolReader } from "../kafka/protocol-reader.ts";
import { ProtocolWriter } from "../kafka/protocol-writer.ts";
import type { OutgoingRecord } from "../wire/outgoing-record.ts";
import type { SimulatedRecord } from "./simulated-kafka-batch.ts";
import { type AppendHook, type ClusterOptions, type OpenHook, SimulatedCluster } from "./simulated-kafka-cluster.ts";
import { CODE } from "./simulated-kafka-codes.ts";
import type { LogLimits } from "./simulated-kafka-log.ts";
import { APIS, HOST, PORT_BASE } from "./simulated-kafka-requests.ts";
import { nameOf } from "./simulated-kafka-transactions.ts";

export type { AppendHook, SimulatedRecord };

/** "uncommitted" sees records of open and aborted transactions too. */
export type Isolation = "committed" | "uncommitted";

export class SimulatedKafka {
  /** host:port of the brokers. */
  readonly addresses: readonly string[];
  readonly #cluster: SimulatedCluster;
  readonly #now: () => number;

  constructor(options: ClusterOptions) {
    this.#now = options.now;
    this.#cluster = new SimulatedCluster(options);
    const numbers = Array.from({ length: this.#cluster.brokers }, (_, i) => i + 1);
    this.addresses = numbers.map((nodeId) => `${HOST}:${PORT_BASE + nodeId}`);
  }

  /** The brokers: 1, 2, … */
  get brokers(): number {
    return this.#cluster.brokers;
  }

  /** The broker at an address; undefined where nobody listens. */
  nodeAt(host: string, port: number): number | undefined {
    const nodeId = port - PORT_BASE;
    return host === HOST && nodeId >= 1 && nodeId <= this.brokers ? nodeId : undefined;
  }

  /**
   * Serves a request: its body without the head goes in, and that of its answer comes out. The bytes belong to Kafka from now on.
   *
   * Throws for requests and versions that Kafka would close the connection for.
   */
  handle(nodeId: number, apiKey: number, version: number, body: Buffer): Buffer {
    const api = APIS.get(apiKey);
    if (api?.version !== version)
      throw new Error(`The simulated Kafka does not know request ${apiKey} in version ${version}.`);
    this.#cluster.transactions.expire();
    const to = new ProtocolWriter();
    api.serve({ cluster: this.#cluster, nodeId, from: new ProtocolReader(body), to });
    return to.take();
  }

  /** Sees to it that transactions whose time is over are aborted, soon. Every request does this too. */
  expireTransactions(): void {
    this.#cluster.transactions.expire();
  }

  /** Says a connection's age: when it is another number, the connection is gone. */
  bouncesOf(nodeId: number): number {
    return this.#cluster.bouncesOf(nodeId);
  }

  /** Drops all connections, of one broker or of all, as a restart does; all that was acknowledged stays. */
  bounce(nodeId?: number): void {
    this.#cluster.bounce(nodeId);
  }

  /** Calls the hook at each append of a client's records, when it happens; not for a repeat that Kafka recognises, nor for `append`. */
  onAppend(hook: AppendHook): void {
    this.#cluster.appendHooks.push(hook);
  }

  /** Calls the hook for each partition that is put into a transaction, when it happens. */
  onOpen(hook: OpenHook): void {
    this.#cluster.openHooks.push(hook);
  }

  /** Creates a topic that every broker knows at once. */
  createTopic(name: string, partitions: number, limits: Partial<LogLimits> = {}): void {
    this.#cluster.createTopic(name, partitions, limits, true);
  }

  /** Deletes a topic with its records and the groups' offsets in it. What a transaction that is open wrote there is gone too. */
  deleteTopic(name: string): void {
    this.#cluster.deleteTopic(name);
  }

  /** Changes what a topic takes. */
  limit(topic: string, limits: Partial<LogLimits>): void {
    for (const log of this.#cluster.topics.get(topic)?.logs ?? []) log.limits = { ...log.limits, ...limits };
  }

  topics(): readonly { readonly name: string; readonly partitions: number }[] {
    return [...this.#cluster.topics].map(([name, { logs }]) => ({ name, partitions: logs.length }));
  }

  /** Appends records of somebody else's, as one batch. */
  append(topic: string, partition: number, records: readonly OutgoingRecord[]): void {
    if (records.length === 0) return;
    const { code } = this.#cluster.logAt(topic, partition).append(encodeBatch(records), this.#now(), () => CODE.NONE);
    if (code !== CODE.NONE) throw new Error(`Topic "${topic}", partition ${partition} refuses records with ${code}.`);
  }

  /** All records from an offset on that a reader sees now. */
  read(topic: string, partition: number, from: number, options: { readonly isolation: Isolation }): SimulatedRecord[] {
    return this.#cluster.logAt(topic, partition).read(from, options.isolation === "committed");
  }

  /** Of the first record that is still there. */
  startOffset(topic: string, partition: number): number {
    return this.#cluster.logAt(topic, partition).startOffset;
  }

  /** Of the next record. */
  endOffset(topic: string, partition: number): number {
    return this.#cluster.logAt(topic, partition).endOffset;
  }

  /** Before it every transaction has ended. */
  lastStableOffset(topic: string, partition: number): number {
    return this.#cluster.logAt(topic, partition).lastStableOffset;
  }

  /** Deletes what stands before an offset, as retention does. */
  trim(topic: string, partition: number, toOffset: number): void {
    this.#cluster.logAt(topic, partition).trim(toOffset);
  }

  leaderOf(topic: string, partition: number): number {
    this.#cluster.logAt(topic, partition);
    return this.#cluster.topics.get(topic)?.leaders[partition] as number;
  }

  /** Lets another broker lead a partition. */
  moveLeader(topic: string, partition: number, nodeId: number): void {
    const log = this.#cluster.logAt(topic, partition);
    const { leaders } = this.#cluster.topics.get(topic) as { leaders: number[] };
    if (leaders[partition] === nodeId) return;
    leaders[partition] = nodeId;
    log.restart();
  }

  /** Kafka's transaction.partition.verification.enable, which is on. */
  verifyTransactions(isOn: boolean): void {
    this.#cluster.verifiesTransactions = isOn;
  }

  coordinatorOf(kind: "group" | "transaction", id: string): number {
    return this.#cluster.coordinatorOf(kind, id);
  }

  /** Lets another broker keep a group or a transactional id. */
  moveCoordinator(kind: "group" | "transaction", id: string, nodeId: number): void {
    this.#cluster.moveCoordinator(kind, id, nodeId);
  }

  /** A group's offset, as it counts now. */
  committedOffset(group: string, topic: string, partition: number): number | undefined {
    return this.#cluster.offsetsOf(group).offset(group, nameOf(topic, partition), false).offset;
  }

  /** Loses a group's offsets, as when they expire. */
  forgetGroup(group: string): void {
    this.#cluster.offsetsOf(group).forgetGroup(group);
  }
}
