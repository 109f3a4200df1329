/**
 * What deployed functions ask of AWS and of Kafka, written down while the production clients run on simulated servers, held against the policies of the template:
 * every call is allowed, and every permission is needed, by the function or by Lambda, which acts as its role.
 */

import { Template } from "aws-cdk-lib/assertions";
import {
  boundedOutOfOrderness,
  dynamoTable,
  json,
  minutes,
  type Operator,
  operator,
  seconds,
  secret,
  stream,
  text,
  topic,
  tumbling,
} from "millrace";
import { beforeAll, describe, expect, test } from "vitest";
import { KafkaBroker } from "../../lib/kafka/kafka-broker.ts";
import { realOutside } from "../../lib/kafka/kafka-outside.ts";
import { LambdaRuntime } from "../../lib/lambda/lambda-runtime.ts";
import { writeEvent } from "../../lib/local/event-json.ts";
import { PERFECT_NETWORK } from "../../lib/simulation/network.ts";
import { SimulatedDynamoDb } from "../../lib/simulation/simulated-dynamodb.ts";
import { SimulatedKafka } from "../../lib/simulation/simulated-kafka.ts";
import { simulatedOutside } from "../../lib/simulation/simulated-outside.ts";
import { SimulatedS3 } from "../../lib/simulation/simulated-s3.ts";
import { DynamoDbTable } from "../../lib/state-log/dynamodb-client.ts";
import { DynamoDbStateLog } from "../../lib/state-log/dynamodb-state-log.ts";
import { S3BlobStore } from "../../lib/state-log/s3-blob-store.ts";
import { buildTopology } from "../../lib/stream/topology.ts";
import { nameOfTable } from "../../lib/tables/dynamodb-table-store.ts";
import type { TableStore } from "../../lib/tables/table-store.ts";
import { allows, type Call, type Permission, permissionsOf } from "./policies.ts";
import { REGION, recordAws, recordKafka } from "./recorded-calls.ts";
import { newStack, shop } from "./synthesize.ts";

const lines = topic("lines", {
  value: text(),
  key: text(),
  partitions: 1,
  watermark: boundedOutOfOrderness(seconds(2), { idleAfter: seconds(5) }),
});
const counts = topic("counts", { key: text(), value: json<number>(), partitions: 1 });
const totals = topic("totals", { key: text(), value: json<number>(), partitions: 1, exactlyOnce: true });
const archive = topic("archive", { value: text(), external: true, partitions: 1 });
const told = topic("told", { value: text(), partitions: 1 });

/** An author's function that throws now and then. */
function unlessBad(line: string): string {
  if (line.includes("bad")) throw new Error("a bad line");
  return line;
}

const operators: readonly Operator[] = [
  operator(
    "count",
    stream(lines)
      .map((line) => (line.includes("worse") ? line : unlessBad(line)))
      .keyBy((line) => line)
      .window(tumbling(minutes(1)))
      .count()
      .to(counts.from(({ key, value }) => (unlessBad(key) === "" ? 0 : value))),
  ),
  operator(
    "total",
    stream(counts)
      .keyedByTopicKey()
      .sum((value) => (value === 13 ? Number(unlessBad("bad")) : value))
      .to(totals.from(({ value }) => value)),
  ),
  operator("copy", stream(lines).map(unlessBad).to(archive)),
  operator(
    "index",
    stream(lines)
      .map((line) => ({ id: unlessBad(line).slice(0, 20) }))
      .to(dynamoTable<{ id: string }>("lines-by-id", { partitionKey: ({ id }) => id })),
  ),
  operator(
    "notify",
    stream(lines)
      .mapAsync({
        uses: { key: secret("shop/customer-key") },
        open: ({ key }) => key,
        call: async (line) => unlessBad(line).slice(0, 10),
        timeout: seconds(1),
      })
      .to(told),
  ),
];

const { functions, topics } = buildTopology(
  "shop",
  operators.map(({ definition }) => definition),
);
const FUNCTIONS = functions.map(({ name }) => name);
const calls = new Map<string, Map<string, Call>>(FUNCTIONS.map((name) => [name, new Map()]));

