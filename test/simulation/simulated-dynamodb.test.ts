/** The simulated DynamoDB answers as a real one, the state log on it keeps its contract unchanged, and what it does at worst is what AWS may do. */

import { expect } from "vitest";
import { PERFECT_NETWORK } from "../../lib/simulation/network.ts";
import { SimulatedDynamoDb } from "../../lib/simulation/simulated-dynamodb.ts";
import type { Item } from "../../lib/state-log/dynamodb-items.ts";
import { openDynamoDbStateLog } from "../../lib/state-log/dynamodb-state-log.ts";
import { testDynamoDb } from "../contracts/dynamodb.contract.ts";
import { testParts } from "../contracts/dynamodb-parts.contract.ts";
import { testUnits } from "../contracts/dynamodb-units.contract.ts";
import { testStateLog } from "../contracts/state-log.contract.ts";
import { RecordingClient } from "./recording-client.ts";

testDynamoDb("a simulated DynamoDB", async () => {
  const client = new SimulatedDynamoDb({ now: () => 0 }).client(PERFECT_NETWORK);
  return { client, close: async () => {} };
});

testStateLog("the state log in a simulated DynamoDB", async (table) => {
  const client = new SimulatedDynamoDb({ now: () => 0 }).client(PERFECT_NETWORK);
  const log = await openDynamoDbStateLog({ table, client, create: true });
  return { log, close: () => log.close() };
});

testUnits("units of a simulated DynamoDB", async () => {
  const client = new RecordingClient(new SimulatedDynamoDb({ now: () => 0 }).client(PERFECT_NETWORK));
  const log = await openDynamoDbStateLog({ table: "units", client: client.client, create: true });
  return {
    log,
    charged: () =>
      client.answered.map(({ operation, input, output }) => ({
        operation,
        item: input.Item as Item | undefined,
        units: Number(Object(output.ConsumedCapacity).CapacityUnits ?? 0),
      })),
    close: () => log.close(),
  };
});

testParts("parts in a simulated DynamoDB", async () => {
  const table = "parts";
  const database = new SimulatedDynamoDb({ now: () => 0, tables: [table] });
  const another = async () => {
    const calls = new RecordingClient(database.client(PERFECT_NETWORK));
    return { calls, log: await openDynamoDbStateLog({ table, client: calls.client }) };
  };
  const { log } = await another();
  return {
    log,
    another,
    keys: async () => database.items(),
    deleteItem: (key) => database.deleteItem(key),
    close: async () => {
      expect(database.unknown).toEqual([]);
    },
  };
});
