/** What a deployed function is told by its environment: written by who deploys it, read when it starts. How Kafka is reached stands in Kafka's own variables. */

import { MillraceError } from "../stream/error.ts";

export type LambdaSettings = {
  readonly application: string;
  /** The DynamoDB table with the application's state. */
  readonly table: string;
  /** Where large chunks of state lie, `s3://bucket/prefix`. Default: in the table. */
  readonly snapshots?: string | undefined;
  /** The address of the SQS queue that brings wake-ups back to this function. Default: nobody wakes it. */
  readonly wakeUpQueue?: string | undefined;
  /** What stands before the names of the application's own topics in Kafka. */
  readonly topicPrefix?: string | undefined;
  /** "all": CloudWatch makes a metric of each figure of an invocation, and not of the essential ones alone. */
  readonly metrics?: string | undefined;
  /** Topics it reads that other operators of the application write: their records carry identities. */
  readonly writtenElsewhere: readonly string[];
  /** A secret with `username` and `password`, or with `certificate`, `privateKey` and `privateKeyPassword`, as event source mappings want them. */
  readonly kafkaSecret?: string | undefined;
  /** A secret with the `certificate` of the authority that Kafka's brokers have theirs from. */
  readonly kafkaAuthoritySecret?: string | undefined;
};

type Environment = Readonly<Record<string, string | undefined>>;

const NAMES = {
  application: "MILLRACE_APPLICATION",
  table: "MILLRACE_TABLE",
  snapshots: "MILLRACE_SNAPSHOTS",
  wakeUpQueue: "MILLRACE_WAKE_UP_QUEUE",
  topicPrefix: "MILLRACE_TOPIC_PREFIX",
  metrics: "MILLRACE_METRICS",
  kafkaSecret: "MILLRACE_KAFKA_SECRET",
  kafkaAuthoritySecret: "MILLRACE_KAFKA_AUTHORITY_SECRET",
} as const;
const WRITTEN_ELSEWHERE = "MILLRACE_WRITTEN_TOPICS";

/** The variables that say it. */
export function toEnvironment({ writtenElsewhere, ...texts }: LambdaSettings): Record<string, string> {
  const variables = Object.entries(NAMES).flatMap(([key, name]) => {
    const text = texts[key as keyof typeof NAMES];
    return text === undefined || text === "" ? [] : [[name, text]];
  });
  if (writtenElsewhere.length > 0) variables.push([WRITTEN_ELSEWHERE, writtenElsewhere.join()]);
  return Object.fromEntries(variables);
}

/** What of it the variables say. */
export function saidBy(env: Environment): Partial<Omit<LambdaSettings, "writtenElsewhere">> {
  return Object.fromEntries(
    Object.entries(NAMES).flatMap(([key, name]) =>
      env[name] === undefined || env[name] === "" ? [] : [[key, env[name]]],
    ),
  );
}

/** The reverse. Throws "usage" where there is no application or no table: a function was deployed in another way than by MillraceApp. */
export function fromEnvironment(env: Environment): LambdaSettings {
  const said = saidBy(env);
  const { application, table } = said;
  if (application === undefined || table === undefined)
    throw new MillraceError(
      "usage",
      `This function does not know its ${application === undefined ? "application" : "table"}: set ${application === undefined ? NAMES.application : NAMES.table}, or deploy it with MillraceApp, which does.`,
    );
  const written = env[WRITTEN_ELSEWHERE] ?? "";
  return { ...said, application, table, writtenElsewhere: written === "" ? [] : written.split(",") };
}