let template: Template;
let bucket = "";
let stateTable = "";
/** Loses the end of the next transaction that this many partitions are told of. */
let losesEnds = 0;
const kafka = new SimulatedKafka({
  now: Date.now,
  later: (_, work) => void setTimeout(work, 1),
  losesEnd: () => losesEnds-- > 0,
});
const dynamodb = new SimulatedDynamoDb({ now: Date.now, tables: ["shop"] });
const s3 = new SimulatedS3({ now: Date.now, buckets: ["snapshots"] });
const driver = new KafkaBroker({ brokers: kafka.addresses }, simulatedOutside(kafka, PERFECT_NETWORK, realOutside));

/** A new execution environment of a function, as `openLambdaRuntime` makes it, with all that it asks written down. */
function open(functionName: string): LambdaRuntime {
  const plan = functions.find(({ name }) => name === functionName)!;
  const record = (call: Call) => void calls.get(functionName)!.set(JSON.stringify(call), call);
  const newClient = () => recordAws(dynamodb.client(PERFECT_NETWORK), record);
  const chunkBlobs = new S3BlobStore({
    bucket: "snapshots",
    prefix: stateTable,
    client: recordAws(s3.client(PERFECT_NETWORK), record, bucket),
  });
  const written = plan.sources.flatMap(({ topic, writtenByMillrace }) => (writtenByMillrace ? topic.topicName : []));
  return new LambdaRuntime(
    plan.operator,
    { application: "shop", table: stateTable, writtenElsewhere: written },
    {
      broker: new KafkaBroker(
        { brokers: kafka.addresses },
        recordKafka(simulatedOutside(kafka, PERFECT_NETWORK, realOutside), record),
      ),
      stateLog: new DynamoDbStateLog(new DynamoDbTable({ table: stateTable, client: newClient() }), { chunkBlobs }),
      // The simulated DynamoDB does not know rows: a put of each is what the store makes of them (test/services/dynamodb-tables.test.ts).
      tables: {
        put: async (table) => {
          const resource = `arn:aws:dynamodb:${REGION}:111122223333:table/${nameOfTable(stateTable, table)}`;
          record({ action: "dynamodb:PutItem", resource });
        },
      } satisfies Pick<TableStore, "put"> as unknown as TableStore,
      // One message or ten: IAM knows one action for both.
      queue: {
        send: async () =>
          record({
            action: "sqs:SendMessage",
            resource: `arn:aws:sqs:${REGION}:111122223333:shop-${functionName}-wake-ups`,
          }),
      },
      now: Date.now,
      settings: {
        setting: () => undefined,
        secret: async (name) => {
          const resource = `arn:aws:secretsmanager:${REGION}:111122223333:secret:${name}-AbCdEf`;
          record({ action: "secretsmanager:GetSecretValue", resource });
          return "a key";
        },
        placeOf: (name) => name,
      },
      write: () => {},
    },
  );
}

const BYTES = { bytesMax: 50_000_000, recordsMax: 100_000 };

/** Everything in a topic from an offset on, as a mapping gives it. */
async function deliver(runtime: LambdaRuntime, topicName: string, from: number): Promise<void> {
  const { records, nextOffset } = await driver.fetch(topicName, 0, from, BYTES);
  if (records.count === 0) return;
  const origin = { eventSource: "aws:kafka", bootstrapServers: "b-1:9098", topic: topicName } as const;
  const event = writeEvent(origin, [{ partition: 0, columns: records, from: 0, to: records.count, nextOffset }]);
  await runtime.handle(JSON.parse(event));
}

const produce = (topicName: string, values: readonly string[], timestampMs: number) =>
  driver.produce([
    {
      topic: topicName,
      partition: 0,
      records: values.map((value) => ({
        key: Buffer.from(value.slice(0, 40)),
        value: Buffer.from(value),
        timestampMs,
        headers: [],
      })),
    },
  ]);

/** Text that cannot be compressed much, the same each time. */
function noise(seed: number, length: number): string {
  let x = seed + 1;
  return Array.from({ length }, () => {
    x = (Math.imul(x, 1_103_515_245) + 12_345) >>> 0;
    return String.fromCharCode(99 + ((x >>> 16) % 24));
  }).join("");
}

