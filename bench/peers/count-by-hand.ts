/** Lambdas written by hand on the same servers, over fewer records: what each costs is so much that few are enough, and every count in the table is checked. */

import { CreateTableCommand, DynamoDBClient, paginateScan, waitUntilTableExists } from "@aws-sdk/client-dynamodb";
import type { KafkaBroker } from "../../lib/kafka/kafka-broker.ts";
import type { ProgressOf, Row, Section } from "../section.ts";
import { startModule } from "../services/child.ts";
import type { Servers } from "../services/servers.ts";
import type { Way } from "./by-hand.ts";
import type { TakenByHand } from "./by-hand-side.ts";
import { PARTITIONS, writeViews } from "./views.ts";

const CREDENTIALS = { accessKeyId: "local", secretAccessKey: "local" };
const SIDE = new URL("./by-hand-side.ts", import.meta.url);
/** Among the ids of sides. */
export const BY_HAND = "by-hand";

const WAYS = [
  { way: "item-per-key", what: "a conditional update per key and batch of 10,000", records: 40_000 },
  { way: "idempotent-records", what: "each record idempotent, as with Powertools", records: 4_000 },
] as const satisfies readonly { readonly way: Way; readonly what: string; readonly records: number }[];

/** `recordsPerSecond`: what Millrace reached on the same servers, where it took part. */
export async function countByHand(
  servers: Pick<Servers, "kafka" | "dynamodb">,
  broker: KafkaBroker,
  recordsPerSecond: number | undefined,
  progressOf: ProgressOf,
): Promise<Section> {
  const progress = progressOf("by hand");
  const client = new DynamoDBClient({ endpoint: servers.dynamodb, region: "local", credentials: CREDENTIALS });
  const rows: Row[] = [];
  try {
    for (const [i, { way, what, records }] of WAYS.entries()) {
      progress(i, WAYS.length);
      const topic = `views-${way}`;
      await broker.ensureTopics([{ name: topic, partitions: PARTITIONS, compacted: false, retentionMs: undefined }]);
      const expected = await writeViews(broker, records, () => {}, topic);
      const table = `peers-${way}`;
      await createTable(client, table);
      const child = startModule(SIDE, [servers.kafka, servers.dynamodb, topic, table, way]);
      try {
        const taken = JSON.parse(await child.line()) as TakenByHand;
        await expectCounts(client, table, expected);
        rows.push(toRow(what, records, taken, recordsPerSecond));
      } finally {
        await child.kill();
      }
    }
  } finally {
    progress(1, 1);
    client.destroy();
  }
  return {
    title: "the same count by hand, on the same DynamoDB Local, counts left in the table and no results written",
    rows,
  };
}

function toRow(what: string, records: number, taken: TakenByHand, recordsPerSecond: number | undefined): Row {
  const rate = records / taken.wallSeconds;
  return {
    what,
    figure: [
      `${Math.round(rate).toLocaleString("en")} records per second`,
      `${Math.round(records / taken.cpuSeconds).toLocaleString("en")} per CPU second`,
      `${(taken.writeUnits / records).toFixed(3)} write units a record`,
      ...(recordsPerSecond === undefined ? [] : ["Millrace, records per second against it:"]),
    ].join("; "),
    value: rate,
    unit: "records per second",
    ...(recordsPerSecond !== undefined && { ratio: recordsPerSecond / rate, target: "≥ 10" }),
  };
}

async function createTable(client: DynamoDBClient, table: string): Promise<void> {
  await client.send(
    new CreateTableCommand({
      TableName: table,
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: [{ AttributeName: "pk", AttributeType: "S" }],
      KeySchema: [{ AttributeName: "pk", KeyType: "HASH" }],
    }),
  );
  await waitUntilTableExists({ client, maxWaitTime: 60 }, { TableName: table });
}

async function expectCounts(
  client: DynamoDBClient,
  table: string,
  expected: ReadonlyMap<string, number>,
): Promise<void> {
  let right = 0;
  for await (const { Items } of paginateScan({ client }, { TableName: table }))
    for (const { pk, count } of Items ?? [])
      if (expected.has(pk?.S ?? "")) {
        if (Number(count?.N) !== expected.get(pk?.S ?? ""))
          throw new Error(`${table} is wrong: ${pk?.S} has ${count?.N}, ${expected.get(pk?.S ?? "")} expected.`);
        right += 1;
      }
  if (right !== expected.size) throw new Error(`${table} has ${right} of ${expected.size} counts.`);
}
