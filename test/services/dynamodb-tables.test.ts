/** Tables of rows in a real DynamoDB. */

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startLocalRuntime } from "../../lib/local/local-runtime.ts";
import { MemoryBroker } from "../../lib/local/memory-broker.ts";
import { countFaults, createFaults } from "../../lib/simulation/faults.ts";
import { MemoryStateLog } from "../../lib/state-log/memory-state-log.ts";
import { DynamoDbTableStore } from "../../lib/tables/dynamodb-table-store.ts";
import { type DynamoDbLocal, startDynamoDbLocal } from "../../tools/services/dynamodb-local.ts";
import { testTableStore } from "../contracts/table-store.contract.ts";
import { expectedTotals, readTotals, totalApplication } from "../local/total-application.ts";
import { linesOf, writeLines } from "../local/word-application.ts";

const credentials = { accessKeyId: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: "example" };

let server: DynamoDbLocal;
beforeAll(async () => {
  server = await startDynamoDbLocal();
});
afterAll(() => server?.stop());

const open = () =>
  new DynamoDbTableStore({ stateTable: "millrace-shop", endpoint: server.endpoint, region: "us-east-1", credentials });

testTableStore("tables in DynamoDB", async () => open());

describe("DynamoDB", () => {
  const plan = {
    name: "prices",
    partitionKey: { name: "id", type: "string" },
    sortKey: undefined,
    ttlAttribute: "ttl",
  } as const;
  const row = (id: string) => ({ key: { id: { S: id } }, attributes: { price: { N: "1" } }, expiresAt: null });
  const version = (order: string) => ({ writer: "shop/prices", order, atMs: 1 });

  test("is charged for what a task puts, also for what is refused", async () => {
    const store = open();
    await store.ensureTables([plan]);
    await store.put("prices", [row("a"), row("b")], version("2"), "task");
    expect(store.takeUnits("task")).toEqual({ read: 0, write: 2 });
    await store.put("prices", [row("a")], version("1"), "task");
    expect(store.takeUnits("task")).toEqual({ read: 0, write: 1 });
    await store.close();
  });

  test("says that a table is missing", async () => {
    const store = open();
    await expect(store.put("missing", [row("a")], version("1"), "task")).rejects.toMatchObject({
      code: "state-store",
      message: expect.stringContaining('There is no table "millrace-shop.missing"'),
    });
    await store.close();
  });
});

test("O1, O2: rows are those of a plain count, however much goes wrong on the way", { timeout: 120_000 }, async () => {
  const application = totalApplication();
  const tables = open();
  await tables.ensureTables(application.topology.tables);
  const broker = new MemoryBroker();
  await broker.ensureTopics(application.topology.topics);
  const input = linesOf(3, 150);
  await writeLines(broker, input);
  const workspace = { broker, stateLog: new MemoryStateLog(), tables, close: () => tables.close() };
  const faults = createFaults({ seed: 3, probability: 0.4 });
  const runtime = await startLocalRuntime({ application, workspace, faults, batchSize: 5 });
  await runtime.quiet();
  await runtime.stop();
  expect(await readTotals(tables, application)).toEqual(expectedTotals(input));
  expect(countFaults(faults.counts)).toBeGreaterThan(5);
  await workspace.close();
});
