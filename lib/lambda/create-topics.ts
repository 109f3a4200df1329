/** A function that runs while a stack is deployed: it creates the topics that are missing, and checks those that are there. It deletes none, ever. */

import type { TopicSpec } from "../kafka/broker.ts";
import { KafkaBroker } from "../kafka/kafka-broker.ts";
import { MillraceError } from "../stream/error.ts";
import { readKafkaSettingsOnLambda } from "./kafka-secrets.ts";
import { saidBy } from "./lambda-settings.ts";

/** What CloudFormation's event holds, as the CDK's framework for custom resources hands it on. */
export type TopicsEvent = {
  readonly RequestType: "Create" | "Update" | "Delete";
  /** Texts, since CloudFormation makes texts of everything. */
  readonly ResourceProperties: {
    /** In JSON: the topics of the application. */
    readonly topics: string;
    /** In JSON: topics of others, and how many partitions the application takes them to have. */
    readonly external: string;
  };
};

/** Throws, which fails the deployment, where a topic has another number of partitions or other settings than the application says, or an external one is missing. */
export async function handler({ RequestType, ResourceProperties }: TopicsEvent): Promise<object> {
  if (RequestType === "Delete") return {};
  const readSecret = async (id: string) => (await import("./secrets-manager.ts")).readSecret(id);
  const broker = new KafkaBroker({
    ...(await readKafkaSettingsOnLambda(saidBy(process.env), process.env, readSecret)),
    callTimeoutMs: CALL_TIMEOUT_MS,
  });
  try {
    const own = JSON.parse(ResourceProperties.topics) as readonly TopicSpec[];
    await broker.ensureTopics(own);
    await broker.checkSettings(own);
    const found = new Map((await broker.topics()).map(({ name, partitions }) => [name, partitions]));
    for (const { name, partitions } of JSON.parse(ResourceProperties.external) as readonly TopicSpec[])
      assertFits(name, partitions, found.get(name));
    return {};
  } finally {
    await broker.close();
  }
}

/** A cluster that was just made answers slowly at first. */
const CALL_TIMEOUT_MS = 60_000;

function assertFits(name: string, declared: number, partitions: number | undefined): void {
  if (partitions === declared) return;
  throw new MillraceError(
    "kafka",
    partitions === undefined
      ? `Topic "${name}" is declared external, so somebody else has to create it, and it is not there.`
      : `Topic "${name}" has ${partitions} partitions, and the application declares ${declared}: set partitions: ${partitions} where it is declared.`,
  );
}