/** Dead letters of a function to be processed again. */
async function redrive(functionName: string): Promise<void> {
  const deadLetters = functions.find(({ name }) => name === functionName)!.deadLetterTopic;
  const { records, nextOffset } = await driver.fetch(deadLetters, 0, 0, BYTES);
  const origin = { eventSource: "aws:kafka", bootstrapServers: "", topic: deadLetters } as const;
  const event = writeEvent(origin, [{ partition: 0, columns: records, from: 0, to: records.count, nextOffset }]);
  await open(functionName).handle({ ...JSON.parse(event), eventSource: "millrace:redrive", functionName });
}

const inputOf = (name: string) => (name === "total" ? "counts" : name === "count--by-key" ? name : "lines");

const environments = new Map<string, LambdaRuntime>();

/** The last records of the input: what was not delivered before them is a hole, where a log says so. */
async function deliverLast(name: string): Promise<void> {
  const environment = environments.get(name) ?? open(name);
  environments.set(name, environment);
  await deliver(environment, inputOf(name), Math.max(0, kafka.endOffset(inputOf(name), 0) - (name === "copy" ? 3 : 1)));
}

/** Small and large batches, records that cannot be processed, holes, cold starts, ticks, redrives, and so many commits that all is swept that ever is. */
async function runAll(): Promise<void> {
  await driver.ensureTopics(topics);
  const startMs = Date.now() - 3_600_000;
  const readers = ["count", "copy", "index", "notify"];
  for (let i = 0; i < ROUNDS; i++) {
    if (i % COLD_EVERY === 0) environments.clear();
    // Some so large that a commit with them does not fit into an item; now and then, so that chunks are written again (runtime/kept-log.ts).
    for (let j = 0; j < 6; j++) await produce("lines", [noise(i * 6 + j, i % 10 < 2 ? 150_000 : 2_000)], startMs);
    await produce("lines", ["bad", "worse bad", `line ${i}`], startMs);
    for (const name of readers) await deliverLast(name);
    await deliverLast("count--by-key");
    await produce("counts", ["13", "1"], startMs);
    await deliverLast("total");
  }
  await produce("lines", ["the end"], startMs + 600_000);
  for (const name of [...readers, "count--by-key"]) await deliverLast(name);
  losesEnds = 1;
  for (const value of ["5", "6"]) {
    environments.clear();
    await produce("counts", [value], startMs);
    await deliverLast("total");
    losesEnds = 0;
  }
  for (const name of FUNCTIONS) await redrive(name);
  for (const functionName of ["count", "count--by-key"])
    await open(functionName).handle({
      eventSource: "millrace:tick",
      functionName,
      tasks: [{ topic: inputOf(functionName), partition: 0 }],
    });
}

/** More than twice as many as a task's log has slots. */
const ROUNDS = 80;
/** Rounds between two cold starts. */
const COLD_EVERY = 20;

beforeAll(async () => {
  const stack = newStack();
  shop(stack, { operators, state: { snapshotBucket: true } });
  template = Template.fromStack(stack);
  [bucket = ""] = Object.keys(template.findResources("AWS::S3::Bucket"));
  [stateTable = ""] = Object.values(template.findResources("AWS::DynamoDB::Table"))
    .map(({ Properties }) => Properties.TableName as string)
    .filter((name) => !name.includes("."));
  await runAll();
}, 120_000);

const permissionsFor = (name: string) => permissionsOf(template, `shop-${name}`);
const toText = ({ action, resource }: Permission | Call) => `${action} ${resource.split(":").slice(5).join(":")}`;

/** The call without the name of its function. */
const toKind = (name: string, { action, resource, conditions }: Permission) =>
  JSON.stringify([action, resource, conditions]).replaceAll(name, "*").replaceAll("*--redrive", "*");

/**
 * What Lambda asks as the role of a function: for its log, to put it and its mappings into a network, to find the brokers, to read what the mappings read, and to
 * take messages from its queue. After AWS's documentation: "Defining Lambda function permissions", "Configuring Amazon MSK event sources", "Using Lambda with Amazon SQS".
 */
