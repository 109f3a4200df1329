/** The Kafka and the DynamoDB that a run of the benchmarks is measured on. */

import { startDynamoDbLocal } from "../../tools/services/dynamodb-local.ts";
import { startKafka } from "../../tools/services/kafka.ts";

export type Servers = {
  /** host:port */
  readonly kafka: string;
  readonly dynamodb: string;
  /** Ends both, and deletes their data. */
  stop(): Promise<void>;
};

/** Starts both. DynamoDB keeps its data in memory: on a disk DynamoDB Local syncs every write, and that is what would be measured. */
export async function startServers(): Promise<Servers> {
  const started = await Promise.allSettled([startKafka(), startDynamoDbLocal()]);
  const [kafka, dynamodb] = started;
  const stop = async () => {
    await Promise.all(started.map((server) => (server.status === "fulfilled" ? server.value.stop() : undefined)));
  };
  if (kafka.status === "fulfilled" && dynamodb.status === "fulfilled")
    return { kafka: kafka.value.bootstrap, dynamodb: dynamodb.value.endpoint, stop };
  await stop();
  throw started.find((server) => server.status === "rejected")?.reason;
}
