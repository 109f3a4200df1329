/**
 * What the client for Kafka has of the world in a simulation: virtual time, and connections that a simulated network carries to a simulated Kafka.
 *
 * 1. Requests of one connection arrive in the order in which they were sent: the next one sets out when the last has arrived.
 * 2. They are answered in that order. One that is not answered is the end of the connection; those behind it that have set out may arrive all the same.
 * 3. A connection that was destroyed answers nothing any more. What has set out may still arrive.
 */

import type { Buffer } from "node:buffer";
import { ConnectionLostError, IDLE_MS_MAX } from "../kafka/kafka-connection.ts";
import type { Connection, KafkaOutside } from "../kafka/kafka-outside.ts";
import { ProtocolReader } from "../kafka/protocol-reader.ts";
import { ProtocolWriter } from "../kafka/protocol-writer.ts";
import { apiVersions, type KafkaRequest } from "../kafka/requests.ts";
import { type Network, NetworkError } from "./network.ts";
import type { SimulatedKafka } from "./simulated-kafka.ts";

/** Time as one execution environment has it. */
export type Timers = Pick<KafkaOutside, "now" | "after">;

/** The outside of one execution environment. */
export function simulatedOutside(kafka: SimulatedKafka, network: Network, timers: Timers): KafkaOutside {
  return {
    now: () => timers.now(),
    after: (ms, work) => timers.after(ms, work),
    connect: (host, port) => new SimulatedConnection(kafka, network, timers, host, port),
  };
}

type Lost = { readonly error: Error };
type Answer = { readonly bytes: Buffer };

class SimulatedConnection implements Connection {
  readonly #kafka: SimulatedKafka;
  readonly #network: Network;
  readonly #timers: Timers;
  readonly #address: string;
  readonly #nodeId: number | undefined;
  #usedAtMs: number;
  /** How often the broker had dropped its connections when this one was made. */
  #bounces: number | undefined;
  #versions: ReadonlyMap<number, { readonly maxVersion: number }> = new Map();
  #lost: Error | undefined;
  /** Requests that set out when the last has arrived; undefined while none is on its way. */
  #queue: (() => void)[] | undefined;
  /** Ends when all requests so far were answered. */
  #answered: Promise<void> = Promise.resolve();
  /** Of requests that were not answered. */
  readonly #rejects = new Set<(error: Error) => void>();

  constructor(kafka: SimulatedKafka, network: Network, timers: Timers, host: string, port: number) {
    this.#kafka = kafka;
    this.#network = network;
    this.#timers = timers;
    this.#address = `${host}:${port}`;
    this.#nodeId = kafka.nodeAt(host, port);
    this.#usedAtMs = timers.now();
  }

  async open(): Promise<void> {
    this.#versions = await this.request(apiVersions());
  }

  versionMax(key: number): number {
    return this.#versions.get(key)?.maxVersion ?? -1;
  }

  isUsable(): boolean {
    return this.#lost === undefined && this.#timers.now() - this.#usedAtMs < IDLE_MS_MAX;
  }

  async request<T>(request: KafkaRequest<T>): Promise<T> {
    if (this.#lost !== undefined) throw this.#lost;
    this.#usedAtMs = this.#timers.now();
    try {
      return await this.#send(request);
    } finally {
      this.#usedAtMs = this.#timers.now();
    }
  }

  destroy(reason: string): void {
    if (this.#lost !== undefined) return;
    this.#lost = new ConnectionLostError(reason);
    for (const reject of this.#rejects) reject(this.#lost);
    this.#rejects.clear();
  }

  #send<T>({ name, key, version, write, read }: KafkaRequest<T>): Promise<T> {
    const writer = new ProtocolWriter();
    write(writer);
    const body = writer.take();
    return new Promise((resolve, reject) => {
      this.#rejects.add(reject);
      this.#setOut(() => {
        const answer = this.#network
          .call(name, () => this.#arrive(key, version, body))
          .then(
            (bytes): Answer => ({ bytes }),
            (error): Lost => ({ error }),
          );
        const before = this.#answered;
        this.#answered = (async () => {
          await before;
          const result = await answer;
          if (this.#lost !== undefined) return;
          if ("error" in result) {
            // By name: it may be of another copy of the module.
            if (result.error.name !== "NetworkError") reject(result.error);
            this.destroy(`${this.#address} is gone: ${result.error.message}`);
            return;
          }
          this.#rejects.delete(reject);
          try {
            resolve(read(new ProtocolReader(result.bytes)));
          } catch (error) {
            reject(error);
          }
        })();
      });
    });
  }

  #setOut(send: () => void): void {
    if (this.#queue !== undefined) {
      this.#queue.push(send);
      return;
    }
    this.#queue = [];
    send();
  }

  /** At the broker. */
  #arrive(key: number, version: number, body: Buffer): Buffer {
    if (this.#nodeId === undefined) throw new NetworkError(`nobody listens at ${this.#address}`);
    const bounces = this.#kafka.bouncesOf(this.#nodeId);
    this.#bounces ??= bounces;
    if (bounces !== this.#bounces) throw new NetworkError("the broker has closed the connection");
    try {
      return this.#kafka.handle(this.#nodeId, key, version, body);
    } finally {
      const next = this.#queue?.shift();
      if (next === undefined) this.#queue = undefined;
      else next();
    }
  }
}
