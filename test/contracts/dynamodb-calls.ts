/** Commands to one table of a DynamoDB, and their outcomes in short, for the suites that every DynamoDB runs. */

import { randomUUID } from "node:crypto";
import {
  DeleteItemCommand,
  type DeleteItemCommandInput,
  GetItemCommand,
  type GetItemCommandInput,
  PutItemCommand,
  type PutItemCommandInput,
  QueryCommand,
  type QueryCommandInput,
  UpdateItemCommand,
  type UpdateItemCommandInput,
} from "@aws-sdk/client-dynamodb";
import type { DynamoDbClient } from "../../lib/state-log/dynamodb-client.ts";
import type { Item } from "../../lib/state-log/dynamodb-items.ts";

export type DynamoDbCalls = ReturnType<typeof callsTo>;

/** @param clientNow the client, which is not there yet while tests are only declared */
export function callsTo(table: string, clientNow: () => DynamoDbClient) {
  const common = { TableName: table, ReturnConsumedCapacity: "TOTAL" } as const;
  const read = (key: Item, more: Partial<GetItemCommandInput> = {}) =>
    clientNow().send(new GetItemCommand({ ...common, Key: key, ConsistentRead: true, ...more }));
  return {
    put: (item: Item, more: Partial<PutItemCommandInput> = {}) =>
      clientNow().send(new PutItemCommand({ ...common, Item: item, ...more })),
    read,
    get: async (key: Item) => (await read(key)).Item,
    remove: (key: Item, more: Partial<DeleteItemCommandInput> = {}) =>
      clientNow().send(new DeleteItemCommand({ ...common, Key: key, ...more })),
    update: (key: Item, more: Partial<UpdateItemCommandInput>) =>
      clientNow().send(new UpdateItemCommand({ ...common, Key: key, ...more })),
    query: (pk: string, more: Partial<QueryCommandInput> = {}) =>
      clientNow().send(
        new QueryCommand({
          ...common,
          KeyConditionExpression: "#pk = :pk",
          ExpressionAttributeNames: { "#pk": "pk" },
          ExpressionAttributeValues: { ":pk": { S: pk } },
          ...more,
        }),
      ),
  };
}

/** A key that nobody has. */
export function newKey() {
  return { pk: { S: randomUUID() }, sk: { S: "s" } };
}

export async function unitsOf(
  answer: Promise<{ ConsumedCapacity?: { CapacityUnits?: number | undefined } | undefined }>,
): Promise<number | undefined> {
  return (await answer).ConsumedCapacity?.CapacityUnits;
}

/** "answered", or the name of the error and the item that it brings. */
export async function outcomeOf(answer: Promise<unknown>): Promise<unknown> {
  try {
    await answer;
    return "answered";
  } catch (error) {
    const { name, Item: found } = error as Error & { Item?: Item };
    return found === undefined ? name : { [name]: found };
  }
}
