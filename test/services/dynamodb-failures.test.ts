/** What the log says and does when DynamoDB is slow, silent, away, throttling, or not what it should be; and that it goes on afterwards by itself. */

import { randomUUID } from "node:crypto";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { CreateTableCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DynamoDbTable } from "../../lib/state-log/dynamodb-client.ts";
import { DynamoDbStateLog, openDynamoDbStateLog } from "../../lib/state-log/dynamodb-state-log.ts";
import { append, openLog } from "../../lib/state-log/workflow.ts";
import { type DynamoDbLocal, startDynamoDbLocal } from "../../tools/services/dynamodb-local.ts";
import { appendUpTo, baseOf, entry, newTask } from "../state-log/entries.ts";
import { LossyProxy, THROTTLED } from "./lossy-proxy.ts";

const QUICK = { connectMs: 300, requestMs: 300, silenceMs: 300, callMs: 1_000 };

const table = `failures-${randomUUID()}`;
let server: DynamoDbLocal;
beforeAll(async () => {
  server = await startDynamoDbLocal({ inMemory: false });
  // The first call of a server takes longer than the time-outs here.
  await (await open()).close();
});
afterAll(() => server?.stop());

const open = (settings: { timeouts?: typeof QUICK; endpoint?: string } = {}) =>
  openDynamoDbStateLog({ endpoint: server.endpoint, table, create: true, ...settings });

/** How long a call takes until it fails, and what it says. */
async function failureOf(call: () => Promise<unknown>): Promise<{ ms: number; code: string; message: string }> {
  const startedMs = performance.now();
  try {
    await call();
  } catch (error) {
    const { code, message } = error as Error & { code: string };
    return { ms: performance.now() - startedMs, code, message };
  }
  throw new Error("The call did not fail.");
}

test("an endpoint that accepts and never answers fails each call within its deadline, and says that the outcome is unknown", async () => {
  const sockets: Socket[] = [];
  const silent = createServer((socket) => sockets.push(socket));
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  const endpoint = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
  const log = new DynamoDbStateLog(new DynamoDbTable({ endpoint, table, timeouts: QUICK }));
  const task = newTask();
  const calls = [
    () => log.putEntry(task, entry(2)),
    () => log.readSlot(task, 1),
    () => log.readEntries(task),
    () => log.putChunk(task, { range: "0-0", asOf: 1, bytes: new Uint8Array(10) }),
    () => log.readChunks(task),
    () => log.allotGeneration(task, 0),
    () => log.tasks(),
  ];
  for (const failure of await Promise.all(calls.map(failureOf))) {
    expect(failure).toMatchObject({ code: "state-store", message: expect.stringContaining("did not answer") });
    expect(failure.message).toContain("is not known");
    expect(failure.ms).toBeLessThan(QUICK.callMs * 2);
  }
  // Several attempts, each on a connection of its own.
  expect(sockets.length).toBeGreaterThanOrEqual(2 * calls.length);
  await log.close();
  for (const socket of sockets) socket.destroy();
  silent.close();
});

describe("each time-out alone", () => {
  const LONG = { connectMs: 60_000, requestMs: 60_000, silenceMs: 60_000, callMs: 60_000 };
  /** Long enough to tell a time-out from the one beside it, short enough to wait for in all attempts. */
  const SOON_MS = 400;

  /** A server that answers with the head and half a body, then stops. */
  const stalling = createHttpServer((request, response) => {
    request.resume();
    response.writeHead(200, { "content-type": "application/x-amz-json-1.0", "content-length": "1000" });
    response.write('{"Item":');
  });
  const silent = createHttpServer((request) => request.resume());
  beforeAll(async () => {
    for (const one of [stalling, silent])
      await new Promise<void>((resolve) => {
        one.listen(0, "127.0.0.1", resolve);
      });
  });
  afterAll(() => {
    for (const one of [stalling, silent]) {
      one.closeAllConnections();
      one.close();
    }
  });

  test.each([
    ["waiting for an answer ends each attempt", silent, "requestMs", 3],
    ["a silent socket ends each attempt", silent, "silenceMs", 3],
    ["an answer that stops in the middle ends with the silence", stalling, "silenceMs", 3],
    ["an answer that stops in the middle ends with the call", stalling, "callMs", 1],
    ["the call ends whatever its attempts do", silent, "callMs", 1],
  ] as const)("%s", async (_, endpointOf, timeout, attempts) => {
    const endpoint = `http://127.0.0.1:${(endpointOf.address() as AddressInfo).port}`;
    const timeouts = { ...LONG, [timeout]: SOON_MS };
    const log = new DynamoDbStateLog(new DynamoDbTable({ endpoint, table, timeouts }));
    const failure = await failureOf(() => log.readSlot(newTask(), 1));
    expect(failure.code).toBe("state-store");
    expect(failure.message).toMatch(/did not answer GetItem .* in time|failed/);
    expect(failure.ms).toBeGreaterThan(SOON_MS * 0.9);
    // Between attempts the SDK pauses.
    expect(failure.ms).toBeLessThan(SOON_MS * attempts + 2_500);
    await log.close();
  });
});

