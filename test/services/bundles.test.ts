/**
 * What `cdk synth` makes of this repository's own operators, run from there: the bundles in processes as Lambda has them, the table and the topics as the
 * templates say, the mappings with the settings of the templates; on a real Kafka and a real DynamoDB.
 */

import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { CreateTableCommand, type CreateTableCommandInput, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { afterAll, beforeAll, expect, test } from "vitest";
import { wordCounts } from "../../functions/topics.ts";
import { main } from "../../lib/cli/main.ts";
import { KafkaBroker } from "../../lib/kafka/kafka-broker.ts";
import { EventSourceMapping } from "../../lib/local/event-source-mapping.ts";
import type { LambdaHandler } from "../../lib/local/invocation.ts";
import { type Assembly, functionIn, readAssembly } from "../../lib/local/lambda-runtime/assembly.ts";
import type { InvocationReport } from "../../lib/local/lambda-runtime/execution-environment.ts";
import { LocalLambda } from "../../lib/local/lambda-runtime/local-lambda.ts";
import { readTopic } from "../../lib/local/read-topic.ts";
import { startDynamoDbLocal } from "../../tools/services/dynamodb-local.ts";
import { type KafkaServer, startKafka } from "../../tools/services/kafka.ts";
import { TestTerminal } from "../cli/test-terminal.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const PARTITIONS = 4;
const LINES = 40_000;
const WINDOW_MS = 5_000;
const FUNCTIONS = ["count-words", "count-words--by-key"];
/** Which invocations of a function are killed, and when: the first while it is loaded, which always takes longer, and others in the middle, where there are so many. */
const KILLED_AFTER_MS = new Map([
  [1, 40],
  [3, 5],
  [6, 10],
]);

let folder = "";
let kafka: KafkaServer;
let dynamodb: Awaited<ReturnType<typeof startDynamoDbLocal>>;
let assembly: Assembly;
let broker: KafkaBroker;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "millrace-bundles-"));
  [kafka, dynamodb] = await Promise.all([startKafka(), startDynamoDbLocal(), synthesize()]);
  assembly = readAssembly(folder);
  broker = new KafkaBroker({ brokers: [kafka.bootstrap] });
  await makeTable();
});
afterAll(async () => {
  await broker?.close();
  await Promise.all([kafka?.stop(), dynamodb?.stop()]);
  rmSync(folder, { recursive: true, force: true });
});

/** The command of cdk.json. */
async function synthesize(): Promise<void> {
  const { app, context } = JSON.parse(readFileSync(join(ROOT, "cdk.json"), "utf8")) as { app: string; context: object };
  const env = { PATH: process.env.PATH, CDK_OUTDIR: folder, CDK_CONTEXT_JSON: JSON.stringify(context) };
  await promisify(execFile)(process.execPath, app.split(" ").slice(1), { cwd: ROOT, env });
}

/** With the keys of the template. */
async function makeTable(): Promise<void> {
  const [{ KeySchema, AttributeDefinitions }] = assembly.propertiesOf("AWS::DynamoDB::Table") as [
    Pick<CreateTableCommandInput, "KeySchema" | "AttributeDefinitions">,
  ];
  const { MILLRACE_TABLE: TableName } = functionIn(assembly, "count-words").environment;
  const credentials = { accessKeyId: "local", secretAccessKey: "local" };
  const client = new DynamoDBClient({ endpoint: dynamodb.endpoint, region: "us-east-1", credentials });
  const table = { TableName, KeySchema, AttributeDefinitions, BillingMode: "PAY_PER_REQUEST" } as const;
  await client.send(new CreateTableCommand(table));
  client.destroy();
}

/** A function of the templates on these servers. */
function open(name: string, reports: InvocationReport[] = []): LocalLambda {
  const code = functionIn(assembly, name);
  const here = {
    AWS_REGION: "us-east-1",
    AWS_ENDPOINT_URL_DYNAMODB: dynamodb.endpoint,
    KAFKA_BOOTSTRAP_SERVERS: kafka.bootstrap,
    MILLRACE_KAFKA_TLS: "false",
    MILLRACE_KAFKA_LOGIN: "none",
  };
  return new LocalLambda({ ...code, environment: { ...code.environment, ...here } }, (report) => reports.push(report));
}

/** The mapping of a function as its template says, to a function that is killed now and then. */
function mappingTo(name: string, lambda: LocalLambda): EventSourceMapping {
  const physicalName = functionIn(assembly, name).name;
  const [mapping] = assembly.mappings.filter(({ functionName }) => functionName === physicalName);
  const target = lambda.function;
  let invocations = 0;
  const handler = (async (eventText: string) => {
    invocations += 1;
    const killedAfterMs = KILLED_AFTER_MS.get(invocations);
    if (killedAfterMs !== undefined) setTimeout(() => void lambda.kill(), killedAfterMs);
    return (target.handler as unknown as (eventText: string) => unknown)(eventText);
  }) as unknown as LambdaHandler;
  const { topic, consumerGroup, batchSize, batchWindowSeconds, startingPosition } = mapping!;
  return new EventSourceMapping({
    broker,
    topic,
    consumerGroup,
    batchSize,
    batchWindowMs: batchWindowSeconds * 1_000,
    startingPosition,
    function: { ...target, handler },
    eventSource: "SelfManagedKafka",
    bootstrapServers: kafka.bootstrap,
  });
}

