/** What the client for Kafka uses of the world outside: time and connections. A simulation brings its own. */

import { KafkaConnection } from "./kafka-connection.ts";
import type { KafkaSettings } from "./kafka-settings.ts";

/** A connection to one broker. Requests reach it in the order in which they were sent, and are answered in that order. */
export type Connection = Pick<KafkaConnection, "open" | "request" | "versionMax" | "isUsable" | "destroy">;

export type KafkaOutside = {
  /** Epoch milliseconds. */
  now(): number;
  /** Runs `work` after `ms`, unless what is returned was called before. */
  after(ms: number, work: () => void): () => void;
  /** A connection that is yet to be opened. */
  connect(host: string, port: number, settings: KafkaSettings): Connection;
};

/** This machine's clock and network. */
export const realOutside: KafkaOutside = {
  now: () => Date.now(),
  after: (ms, work) => {
    const timer = setTimeout(work, ms);
    return () => clearTimeout(timer);
  },
  connect: (host, port, settings) => new KafkaConnection(host, port, settings),
};
