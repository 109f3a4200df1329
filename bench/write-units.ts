/**
 * `npm run bench:units`: what the state log costs in DynamoDB's write units, beside one item per key on the same table of a real DynamoDB Local.
 *
 * Both count the same events: batches of 1,000 page views of 300 users. The log commits each batch in both functions, what it sends included. The
 * other adds up the batch in memory and then updates an item per user and window, which is the best that can be done without a log, and counts twice
 * when a batch is delivered again.
 */

import { DynamoDBClient, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { writeEvent } from "../lib/local/event-json.ts";
import { newHost } from "../lib/local/host.ts";
import { MemoryBroker } from "../lib/local/memory-broker.ts";
import { HOST } from "../lib/runtime/host.ts";
import { type DynamoDbStateLog, openDynamoDbStateLog } from "../lib/state-log/dynamodb-state-log.ts";
import { buildTopology } from "../lib/stream/topology.ts";
import { startDynamoDbLocal } from "../tools/services/dynamodb-local.ts";
import { countByUser, WINDOW_MS } from "./operators.ts";

const TOPIC = "plain-views";
const START_MS = 1_700_000_000_000;
/** 20,000 records a second: all of them lie in one window. */
const RECORDS_PER_MS = 20;

const EVENTS = 50;
const BATCH = 1_000;
const KEYS = 300;
/** Enough of the other way: each batch costs the same. */
const EVENTS_PER_KEY = 10;
const UPDATES_AT_A_TIME = 16;

const TABLE = "bench";
const CREDENTIALS = { accessKeyId: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: "example" };

const server = await startDynamoDbLocal();
try {
  const log = await openDynamoDbStateLog({ endpoint: server.endpoint, table: TABLE, create: true });
  const ours = await measureLog(log);
  const perKey = await measureItemPerKey(server.endpoint);
  await log.close();
  const figure = (units: number) => `${units.toFixed(5)} write units a record`;
  process.stdout.write(`batches of ${BATCH} records, ${KEYS} keys, ${EVENTS} batches\n`);
  process.stdout.write(`  state log, both functions     ${figure(ours.all)} (target 0.01)\n`);
  process.stdout.write(`    reading and shuffling       ${figure(ours.reading)}\n`);
  process.stdout.write(`    counting                    ${figure(ours.counting)}\n`);
  process.stdout.write(`  one item per key              ${figure(perKey)}\n`);
  process.stdout.write(`  as many units with an item per key: ${(perKey / ours.all).toFixed(1)} × (target 30 ×)\n`);
} finally {
  await server.stop();
}

async function measureLog(log: DynamoDbStateLog) {
  const topology = buildTopology("bench", [countByUser.definition], () => 1);
  const broker = new MemoryBroker();
  await broker.ensureTopics(topology.topics);
  const host = newHost({
    topology,
    broker,
    stateLog: log,
    now: () => START_MS,
    wake: () => {},
    report: () => {},
  });
  const context = {
    awsRequestId: "bench",
    functionName: "bench",
    getRemainingTimeInMillis: () => 60_000,
    [HOST]: host,
  };
  const records = Array.from({ length: EVENTS * BATCH }, (_, i) => ({
    key: null,
    value: Buffer.from(JSON.stringify(viewOf(i))),
    timestampMs: timestampOf(i),
    headers: [],
  }));
  for (let i = 0; i < EVENTS; i += 1)
    await broker.produce([{ topic: TOPIC, partition: 0, records: records.slice(i * BATCH, (i + 1) * BATCH) }]);
  const deliver = async (topic: string, recordsMax: number) => {
    const high = (await broker.offsets(topic))[0]?.high ?? 0;
    for (let at = 0; at < high; ) {
      const { records: columns, nextOffset } = await broker.fetch(topic, 0, at, { bytesMax: 2 ** 30, recordsMax });
      const slice = { partition: 0, columns, from: 0, to: columns.count, nextOffset };
      const origin = { eventSource: "aws:kafka", bootstrapServers: "localhost:9092", topic } as const;
      await countByUser(writeEvent(origin, [slice]), context);
      at = nextOffset;
    }
  };
  await deliver(TOPIC, BATCH);
  const reading = log.units.write;
  // A bundle for each batch, and a commit for each bundle.
  await deliver(`${countByUser.operatorName}--by-key`, 1);
  const all = log.units.write;
  return { all: all / records.length, reading: reading / records.length, counting: (all - reading) / records.length };
}

/** The users come in no order, and about all of them in every batch. */
function viewOf(i: number) {
  const user = `user-${(Math.imul(i, 0x9e3779b1) >>> 0) % KEYS}`;
  return { id: i, user, page: `/products/${i % 1_000}`, status: 200, ms: i % 97, country: "CH", agent: "", note: "" };
}

function timestampOf(i: number): number {
  return START_MS + Math.floor(i / RECORDS_PER_MS);
}

async function measureItemPerKey(endpoint: string): Promise<number> {
  const client = new DynamoDBClient({ endpoint, region: "us-east-1", credentials: CREDENTIALS });
  let units = 0;
  for (let event = 0; event < EVENTS_PER_KEY; event += 1) {
    const counts = [...countViews(event * BATCH)];
    while (counts.length > 0) {
      const some = counts.splice(0, UPDATES_AT_A_TIME);
      const answers = await Promise.all(some.map(([key, count]) => client.send(addTo(key, count))));
      for (const { ConsumedCapacity } of answers) units += ConsumedCapacity?.CapacityUnits ?? 0;
    }
  }
  client.destroy();
  return units / (EVENTS_PER_KEY * BATCH);
}

function countViews(from: number): Map<string, number> {
  const counts = new Map<string, number>();
  for (let i = from; i < from + BATCH; i += 1) {
    const key = `${viewOf(i).user} ${Math.floor(timestampOf(i) / WINDOW_MS)}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}

function addTo(key: string, count: number): UpdateItemCommand {
  return new UpdateItemCommand({
    TableName: TABLE,
    Key: { pk: { S: `views#${key}` }, sk: { S: "count" } },
    UpdateExpression: "ADD #count :count",
    ExpressionAttributeNames: { "#count": "count" },
    ExpressionAttributeValues: { ":count": { N: String(count) } },
    ReturnConsumedCapacity: "TOTAL",
  });
}
