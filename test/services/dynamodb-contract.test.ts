/** A real DynamoDB answers as the contract says, to which the simulated one is held. */

import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { startDynamoDbLocal } from "../../tools/services/dynamodb-local.ts";
import { testDynamoDb } from "../contracts/dynamodb.contract.ts";

testDynamoDb("DynamoDB Local", async () => {
  const server = await startDynamoDbLocal();
  const credentials = { accessKeyId: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: "example" };
  const client = new DynamoDBClient({ endpoint: server.endpoint, region: "us-east-1", credentials });
  return { client, close: () => server.stop() };
});