test("a server that is down is said; what was acknowledged is there again, and the same log goes on with it", async () => {
  const log = await open({ timeouts: QUICK });
  const task = newTask();
  await appendUpTo(log, task, 3);
  await server.kill();
  const failure = await failureOf(() => append(log, task, entry(4)));
  expect(failure).toMatchObject({ code: "state-store", message: expect.stringContaining("cannot be reached") });
  expect(failure.message).toContain("ECONNREFUSED");
  await expect(openLog(log, task)).rejects.toMatchObject({ code: "state-store" });
  await server.restart();
  await expect.poll(() => openLog(log, task).then(({ head }) => head, String), { timeout: 10_000 }).toEqual(entry(3));
  expect(await append(log, task, entry(4))).toEqual({ kind: "won" });
  await log.close();
});

test("L4: an append to a server that hangs is neither won nor lost; after it has gone on, the log tells which", async () => {
  const log = await open({ timeouts: QUICK });
  const task = newTask();
  await appendUpTo(log, task, 40);
  const next = entry(41, { base: baseOf(41) });
  server.freeze();
  expect((await failureOf(() => append(log, task, next))).code).toBe("state-store");
  server.thaw();
  // The requests that were given up arrive all the same.
  expect(await append(log, task, next)).toEqual({ kind: "won" });
  expect(await append(log, task, entry(41, { base: baseOf(41) }, "b"))).toEqual({ kind: "lost", winner: next });
  await log.close();
});

test("a missing table is said when the log is opened, and by every call of one that was not", async () => {
  const missing = { code: "state-store", message: expect.stringContaining('There is no table "nowhere"') };
  await expect(openDynamoDbStateLog({ endpoint: server.endpoint, table: "nowhere" })).rejects.toMatchObject(missing);
  const log = new DynamoDbStateLog(new DynamoDbTable({ endpoint: server.endpoint, table: "nowhere" }));
  await expect(log.putEntry(newTask(), entry(2))).rejects.toMatchObject(missing);
  await expect(log.readEntries(newTask())).rejects.toMatchObject(missing);
  await log.close();
});

test("a table with other keys is somebody else's, and is refused", async () => {
  const credentials = { accessKeyId: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: "example" };
  const client = new DynamoDBClient({ endpoint: server.endpoint, region: "us-east-1", credentials });
  const other = `other-${randomUUID()}`;
  await client.send(
    new CreateTableCommand({
      TableName: other,
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: [{ AttributeName: "id", AttributeType: "N" }],
      KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
    }),
  );
  for (const create of [false, true])
    await expect(openDynamoDbStateLog({ endpoint: server.endpoint, table: other, create })).rejects.toMatchObject({
      code: "state-unusable",
      message: expect.stringContaining("(id HASH N)"),
    });
  client.destroy();
});

test("a table is made once, whoever asks for it at the same time", async () => {
  const name = `made-${randomUUID()}`;
  const logs = await Promise.all(
    [1, 2, 3].map(() => openDynamoDbStateLog({ endpoint: server.endpoint, table: name, create: true })),
  );
  for (const log of logs) await log.close();
});

test("wrong credentials are said", async () => {
  const credentials = { accessKeyId: "not a key!", secretAccessKey: "example" };
  await expect(openDynamoDbStateLog({ endpoint: server.endpoint, table, credentials })).rejects.toMatchObject({
    code: "state-store",
    message: expect.stringContaining("refuses the credentials"),
  });
});

test("throttling is waited for a little, and said where it goes on", async () => {
  await open().then((log) => log.close());
  await using proxy = await new LossyProxy(server.endpoint).listen();
  const log = new DynamoDbStateLog(new DynamoDbTable({ endpoint: proxy.endpoint, table }));
  let refusals = 2;
  proxy.refuses = () => (refusals-- > 0 ? THROTTLED : undefined);
  const task = newTask();
  expect(await append(log, task, entry(1))).toEqual({ kind: "won" });
  expect(log.units.retries).toBe(2);
  proxy.refuses = () => THROTTLED;
  const failure = await failureOf(() => log.putEntry(task, entry(2)));
  expect(failure).toMatchObject({ code: "state-store", message: expect.stringContaining("throttles table") });
  await log.close();
});

test("a closed log says so", async () => {
  const log = await open();
  await log.close();
  await expect(log.tasks()).rejects.toMatchObject({
    code: "state-store",
    message: expect.stringContaining("no longer"),
  });
});
