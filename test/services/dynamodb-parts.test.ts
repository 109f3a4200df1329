/** What does not fit into an item of a real DynamoDB lies in parts, as the contract says. */

import { randomUUID } from "node:crypto";
import { type AttributeValue, DeleteItemCommand, DynamoDBClient, ScanCommand } from "@aws-sdk/client-dynamodb";
import type { Key } from "../../lib/state-log/dynamodb-client.ts";
import { openDynamoDbStateLog } from "../../lib/state-log/dynamodb-state-log.ts";
import { startDynamoDbLocal } from "../../tools/services/dynamodb-local.ts";
import { testParts } from "../contracts/dynamodb-parts.contract.ts";
import { LossyProxy } from "./lossy-proxy.ts";

testParts("parts in DynamoDB Local", async () => {
  const server = await startDynamoDbLocal();
  const table = `parts-${randomUUID()}`;
  const log = await openDynamoDbStateLog({ endpoint: server.endpoint, table, create: true });
  const credentials = { accessKeyId: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: "example" };
  const client = new DynamoDBClient({ endpoint: server.endpoint, region: "us-east-1", credentials });
  const ends: (() => Promise<void>)[] = [];
  return {
    log,
    another: async () => {
      const calls = await new LossyProxy(server.endpoint).listen();
      const through = await openDynamoDbStateLog({ endpoint: calls.endpoint, table });
      ends.push(
        () => through.close(),
        () => calls[Symbol.asyncDispose](),
      );
      return { log: through, calls };
    },
    keys: () => keysOf(client, table),
    deleteItem: async ({ pk, sk }) => {
      await client.send(new DeleteItemCommand({ TableName: table, Key: { pk: { S: pk }, sk: { S: sk } } }));
    },
    close: async () => {
      for (const end of ends) await end();
      await log.close();
      client.destroy();
      await server.stop();
    },
  };
});

async function keysOf(client: DynamoDBClient, table: string): Promise<Key[]> {
  const keys: Key[] = [];
  let from: Record<string, AttributeValue> | undefined;
  do {
    const page = await client.send(
      new ScanCommand({ TableName: table, ProjectionExpression: "pk, sk", ExclusiveStartKey: from }),
    );
    for (const { pk, sk } of page.Items ?? []) keys.push({ pk: pk?.S as string, sk: sk?.S as string });
    from = page.LastEvaluatedKey;
  } while (from !== undefined);
  return keys;
}
