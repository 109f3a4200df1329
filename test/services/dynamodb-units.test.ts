/** Units are what DynamoDB reports with each answer, per log and per task; what it does not report is computed as it computes it. */

import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { itemBytesOf } from "../../lib/state-log/dynamodb-items.ts";
import { type DynamoDbStateLog, openDynamoDbStateLog } from "../../lib/state-log/dynamodb-state-log.ts";
import { append, openLog } from "../../lib/state-log/workflow.ts";
import { type DynamoDbLocal, startDynamoDbLocal } from "../../tools/services/dynamodb-local.ts";
import { appendUpTo, entry, newTask, utf8 } from "../state-log/entries.ts";
import { type Answered, LossyProxy } from "./lossy-proxy.ts";

let server: DynamoDbLocal;
let proxy: LossyProxy;
let log: DynamoDbStateLog;
beforeAll(async () => {
  server = await startDynamoDbLocal();
  proxy = await new LossyProxy(server.endpoint).listen();
  log = await openDynamoDbStateLog({ endpoint: proxy.endpoint, table: `units-${randomUUID()}`, create: true });
});
afterAll(async () => {
  await log?.close();
  await proxy?.[Symbol.asyncDispose]();
  await server?.stop();
});

const WRITES = ["PutItem", "UpdateItem", "DeleteItem"];
const unitsOf = ({ output }: Answered) => Number(Object(output.ConsumedCapacity).CapacityUnits ?? 0);
const sumOf = (answered: readonly Answered[]) => answered.reduce((sum, one) => sum + unitsOf(one), 0);

test("every call's units are counted as DynamoDB reports them, for the task that they were for", async () => {
  const before = log.units;
  const from = proxy.answered.length;
  const [one, two] = [newTask(), newTask()];
  await appendUpTo(log, one, 40);
  await append(log, two, entry(1, { changes: new Uint8Array(3_000_000), selfContained: true }));
  await log.putChunk(two, { range: "0-0", asOf: 1, bytes: new Uint8Array(900_000) });
  await log.putChunk(two, { range: "0-0", asOf: 2, bytes: new Uint8Array(10) });
  const ofOne = log.takeUnits(one);
  await openLog(log, one);
  await log.readEntries(two);
  const readOne = log.takeUnits(one);
  const ofTwo = log.takeUnits(two);
  const calls = proxy.answered.slice(from);
  const write = sumOf(calls.filter(({ operation }) => WRITES.includes(operation)));
  const read = sumOf(calls.filter(({ operation }) => !WRITES.includes(operation)));
  expect(log.units).toEqual({
    read: before.read + read,
    write: before.write + write,
    calls: before.calls + calls.length,
    retries: before.retries,
    refused: before.refused,
  });
  expect(ofOne.write + ofTwo.write).toBe(write);
  expect(ofOne.read + readOne.read + ofTwo.read).toBe(read);
  // Forty entries of less than a kilobyte, two chunks, and the listing.
  expect(ofOne).toEqual({ read: 0, write: 43 });
  expect(readOne.write).toBe(0);
  expect(readOne.read).toBeGreaterThan(0);
  expect(log.takeUnits(one)).toEqual({ read: 0, write: 0 });
});

test("an item is as large as we compute it", async () => {
  const from = proxy.answered.length;
  for (let length = 500; length < 1_000; length += 1)
    await log.putEntry(newTask(), entry(2, { changes: new Uint8Array(length), meta: "é".repeat(length % 40) }));
  for (const call of proxy.answered.slice(from)) {
    const item = call.input.Item as Record<string, { S?: string; N?: string; B?: string; BOOL?: boolean }>;
    const decoded = Object.fromEntries(
      Object.entries(item).map(([name, { S, N, B }]) => [
        name,
        S !== undefined ? { S } : N !== undefined ? { N } : { B: Buffer.from(B ?? "", "base64") },
      ]),
    );
    expect(unitsOf(call)).toBe(Math.ceil(itemBytesOf(decoded) / 1_024));
  }
});

test("a refused put costs what the larger of the two items does, although nobody reports it", async () => {
  const task = newTask();
  await append(log, task, entry(1, { changes: utf8("x".repeat(5_000)) }));
  log.takeUnits(task);
  const { refused } = log.units;
  await append(log, task, entry(1, {}, "b"));
  expect(log.takeUnits(task)).toEqual({ read: 0, write: 6 + 1 });
  expect(log.units.refused - refused).toBe(6);
});
