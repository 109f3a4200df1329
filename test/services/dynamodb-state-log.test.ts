/** The state log in a real DynamoDB keeps the contract, unchanged. */

import { afterAll, beforeAll } from "vitest";
import { openDynamoDbStateLog } from "../../lib/state-log/dynamodb-state-log.ts";
import { type DynamoDbLocal, startDynamoDbLocal } from "../../tools/services/dynamodb-local.ts";
import { testStateLog } from "../contracts/state-log.contract.ts";

let server: DynamoDbLocal;
beforeAll(async () => {
  server = await startDynamoDbLocal();
});
afterAll(() => server?.stop());

testStateLog("the state log in DynamoDB", async (name) => {
  const log = await openDynamoDbStateLog({ endpoint: server.endpoint, table: name, create: true });
  return { log, close: () => log.close() };
});
