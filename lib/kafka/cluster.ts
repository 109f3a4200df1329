/**
 * The brokers of a cluster as one call after another needs them: connections, who leads which partition, who keeps which group. Nothing in here
 * repeats anything: after a failure of a connection the whole is discarded and a new one made, so that no state of a failure lives on.
 */

import { MillraceError } from "../stream/error.ts";
import { isCode, KafkaCodeError, throwOnCode } from "./kafka-code-error.ts";
import { ConnectionLostError } from "./kafka-connection.ts";
import { type Connection, type KafkaOutside, realOutside } from "./kafka-outside.ts";
import type { KafkaSettings } from "./kafka-settings.ts";
import type { ClusterMetadata, KafkaRequest, NodeAddress, TopicMetadata, TopicPartition } from "./requests.ts";
import * as requests from "./requests.ts";

/** Requests on a connection are answered one after the other; reads that wait must not hold up writes. */
type Lane = "write" | "read";

/** Metadata older than this is asked for again: leaders may have moved without a failure. */
const METADATA_AGE_MS_MAX = 300_000;

export class Cluster {
  readonly #settings: KafkaSettings;
  readonly #outside: KafkaOutside;
  readonly #connections = new Map<string, Promise<Connection>>();
  readonly #opened = new Set<Connection>();
  readonly #topics = new Map<string, { readonly found: TopicMetadata; readonly atMs: number }>();
  readonly #nodes = new Map<number, NodeAddress>();
  readonly #coordinators = new Map<string, NodeAddress>();
  #discarded: string | undefined;

  constructor(settings: KafkaSettings, outside: KafkaOutside = realOutside) {
    this.#settings = settings;
    this.#outside = outside;
  }

  /** Whether it may be used for another call. */
  isUsable(): boolean {
    if (this.#discarded !== undefined) return false;
    for (const connection of this.#opened) if (!connection.isUsable()) return false;
    return true;
  }

  /** Destroys all connections: every request under way fails, and every later one. */
  discard(reason: string): void {
    this.#discarded ??= reason;
    for (const connection of this.#opened) connection.destroy(reason);
  }

  /** Forgets who leads and who coordinates. */
  forget(): void {
    this.#topics.clear();
    this.#coordinators.clear();
  }

  /** Waits. */
  pause(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#outside.after(ms, resolve));
  }

  /** Asks for topics, or all; a topic that does not exist has the code of that. */
  async metadata(topics: readonly string[] | undefined): Promise<ClusterMetadata> {
    const connection = await this.#seed();
    const found = await connection.request(requests.metadata(topics));
    for (const node of found.nodes) this.#nodes.set(node.nodeId, node);
    for (const topic of found.topics)
      if (topic.code === 0) this.#topics.set(topic.topic, { found: topic, atMs: this.#outside.now() });
    return found;
  }

  /** What is known of topics, asked for where it is not known. Throws "kafka" where one does not exist. */
  async topicsOf(names: readonly string[]): Promise<ReadonlyMap<string, TopicMetadata>> {
    const oldestMs = this.#outside.now() - METADATA_AGE_MS_MAX;
    const known = (name: string) => {
      const at = this.#topics.get(name);
      return at !== undefined && at.atMs >= oldestMs ? at.found : undefined;
    };
    const missing = [...new Set(names)].filter((name) => known(name) === undefined);
    if (missing.length > 0) {
      for (const { topic, code } of (await this.metadata(missing)).topics) {
        try {
          throwOnCode(code, "Metadata");
        } catch (error) {
          if (!isCode(error, "UNKNOWN_TOPIC_OR_PARTITION", "INVALID_TOPIC_EXCEPTION")) throw error;
          throw new MillraceError("kafka", `Topic "${topic}" does not exist.`, { cause: error });
        }
      }
    }
    return new Map(names.map((name) => [name, known(name) as TopicMetadata]));
  }

  /** The node that leads a partition of a topic that is known. */
  async leaderOf({ topic, partition }: TopicPartition): Promise<number> {
    const leader = (await this.topicsOf([topic])).get(topic)?.leaders[partition];
    if (leader === undefined) throw new KafkaCodeError(3, "Metadata", { topic, partition });
    if (leader < 0) throw new KafkaCodeError(5, "Metadata", { topic, partition });
    return leader;
  }

  /** Sends to the node that leads a partition. */
  async askLeader<T>(of: TopicPartition, request: KafkaRequest<T>, lane: Lane = "write"): Promise<T> {
    return this.askNode(await this.leaderOf(of), request, lane);
  }

  async askNode<T>(nodeId: number, request: KafkaRequest<T>, lane: Lane = "write"): Promise<T> {
    const node = this.#nodes.get(nodeId);
    if (node === undefined) throw new KafkaCodeError(8, "Metadata", undefined);
    return (await this.#connectionTo(node, lane)).request(request);
  }

  /** Sends to the broker that keeps a group or a transactional id. */
  async askCoordinator<T>(kind: "group" | "transaction", id: string, request: KafkaRequest<T>): Promise<T> {
    return (await this.#coordinatorOf(kind, id)).request(request);
  }

  /** The highest version of a request that the coordinator of a transactional id knows. */
  async versionMaxOfCoordinator(transactionalId: string, key: number): Promise<number> {
    return (await this.#coordinatorOf("transaction", transactionalId)).versionMax(key);
  }

  async #coordinatorOf(kind: "group" | "transaction", id: string): Promise<Connection> {
    const key = `${kind} ${id}`;
    let node = this.#coordinators.get(key);
    if (node === undefined) {
      node = await (await this.#seed()).request(requests.findCoordinator(kind, id));
      this.#coordinators.set(key, node);
    }
    return this.#connectionTo(node, "write");
  }

  /** Any broker: one that is connected, or the first that answers. */
  async #seed(): Promise<Connection> {
    for (const node of this.#nodes.values()) {
      const connection = this.#connections.get(nameOf(node, "write"));
      if (connection !== undefined) return connection;
    }
    const failures: unknown[] = [];
    for (const broker of this.#settings.brokers) {
      const colon = broker.lastIndexOf(":");
      const host = broker.slice(0, colon).replace(/^\[(.*)\]$/, "$1");
      try {
        return await this.#connectionTo({ host, port: Number(broker.slice(colon + 1)) }, "write");
      } catch (error) {
        if (this.#discarded !== undefined) throw error;
        failures.push(error);
      }
    }
    throw failures[0];
  }

  #connectionTo(node: Omit<NodeAddress, "nodeId">, lane: Lane): Promise<Connection> {
    if (this.#discarded !== undefined) return Promise.reject(new ConnectionLostError(this.#discarded));
    const name = nameOf(node, lane);
    let connection = this.#connections.get(name);
    if (connection === undefined) {
      connection = this.#open(node);
      this.#connections.set(name, connection);
      connection.catch(() => this.#connections.delete(name));
    }
    return connection;
  }

  async #open({ host, port }: Omit<NodeAddress, "nodeId">): Promise<Connection> {
    const connection = this.#outside.connect(host, port, this.#settings);
    // Known before it is open, so that a discard ends the attempt too.
    this.#opened.add(connection);
    try {
      await connection.open();
      return connection;
    } catch (error) {
      this.#opened.delete(connection);
      connection.destroy("The connection could not be opened");
      throw error;
    }
  }
}

function nameOf({ host, port }: Omit<NodeAddress, "nodeId">, lane: Lane): string {
  return `${host}:${port} ${lane}`;
}
