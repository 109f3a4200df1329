/** The simulated DynamoDB answers as a real one, the state log on it keeps its contract unchanged, and what it does at worst is what AWS may do. */

import { PERFECT_NETWORK } from "../../lib/simulation/network.ts";
import { SimulatedDynamoDb } from "../../lib/simulation/simulated-dynamodb.ts";
import { openDynamoDbStateLog } from "../../lib/state-log/dynamodb-state-log.ts";
import { testDynamoDb } from "../contracts/dynamodb.contract.ts";
import { testStateLog } from "../contracts/state-log.contract.ts";

testDynamoDb("a simulated DynamoDB", async () => {
  const client = new SimulatedDynamoDb({ now: () => 0 }).client(PERFECT_NETWORK);
  return { client, close: async () => {} };
});

testStateLog("the state log in a simulated DynamoDB", async (table) => {
  const client = new SimulatedDynamoDb({ now: () => 0 }).client(PERFECT_NETWORK);
  const log = await openDynamoDbStateLog({ table, client, create: true });
  return { log, close: () => log.close() };
});
