/** Opens what a deployed function needs, as its environment says: Kafka, the state log, the queue of wake-ups. Loading this file loads their clients. */

import { KafkaBroker } from "../kafka/kafka-broker.ts";
import { letHeapGrow } from "../runtime/heap-growth.ts";
import type { SettingsSource } from "../runtime/settings-source.ts";
import { DynamoDbTable } from "../state-log/dynamodb-client.ts";
import { DynamoDbStateLog } from "../state-log/dynamodb-state-log.ts";
import { tablesWrittenBy } from "../stream/graph.ts";
import type { OperatorDefinition } from "../stream/operator-definition.ts";
import { readKafkaSettingsOnLambda } from "./kafka-secrets.ts";
import { LambdaRuntime } from "./lambda-runtime.ts";
import { fromEnvironment } from "./lambda-settings.ts";

/** Connects with the first invocation. Throws "usage" where the environment does not say enough. */
export async function openLambdaRuntime(definition: OperatorDefinition): Promise<LambdaRuntime> {
  letHeapGrow();
  const { env } = process;
  const settings = fromEnvironment(env);
  const { table, snapshots, wakeUpQueue } = settings;
  const readSecret = async (id: string) => (await import("./secrets-manager.ts")).readSecret(id);
  const broker = new KafkaBroker(await readKafkaSettingsOnLambda(settings, env, readSecret));
  const chunkBlobs = snapshots === undefined ? undefined : await openSnapshots(snapshots, table);
  const endpoint = env.AWS_ENDPOINT_URL_DYNAMODB ?? env.AWS_ENDPOINT_URL;
  const stateLog = new DynamoDbStateLog(
    new DynamoDbTable({ table, ...(endpoint !== undefined && { endpoint }) }),
    chunkBlobs === undefined ? {} : { chunkBlobs },
  );
  return new LambdaRuntime(definition, settings, {
    broker,
    stateLog,
    ...(tablesWrittenBy(definition.sinks).length > 0 && { tables: await openTables(table, endpoint) }),
    queue: wakeUpQueue === undefined ? undefined : new (await import("./sqs-queue.ts")).SqsQueue(wakeUpQueue),
    now: Date.now,
    settings: lambdaSettings(env, readSecret),
    // Past the console, which Lambda wraps: CloudWatch finds metrics only in a line of their own.
    write: (line) => void process.stdout.write(`${line}\n`),
  });
}

async function openTables(stateTable: string, endpoint: string | undefined) {
  const { DynamoDbTableStore } = await import("../tables/dynamodb-table-store.ts");
  return new DynamoDbTableStore({ stateTable, ...(endpoint !== undefined && { endpoint }) });
}

/** Settings are variables of the function, secrets are read from Secrets Manager under the names that they were declared with. */
function lambdaSettings(env: NodeJS.ProcessEnv, readSecret: (id: string) => Promise<string>): SettingsSource {
  return {
    setting: (name) => env[name],
    secret: readSecret,
    placeOf: (name) => `make ${name} in Secrets Manager`,
  };
}

async function openSnapshots(place: string, table: string) {
  const { openBlobStore } = await import("../state-log/open-blob-store.ts");
  return openBlobStore(place, { table, folder: "/tmp" });
}
