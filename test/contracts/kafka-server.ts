/** What the suites over Kafka itself need of a server, whether it is Apache Kafka or the simulated one. */

import type { Cluster } from "../../lib/kafka/cluster.ts";
import type { KafkaBroker } from "../../lib/kafka/kafka-broker.ts";
import { isCode, KafkaCodeError } from "../../lib/kafka/kafka-code-error.ts";

export type KafkaUnderTest = {
  /** A client with connections of its own, as another process has them. */
  newBroker(): KafkaBroker;
  newCluster(): Cluster;
  /** What a read_committed consumer that is not ours gets of a topic, per partition. */
  consumeAll(topic: string, count: number): Promise<ReadonlyMap<number, readonly string[]>>;
  /** Creates a topic, or changes one, that takes batches of so many bytes. */
  limitBatches(topic: string, bytesMax: number): Promise<void>;
  /** Whether a partition must be in a transaction before it is written to in one. */
  verifyTransactions(isOn: boolean): Promise<void>;
  close(): Promise<void>;
};

/** Kafka's name of the code with which it answers; "NONE" for success. */
export async function codeOf(answer: Promise<unknown>): Promise<string> {
  try {
    const acknowledgements = await answer;
    if (!Array.isArray(acknowledgements)) return "NONE";
    const codes = acknowledgements.map(({ code }: { code: number }) => new KafkaCodeError(code, "", undefined));
    return codes.map(({ code, codeName }) => (code === 0 ? "NONE" : codeName)).join(", ");
  } catch (error) {
    if (error instanceof KafkaCodeError) return error.codeName;
    throw error;
  }
}

const BUSY = [
  "CONCURRENT_TRANSACTIONS",
  "UNSTABLE_OFFSET_COMMIT",
  "COORDINATOR_LOAD_IN_PROGRESS",
  "COORDINATOR_NOT_AVAILABLE",
  "NOT_COORDINATOR",
];

/** Asks again while a server is busy with what was before. */
export async function whileBusy<T>(ask: () => Promise<T>): Promise<T> {
  for (let left = 500; ; left -= 1) {
    try {
      return await ask();
    } catch (error) {
      if (left === 0 || !isCode(error, ...BUSY)) throw error;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}
