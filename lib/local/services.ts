/** A workspace on servers: Apache Kafka holds the topics, DynamoDB the state, S3 or a folder its large chunks. Their clients are loaded when one is opened. */

import type { BlobStore } from "../state-log/blob-store.ts";
import type { Application } from "./application.ts";
import type { Workspace } from "./workspace.ts";

export type ServicesOptions = {
  /** Bootstrap servers, `host:port` separated by commas. Default: those of the file, KAFKA_BOOTSTRAP_SERVERS, or what `npm run services` starts. */
  readonly kafka?: string | undefined;
  /** A file with Kafka's settings. Default: MILLRACE_KAFKA_SETTINGS, and the other MILLRACE_KAFKA_… variables. */
  readonly kafkaSettings?: string | undefined;
  /** What that file, and a folder of snapshots, is relative to. Default: the current folder. */
  readonly folder?: string | undefined;
  /** DynamoDB's address, or "aws" for the one of the region. Default: AWS_ENDPOINT_URL_DYNAMODB, or what `npm run services` starts. */
  readonly dynamodb?: string | undefined;
  /** A profile of the AWS configuration, for credentials: DynamoDB's, and Kafka's where the login is by IAM. */
  readonly profile?: string | undefined;
  /** Where chunks of more than 32 KB lie, `s3://bucket/prefix` or a folder. Default: in the table, as all else. */
  readonly snapshots?: string | undefined;
  /** The address of a server that speaks S3's language. Default: AWS_ENDPOINT_URL_S3, or AWS's own in the region. */
  readonly s3Endpoint?: string | undefined;
};

const DYNAMODB_DEFAULT = "http://127.0.0.1:8000";
/** DynamoDB Local takes any; it asks only that there are some. The S3 of `npm run services` takes these. */
const LOCAL_CREDENTIALS = { accessKeyId: "local", secretAccessKey: "local" };
/** DynamoDB wants at least three characters. */
const TABLE_PREFIX = "millrace-";

/**
 * Opens the topics and the state of an application on servers; topics and table are made where they are missing. Several processes may do so at once:
 * the protocol keeps them apart. Throws a MillraceError "usage" for snapshots in a place that is none, and "kafka" or "state-store" where a server does not do what is asked, with a sentence.
 */
export async function openServices(application: Application, options: ServicesOptions): Promise<Workspace> {
  const { env } = process;
  const endpoint = options.dynamodb ?? env.AWS_ENDPOINT_URL_DYNAMODB ?? DYNAMODB_DEFAULT;
  const isOurs = endpoint !== "aws" && options.profile === undefined && env.AWS_ACCESS_KEY_ID === undefined;
  const { KafkaBroker } = await import("../kafka/kafka-broker.ts");
  const { openDynamoDbStateLog } = await import("../state-log/dynamodb-state-log.ts");
  const { readKafkaSettings } = await import("../kafka/read-kafka-settings.ts");
  const { kafka, kafkaSettings, profile, folder } = options;
  const table = `${TABLE_PREFIX}${application.name}`;
  // First: a place that is none is said before anything is made.
  const chunkBlobs = await openSnapshots(table, options);
  const broker = new KafkaBroker(readKafkaSettings({ brokers: kafka, file: kafkaSettings, profile, folder }));
  try {
    await broker.ensureTopics(
      application.topology.topics.map(({ name, partitions, compacted, retentionMs }) => ({
        name,
        partitions,
        compacted,
        retentionMs,
      })),
    );
    const dynamodb = {
      ...(endpoint !== "aws" && { endpoint, region: env.AWS_REGION ?? "local" }),
      ...(profile !== undefined && { profile }),
      ...(isOurs && { credentials: LOCAL_CREDENTIALS }),
    };
    const stateLog = await openDynamoDbStateLog({
      table,
      create: true,
      ...dynamodb,
      ...(chunkBlobs !== undefined && { chunkBlobs }),
    });
    const { DynamoDbTableStore } = await import("../tables/dynamodb-table-store.ts");
    const tables = new DynamoDbTableStore({ stateTable: table, ...dynamodb });
    await tables.ensureTables(application.topology.tables);
    return {
      broker,
      stateLog,
      tables,
      async close() {
        await broker.close();
        await tables.close();
        await stateLog.close();
      },
    };
  } catch (error) {
    await broker.close();
    chunkBlobs?.close?.();
    throw error;
  }
}

async function openSnapshots(
  table: string,
  { snapshots, s3Endpoint, profile, folder = "." }: ServicesOptions,
): Promise<BlobStore | undefined> {
  if (snapshots === undefined) return undefined;
  const { env } = process;
  const endpoint = s3Endpoint ?? env.AWS_ENDPOINT_URL_S3;
  const isOurs = endpoint !== undefined && profile === undefined && env.AWS_ACCESS_KEY_ID === undefined;
  const { openBlobStore } = await import("../state-log/open-blob-store.ts");
  return openBlobStore(snapshots, {
    table,
    folder,
    ...(endpoint !== undefined && { endpoint, region: env.AWS_REGION ?? "us-east-1" }),
    ...(profile !== undefined && { profile }),
    ...(isOurs && { credentials: LOCAL_CREDENTIALS }),
  });
}
