/** An application that is deployed: what its functions were told, and through them its topics and its state; at AWS, or in an emulator. */

import type { Broker } from "../kafka/broker.ts";
import type { KafkaSettings } from "../kafka/kafka-settings.ts";
import { deployedNameOf } from "../lambda/function-name.ts";
import { readKafkaSettingsOnLambda } from "../lambda/kafka-secrets.ts";
import { fromEnvironment, type LambdaSettings } from "../lambda/lambda-settings.ts";
import { renameTopics, type TopicNames, topicNames, withTopicNames } from "../lambda/prefixed-topics.ts";
import type { Application } from "../local/application.ts";
import type { LambdaApi } from "../local/lambda-api.ts";
import type { InvokeRedrive } from "../local/redrive.ts";
import type { Workspace } from "../local/workspace.ts";
import type { AwsSettings } from "../state-log/aws-call.ts";
import type { BlobStore } from "../state-log/blob-store.ts";
import { MillraceError } from "../stream/error.ts";
import type { FunctionPlan, Topology } from "../stream/plan.ts";
import { quote } from "../stream/sentence.ts";
import type { RedriveEvent, RedriveResponse } from "../wire/lambda-event.ts";
import { credentialsFor, EMULATOR_REGION } from "./emulator.ts";

export type DeployedOptions = {
  /** The emulator's address. Default: AWS_ENDPOINT_URL, or AWS itself. */
  readonly endpoint?: string | undefined;
  readonly profile?: string | undefined;
  /** Kafka as it is reached from here, where that is not how the functions reach it. */
  readonly kafka?: string | undefined;
  readonly kafkaSettings?: string | undefined;
  readonly folder: string;
};

export type Deployed = {
  readonly workspace: Workspace;
  /** Through Lambda's API. */
  readonly invoke: InvokeRedrive;
};

/**
 * Opens what is deployed under the application's name. Nothing is made that is missing. Throws a MillraceError: "usage" where its functions are not there,
 * "kafka" and "state-store" where a server does not do what is asked.
 */
export async function openDeployed({ name, topology }: Application, options: DeployedOptions): Promise<Deployed> {
  const { endpoint = process.env.AWS_ENDPOINT_URL, profile } = options;
  const place = {
    ...(endpoint !== undefined && { endpoint, region: EMULATOR_REGION, credentials: credentialsFor(endpoint) }),
    ...(profile !== undefined && { profile }),
  };
  const { LambdaApi } = await import("../local/lambda-api.ts");
  const lambda = new LambdaApi(place);
  const env = await environmentOf(lambda, name, topology);
  const settings = fromEnvironment(env);
  const external = topology.topics.filter((topic) => topic.external).map((topic) => topic.name);
  const names = topicNames(settings.topicPrefix ?? "", external);
  const { KafkaBroker } = await import("../kafka/kafka-broker.ts");
  const { openDynamoDbStateLog } = await import("../state-log/dynamodb-state-log.ts");
  const { DynamoDbTableStore } = await import("../tables/dynamodb-table-store.ts");
  const { table, snapshots } = settings;
  const chunkBlobs = snapshots === undefined ? undefined : await openSnapshots(snapshots, table, place);
  const stateLog = await openDynamoDbStateLog({ table, ...place, ...(chunkBlobs !== undefined && { chunkBlobs }) });
  const tables = new DynamoDbTableStore({ stateTable: table, ...place });
  const kafka = new KafkaBroker(await kafkaOf(settings, env, options));
  const broker: Broker = withTopicNames(kafka, names);
  return {
    workspace: {
      broker,
      stateLog,
      tables,
      async close() {
        await kafka.close();
        await tables.close();
        await stateLog.close();
      },
    },
    invoke: async (plan, event) => {
      const text = JSON.stringify(inKafka(event, names));
      return (await lambda.invoke(deployedNameOf(name, plan.name), text)) as RedriveResponse;
    },
  };
}

/** Of any of its functions: they were all told the same of the application. */
async function environmentOf(lambda: LambdaApi, application: string, { functions }: Topology) {
  const [first] = functions as [FunctionPlan];
  const functionName = deployedNameOf(application, first.name);
  const env = await lambda.environmentOf(functionName);
  if (env !== undefined) return env;
  throw new MillraceError(
    "usage",
    `There is no function ${quote(functionName)} at ${lambda.address}: --deployed names an application that is deployed there, as MillraceApp calls it.`,
  );
}

/** As the functions reach it, unless somebody says how it is reached from here. */
async function kafkaOf(
  settings: LambdaSettings,
  env: Readonly<Record<string, string>>,
  { kafka: brokers, kafkaSettings: file, profile, folder }: DeployedOptions,
): Promise<KafkaSettings> {
  const { readKafkaSettings } = await import("../kafka/read-kafka-settings.ts");
  if (brokers !== undefined || file !== undefined) return readKafkaSettings({ brokers, file, profile, folder });
  const readSecret = async (id: string) => (await import("../lambda/secrets-manager.ts")).readSecret(id);
  return readKafkaSettingsOnLambda(settings, env, readSecret);
}

async function openSnapshots(place: string, table: string, aws: AwsSettings): Promise<BlobStore> {
  const { openBlobStore } = await import("../state-log/open-blob-store.ts");
  return openBlobStore(place, { table, folder: ".", ...aws });
}

/** What goes to a function has the names that Kafka has. */
function inKafka(event: RedriveEvent, { toKafka, fromKafka }: TopicNames): RedriveEvent {
  return renameTopics(event, { toKafka: fromKafka, fromKafka: toKafka });
}
