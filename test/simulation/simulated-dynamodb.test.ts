/** The state log on the simulated DynamoDB keeps the contract, unchanged. */

import { PERFECT_NETWORK } from "../../lib/simulation/network.ts";
import { SimulatedDynamoDb } from "../../lib/simulation/simulated-dynamodb.ts";
import { DynamoDbTable } from "../../lib/state-log/dynamodb-client.ts";
import { openDynamoDbStateLog } from "../../lib/state-log/dynamodb-state-log.ts";
import { testStateLog } from "../contracts/state-log.contract.ts";

testStateLog("the state log in a simulated DynamoDB", async (table) => {
  const client = new SimulatedDynamoDb({ now: () => 0 }).client(PERFECT_NETWORK);
  const log = await openDynamoDbStateLog({ table, client, create: true });
  return { log, close: () => log.close() };
});