/** Half a millisecond apart, over all partitions; and what a plain count makes of them. */
function linesFrom(baseMs: number) {
  const expected = new Map<string, number>();
  const batches = Array.from({ length: PARTITIONS }, (_, partition) => ({
    topic: "lines",
    partition,
    records: Array.from({ length: LINES / PARTITIONS }, (_unused, i) => {
      const n = i * PARTITIONS + partition;
      const timestampMs = baseMs + Math.floor(n / 2);
      const windowStartMs = Math.floor(timestampMs / WINDOW_MS) * WINDOW_MS;
      for (const word of ["all", `word${n % 7}`]) {
        const name = `${windowStartMs} ${word}`;
        expected.set(name, (expected.get(name) ?? 0) + 1);
      }
      return { key: null, value: Buffer.from(`All word${n % 7}!`), timestampMs, headers: [] };
    }),
  }));
  return { batches, expected };
}

/** One line a partition that closes every window before it. */
function closingLines(timestampMs: number) {
  const record = { key: null, value: Buffer.from("end"), timestampMs, headers: [] };
  return Array.from({ length: PARTITIONS }, (_, partition) => ({ topic: "lines", partition, records: [record] }));
}

/** What a reader has who drops repeats: counts by window and word. */
async function readCounts(): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  const seen = new Set<string>();
  for (const { value, identity } of await readTopic(broker, wordCounts)) {
    const id = JSON.stringify(identity);
    if (seen.has(id)) continue;
    seen.add(id);
    const { word, count, windowStartMs } = value as { word: string; count: number; windowStartMs: number };
    const name = `${windowStartMs} ${word}`;
    counts.set(name, (counts.get(name) ?? 0) + count);
  }
  return counts;
}

test("the bundles make the topics and count every word once, through cold starts and kills, and take a repeat for one", async () => {
  const [properties] = assembly.propertiesOf("Custom::MillraceTopics");
  const creating = open("lines-dev-create-topics");
  const made = await creating.invoke(JSON.stringify({ RequestType: "Create", ResourceProperties: properties }));
  await creating.close();
  expect(made.outcome).toEqual({ kind: "succeeded", responseText: "{}" });
  expect((await broker.topics()).map(({ name }) => name)).toEqual(
    expect.arrayContaining(["lines", "word-counts", "count-words--by-key"]),
  );

  const baseMs = Math.floor(Date.now() / WINDOW_MS) * WINDOW_MS - 10 * WINDOW_MS;
  const { batches, expected } = linesFrom(baseMs);
  for (const batch of batches) await broker.produce([batch]);
  await broker.produce(closingLines(baseMs + 8 * WINDOW_MS));

  const reports = FUNCTIONS.map((): InvocationReport[] => []);
  const lambdas = FUNCTIONS.map((name, i) => open(name, reports[i]));
  const stopping = new AbortController();
  const running = FUNCTIONS.map((name, i) => mappingTo(name, lambdas[i]!).run(stopping.signal));
  try {
    await expect.poll(readCounts, { timeout: 120_000, interval: 500 }).toEqual(expected);
  } finally {
    stopping.abort();
    await Promise.all(running);
    await Promise.all(lambdas.map((lambda) => lambda.close()));
  }
  for (const ofOne of reports) {
    expect(ofOne.filter(({ outcome }) => outcome.kind !== "succeeded").length).toBeGreaterThanOrEqual(1);
    expect(ofOne.filter(({ initMs }) => initMs !== undefined).length).toBeGreaterThanOrEqual(2);
    expect(ofOne.map(({ logs }) => logs).join()).toContain("CloudWatchMetrics");
  }
  for (const { outcome } of reports.flat())
    if (outcome.kind === "failed") expect(outcome.error.errorType).toBe("Runtime.ExitError");

  // The same bundle by the command, with records that it has had.
  const record = { topic: "lines", partition: 0, offset: 0, timestamp: baseMs, timestampType: "CREATE_TIME" };
  const records = { "lines-0": [{ ...record, value: Buffer.from("All word0!").toString("base64"), headers: [] }] };
  const terminal = new TestTerminal(ROOT, JSON.stringify({ eventSource: "SelfManagedKafka", records }));
  const place = ["--out", folder, "--kafka", kafka.bootstrap, "--dynamodb", dynamodb.endpoint];
  expect(await main(["invoke", "count-words", "--event", "-", "--json", ...place], terminal)).toBe(0);
  expect(JSON.parse(terminal.output).response).toEqual({ batchItemFailures: [] });
  expect(await readCounts()).toEqual(expected);
}, 240_000);