const BY_LAMBDA = [
  /^logs:(CreateLogStream|PutLogEvents) /,
  /^ec2:/,
  /^kafka:(DescribeClusterV2|GetBootstrapBrokers) /,
  /^kafka-cluster:(DescribeClusterDynamicConfiguration|DescribeGroup|AlterGroup) /,
  /^kafka-cluster:(DescribeTopic|ReadData) .*\/lines$/,
  /^sqs:(ReceiveMessage|DeleteMessage|GetQueueAttributes) /,
];

/** KAFKA-20734: who writes the end of a transaction again may change everything in the cluster, so that is granted by hand when it is needed (docs/kafka.md). */
const NOT_GRANTED = ["kafka-cluster:AlterCluster cluster/shop/11111111-2222-3333-4444-555555555555-1"];

const callsOf = (name: string) => [...calls.get(name)!.values()];
const refused = (name: string) =>
  callsOf(name).filter((call) => !permissionsFor(name).some((permission) => allows(permission, call)));
const used = (name: string) =>
  permissionsFor(name).filter((permission) => callsOf(name).some((call) => allows(permission, call)));

describe.each(FUNCTIONS)("%s", (name) => {
  test("every call is allowed", () => {
    expect([...new Set(refused(name).map(toText))]).toEqual(name === "total" ? NOT_GRANTED : []);
  });

  test("every permission is needed: by the function, by another one that keeps more, or by Lambda", () => {
    const kinds = new Set(FUNCTIONS.flatMap((other) => used(other).map((permission) => toKind(other, permission))));
    const unused = permissionsFor(name).filter((permission) => !kinds.has(toKind(name, permission)));
    expect(unused.map(toText).filter((one) => !BY_LAMBDA.some((pattern) => pattern.test(one)))).toEqual([]);
  });
});

test("a permission that is missing or not needed is noticed", () => {
  const [first, ...others] = used("count") as [Permission, ...Permission[]];
  const needing = callsOf("count").filter((call) => allows(first, call));
  expect(needing.some((call) => others.some((permission) => allows(permission, call)))).toBe(false);
  const wide = { action: "dynamodb:Scan", resource: "*", conditions: [] };
  expect(callsOf("count").some((call) => allows(wide, call))).toBe(false);
  const elsewhere = { action: "dynamodb:PutItem", resource: `arn:aws:dynamodb:${REGION}:111122223333:table/shop` };
  const keys = (key: string) => ({ ...elsewhere, conditions: { "dynamodb:LeadingKeys": [key] } });
  const isAllowed = (call: Call) => permissionsFor("count").some((permission) => allows(permission, call));
  expect(isAllowed(keys("entries#shop/count/lines-0/0"))).toBe(true);
  expect(isAllowed(keys("entries#shop/total/counts-0/0"))).toBe(false);
});

test("a topic that is there with other settings is said", async () => {
  const [first] = topics.filter(({ external }) => !external);
  await expect(driver.checkSettings([{ ...first!, compacted: true }])).rejects.toThrow(
    `Topic "${first!.name}" is there with cleanup.policy=delete, and is declared with compact`,
  );
});

test("the function that creates topics asks for what it may, and for nothing else", async () => {
  const asked: Call[] = [];
  const broker = new KafkaBroker(
    { brokers: kafka.addresses },
    recordKafka(simulatedOutside(kafka, PERFECT_NETWORK, realOutside), (call) => void asked.push(call)),
  );
  for (const { name } of topics) kafka.deleteTopic(name);
  kafka.createTopic("archive", 1);
  const own = topics.filter(({ external }) => !external);
  await broker.ensureTopics(own);
  await broker.checkSettings(own);
  await broker.topics();
  await broker.close();
  const granted = permissionsFor("create-topics");
  expect([...new Set(asked.filter((call) => !granted.some((one) => allows(one, call))).map(toText))]).toEqual([]);
  const unused = granted.filter((one) => !asked.some((call) => allows(one, call))).map(toText);
  expect(unused.filter((one) => !BY_LAMBDA.some((pattern) => pattern.test(one)) && !one.endsWith("/archive"))).toEqual(
    [],
  );
});
