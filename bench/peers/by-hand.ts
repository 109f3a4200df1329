/**
 * Lambdas as they are written by hand on AWS, which keep counts in DynamoDB: one adds up a batch and updates an item per key under a condition; one makes each record
 * idempotent, as Powertools for AWS Lambda does. Neither closes a window nor writes a result: the counts stay in the table.
 */

import { Buffer } from "node:buffer";
import {
  ConditionalCheckFailedException,
  DynamoDBClient,
  PutItemCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import type { KafkaEvent } from "../../lib/wire/lambda-event.ts";
import type { PageView } from "../events.ts";
import { resultKey, WINDOW_MS } from "./views.ts";

/** Calls under way at a time; more are not answered sooner. */
const CALLS_AT_A_TIME = 32;
const DAY_SECONDS = 86_400;
const IN_PROGRESS_MS = 60_000;

export type ByHand = { readonly handler: (event: KafkaEvent) => Promise<void>; readonly writeUnits: () => number };
export type Way = "item-per-key" | "idempotent-records";

type Call = PutItemCommand | UpdateItemCommand;

export function newHandler(way: Way, endpoint: string, table: string): ByHand {
  // DynamoDB Local takes any.
  const credentials = { accessKeyId: "local", secretAccessKey: "local" };
  const client = new DynamoDBClient({ endpoint, region: "local", credentials });
  let units = 0;
  /** Whether its condition held. */
  const write = async (call: Call): Promise<boolean> => {
    try {
      const { ConsumedCapacity } = await client.send(call as PutItemCommand);
      units += ConsumedCapacity?.CapacityUnits ?? 0;
      return true;
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return false;
      throw error;
    }
  };
  const handler = way === "item-per-key" ? itemPerKey(table, write) : idempotentRecords(table, write);
  return { handler, writeUnits: () => units };
}

type Write = (call: Call) => Promise<boolean>;

/** A batch that comes again changes nothing, as long as it comes again with the same last record: where it is cut otherwise, counts are wrong. */
function itemPerKey(table: string, write: Write): ByHand["handler"] {
  return async ({ records }) => {
    for (const own of Object.values(records)) {
      const counts = new Map<string, number>();
      for (const { value, timestamp } of own) {
        const { user } = JSON.parse(Buffer.from(value ?? "", "base64").toString()) as PageView;
        const key = resultKey(user, timestamp - (timestamp % WINDOW_MS));
        counts.set(key, (counts.get(key) ?? 0) + 1);
      }
      const last = own.at(-1);
      if (last === undefined) continue;
      await forAll([...counts], ([key, count]) =>
        write(
          new UpdateItemCommand({
            TableName: table,
            Key: { pk: { S: key } },
            UpdateExpression: "SET #offset = :offset ADD #count :count",
            ConditionExpression: "attribute_not_exists(#offset) OR #offset < :offset",
            ExpressionAttributeNames: { "#offset": `offset-${last.partition}`, "#count": "count" },
            ExpressionAttributeValues: { ":offset": { N: String(last.offset) }, ":count": { N: String(count) } },
            ReturnConsumedCapacity: "TOTAL",
          }),
        ),
      );
    }
  };
}

/**
 * For each record an item that says that it is under way, the work, and that it is done: the attributes and conditions are those of Powertools' DynamoDB layer. Who
 * dies between the work and the last write has its record counted again when its time is over.
 */
function idempotentRecords(table: string, write: Write): ByHand["handler"] {
  return async ({ records }) => {
    await forAll(Object.values(records).flat(), async ({ topic, partition, offset, value, timestamp }) => {
      const id = { S: `count-views#${topic}-${partition}-${offset}` };
      const nowMs = Date.now();
      const expiration = { N: String(Math.floor(nowMs / 1_000) + DAY_SECONDS) };
      const isMine = await write(
        new PutItemCommand({
          TableName: table,
          Item: {
            pk: id,
            status: { S: "INPROGRESS" },
            expiration,
            in_progress_expiration: { N: String(nowMs + IN_PROGRESS_MS) },
          },
          ConditionExpression:
            "attribute_not_exists(#id) OR #expiry < :now OR (#status = :inprogress AND attribute_exists(#in_progress_expiry) AND #in_progress_expiry < :now_ms)",
          ExpressionAttributeNames: {
            "#id": "pk",
            "#expiry": "expiration",
            "#status": "status",
            "#in_progress_expiry": "in_progress_expiration",
          },
          ExpressionAttributeValues: {
            ":now": { N: String(Math.floor(nowMs / 1_000)) },
            ":now_ms": { N: String(nowMs) },
            ":inprogress": { S: "INPROGRESS" },
          },
          ReturnConsumedCapacity: "TOTAL",
        }),
      );
      if (!isMine) return;
      const { user } = JSON.parse(Buffer.from(value ?? "", "base64").toString()) as PageView;
      await write(
        new UpdateItemCommand({
          TableName: table,
          Key: { pk: { S: resultKey(user, timestamp - (timestamp % WINDOW_MS)) } },
          UpdateExpression: "ADD #count :one",
          ExpressionAttributeNames: { "#count": "count" },
          ExpressionAttributeValues: { ":one": { N: "1" } },
          ReturnConsumedCapacity: "TOTAL",
        }),
      );
      await write(
        new UpdateItemCommand({
          TableName: table,
          Key: { pk: id },
          UpdateExpression: "SET #expiry = :expiry, #status = :status",
          ExpressionAttributeNames: { "#expiry": "expiration", "#status": "status" },
          ExpressionAttributeValues: { ":expiry": expiration, ":status": { S: "COMPLETED" } },
          ReturnConsumedCapacity: "TOTAL",
        }),
      );
    });
  };
}

async function forAll<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  const left = items.values();
  const worker = async () => {
    for (const item of left) await work(item);
  };
  await Promise.all(Array.from({ length: CALLS_AT_A_TIME }, worker));
}
