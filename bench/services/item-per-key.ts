/**
 * The same count with an item of DynamoDB per user and window: a batch is added up in memory, then each item is updated. It is the best that can be done
 * without a log, and counts twice when a batch is delivered again.
 */

import { DynamoDBClient, UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import type { PageView } from "../events.ts";
import { viewRecord } from "../events.ts";
import { WINDOW_MS } from "../operators.ts";

const UPDATES_AT_A_TIME = 16;
/** DynamoDB Local takes any. */
const CREDENTIALS = { accessKeyId: "local", secretAccessKey: "local" };

/** Counts batches of views; returns the write units a record, and the milliseconds of each batch. */
export async function countByItems(
  place: { readonly endpoint: string; readonly table: string },
  { batches, batch, keys }: { readonly batches: number; readonly batch: number; readonly keys: number },
): Promise<{ readonly unitsPerRecord: number; readonly batchMs: readonly number[] }> {
  const client = new DynamoDBClient({ endpoint: place.endpoint, region: "local", credentials: CREDENTIALS });
  let units = 0;
  const batchMs: number[] = [];
  try {
    for (let i = 0; i < batches; i += 1) {
      const counts = [...countBatch(i * batch, batch, keys)];
      const startMs = performance.now();
      while (counts.length > 0) {
        const some = counts.splice(0, UPDATES_AT_A_TIME);
        const answers = await Promise.all(some.map(([key, count]) => client.send(addTo(place.table, key, count))));
        for (const { ConsumedCapacity } of answers) units += ConsumedCapacity?.CapacityUnits ?? 0;
      }
      batchMs.push(performance.now() - startMs);
    }
  } finally {
    client.destroy();
  }
  return { unitsPerRecord: units / (batches * batch), batchMs };
}

function countBatch(from: number, batch: number, keys: number): Map<string, number> {
  const counts = new Map<string, number>();
  for (let i = from; i < from + batch; i += 1) {
    const { value, timestampMs } = viewRecord(i, keys);
    const { user } = JSON.parse(String(value)) as PageView;
    const key = `${user} ${Math.floor(timestampMs / WINDOW_MS)}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}

function addTo(table: string, key: string, count: number): UpdateItemCommand {
  return new UpdateItemCommand({
    TableName: table,
    Key: { pk: { S: `views#${key}` }, sk: { S: "count" } },
    UpdateExpression: "ADD #count :count",
    ExpressionAttributeNames: { "#count": "count" },
    ExpressionAttributeValues: { ":count": { N: String(count) } },
    ReturnConsumedCapacity: "TOTAL",
  });
}
