/** Kafka and DynamoDB of one run, which can be killed and come back on the same data. */

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startDynamoDbLocal } from "../tools/services/dynamodb-local.ts";
import { startKafka } from "../tools/services/kafka.ts";

type Server = { freeze(): void; kill(): Promise<void>; restart(): Promise<void>; stop(): Promise<void> };

export type Servers = {
  readonly kafka: string;
  readonly dynamodb: string;
  /**
   * Stops a server for a moment, kills it, leaves it dead for a while, and starts it again. One blow after the other for each server.
   * `onKilled` is told when it is dead.
   */
  bounce(name: "kafka" | "dynamodb", stalledMs: number, downMs: number, onKilled: () => void): Promise<void>;
  /** Resolves when every server that was killed is back. */
  allUp(): Promise<void>;
  stop(): Promise<void>;
};

/** Starts both, with their data and logs in `folder`, which stays. */
export async function startServers(folder: string): Promise<Servers> {
  const folders = { kafka: join(folder, "kafka"), dynamodb: join(folder, "dynamodb") };
  for (const each of Object.values(folders)) mkdirSync(each, { recursive: true });
  // On disk, or what was acknowledged would be gone with the process.
  const started = await Promise.allSettled([
    startKafka({ folder: folders.kafka }),
    startDynamoDbLocal({ inMemory: false, folder: folders.dynamodb }),
  ]);
  const [kafka, dynamodb] = started;
  if (kafka.status === "rejected" || dynamodb.status === "rejected") {
    for (const server of started) if (server.status === "fulfilled") await server.value.stop();
    throw started.find((server) => server.status === "rejected")?.reason;
  }
  const servers: Record<"kafka" | "dynamodb", Server> = { kafka: kafka.value, dynamodb: dynamodb.value };
  const last = { kafka: Promise.resolve(), dynamodb: Promise.resolve() };
  const allUp = () => Promise.all(Object.values(last)).then(() => {});
  return {
    kafka: kafka.value.bootstrap,
    dynamodb: dynamodb.value.endpoint,
    bounce(name, stalledMs, downMs, onKilled) {
      last[name] = last[name].then(async () => {
        servers[name].freeze();
        await sleep(stalledMs);
        await servers[name].kill();
        onKilled();
        await sleep(downMs);
        await servers[name].restart();
      });
      return last[name];
    },
    allUp,
    async stop() {
      await allUp().catch(() => {});
      await Promise.all([servers.kafka.stop(), servers.dynamodb.stop()]);
    },
  };
}
