/** A whole application on a broker in memory and state logs in DynamoDB: in peace, under faults, and with the server killed and started again. */

import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startLocalRuntime } from "../../lib/local/local-runtime.ts";
import { MemoryBroker } from "../../lib/local/memory-broker.ts";
import type { TaskReport } from "../../lib/runtime/report.ts";
import { createFaults } from "../../lib/simulation/faults.ts";
import { type DynamoDbStateLog, openDynamoDbStateLog } from "../../lib/state-log/dynamodb-state-log.ts";
import { type DynamoDbLocal, startDynamoDbLocal } from "../../tools/services/dynamodb-local.ts";
import { expectedOf, linesOf, readResults, wordApplication, writeLines } from "../local/word-application.ts";

let server: DynamoDbLocal;
beforeAll(async () => {
  server = await startDynamoDbLocal({ inMemory: false });
});
afterAll(() => server?.stop());

/** The application with topics of its own and a table of its own. */
async function newWorld() {
  const application = wordApplication();
  const broker = new MemoryBroker();
  await broker.ensureTopics(application.topology.topics);
  const table = `words-${randomUUID()}`;
  const stateLog: DynamoDbStateLog = await openDynamoDbStateLog({ endpoint: server.endpoint, table, create: true });
  const workspace = { broker, stateLog, close: () => stateLog.close() };
  return { application, broker, stateLog, workspace };
}

test("gives what one reader after the other would get, and reports what it has cost", async () => {
  const { application, broker, stateLog, workspace } = await newWorld();
  const input = linesOf(1, 1_000);
  await writeLines(broker, input);
  const reports: TaskReport[] = [];
  const runtime = await startLocalRuntime({ application, workspace, onReport: (report) => reports.push(report) });
  await runtime.quiet();
  await runtime.stop();
  expect(await readResults(broker)).toEqual(expectedOf(input));
  const committed = reports.filter(({ sequenceNumber }) => sequenceNumber > 0);
  expect(committed.length).toBeGreaterThan(3);
  for (const { stateUnits } of committed) expect(stateUnits?.write).toBeGreaterThanOrEqual(1);
  const reported = committed.reduce((sum, { stateUnits }) => sum + (stateUnits?.write ?? 0), 0);
  expect(reported).toBeLessThanOrEqual(stateLog.units.write);
  await workspace.close();
});

test("O3: gives the same under faults", async () => {
  const { application, broker, workspace } = await newWorld();
  const input = linesOf(2, 300);
  await writeLines(broker, input);
  const faults = createFaults({ seed: 2, probability: 0.2 });
  const runtime = await startLocalRuntime({ application, workspace, faults, batchSize: 20 });
  await runtime.quiet();
  await runtime.stop();
  expect(await readResults(broker)).toEqual(expectedOf(input));
  await workspace.close();
});

test("O3: gives the same although the server is killed in the middle, and goes on without a restart", async () => {
  const { application, broker, workspace } = await newWorld();
  const input = linesOf(3, 600);
  const half = input.length / 2;
  const problems: string[] = [];
  await writeLines(broker, input.slice(0, half));
  const onProblem = (sentence: string) => problems.push(sentence);
  const runtime = await startLocalRuntime({ application, workspace, batchSize: 20, onProblem });
  await server.kill();
  await writeLines(broker, input.slice(half));
  while (problems.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  await server.restart();
  await runtime.quiet();
  await runtime.stop();
  expect(await readResults(broker)).toEqual(expectedOf(input));
  expect(problems.join("\n")).toMatch(/DynamoDB .* cannot be reached/);
  await workspace.close();
});
