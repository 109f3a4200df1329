/** A whole application whose chunks all lie in S3, and in a folder: in peace, under faults, and with S3 killed and started again. */

import { randomUUID } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { operator, stream, text, topic } from "millrace";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Application } from "../../lib/local/application.ts";
import { startLocalRuntime } from "../../lib/local/local-runtime.ts";
import { MemoryBroker } from "../../lib/local/memory-broker.ts";
import { readTopic } from "../../lib/local/read-topic.ts";
import type { TaskReport } from "../../lib/runtime/report.ts";
import { createFaults } from "../../lib/simulation/faults.ts";
import type { BlobStore } from "../../lib/state-log/blob-store.ts";
import { openDynamoDbStateLog } from "../../lib/state-log/dynamodb-state-log.ts";
import { openBlobStore } from "../../lib/state-log/open-blob-store.ts";
import { buildTopology } from "../../lib/stream/topology.ts";
import { type DynamoDbLocal, startDynamoDbLocal } from "../../tools/services/dynamodb-local.ts";
import { S3_CREDENTIALS, type S3Server, startS3 } from "../../tools/services/s3.ts";

const KEYS = 700;
const RECORDS = 3_000;

let dynamodb: DynamoDbLocal;
let s3: S3Server;
let home: string;
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), "millrace-snapshots-"));
  [dynamodb, s3] = await Promise.all([startDynamoDbLocal(), startS3()]);
});
afterAll(async () => {
  rmSync(home, { recursive: true, force: true });
  await Promise.all([dynamodb?.stop(), s3?.stop()]);
});

const words = topic("words", { value: text(), partitions: 1 });
const totals = topic("totals", { key: text(), value: text(), partitions: 1 });

/** Counts so many words that its state is neither whole in an entry nor in one chunk for ever. */
async function newWorld(blobs: BlobStore) {
  const tally = operator(
    "tally",
    stream(words)
      .keyBy((word) => word)
      .count()
      .to(totals.from(({ value }) => String(value))),
  );
  const topology = buildTopology("tally", [tally.definition]);
  const application: Application = { name: "tally", folder: ".", operators: [tally], topology };
  const broker = new MemoryBroker();
  await broker.ensureTopics(topology.topics);
  const encoder = new TextEncoder();
  const produce = async (first: number, last: number) => {
    const records = Array.from({ length: last - first }, (_, i) => ({
      key: null,
      value: encoder.encode(`word-${(first + i) % KEYS}`),
      timestampMs: first + i,
      headers: [],
    }));
    await broker.produce([{ topic: "words", partition: 0, records }]);
  };
  // Each chunk, however small.
  const chunkBlobs = Object.assign(blobs, { chunkBytesMin: -1 });
  const table = `tally-${randomUUID()}`;
  const stateLog = await openDynamoDbStateLog({ endpoint: dynamodb.endpoint, table, create: true, chunkBlobs });
  const workspace = { broker, stateLog, close: () => stateLog.close() };
  return { application, broker, workspace, produce };
}

/** The last count of each word, which only grows. */
async function readTotals(broker: MemoryBroker): Promise<Map<unknown, number>> {
  const last = new Map<unknown, number>();
  for (const { key, value } of await readTopic(broker, totals))
    last.set(key, Math.max(last.get(key) ?? 0, Number(value)));
  return last;
}

const EXPECTED = new Map(
  Array.from({ length: KEYS }, (_, i) => [`word-${i}`, Math.floor((RECORDS - 1 - i) / KEYS) + 1]),
);

const inS3 = () =>
  openBlobStore(`s3://snapshots-${randomUUID()}/some/where`, {
    table: "tally",
    folder: home,
    endpoint: s3.endpoint,
    credentials: S3_CREDENTIALS,
  });
const inFolder = () => openBlobStore(`./${randomUUID()}`, { table: "tally", folder: home });

test("gives the same in S3, and reports what it has cost; a process that begins reads its chunks from there", async () => {
  const { application, broker, workspace, produce } = await newWorld(await inS3());
  const reports: TaskReport[] = [];
  for (const [first, last] of [
    [0, 2_000],
    [2_000, RECORDS],
  ] as const) {
    await produce(first, last);
    const onReport = (report: TaskReport) => reports.push(report);
    const runtime = await startLocalRuntime({ application, workspace, batchSize: 8, onReport });
    await runtime.quiet();
    await runtime.stop();
  }
  expect(await readTotals(broker)).toEqual(EXPECTED);
  const sum = (kind: "put" | "get" | "list") =>
    reports.reduce((all, { stateUnits }) => all + (stateUnits?.requests?.[kind] ?? 0), 0);
  expect(sum("put")).toBeGreaterThan(3);
  expect(sum("get")).toBeGreaterThan(0);
  expect(sum("list")).toBeLessThan(sum("put"));
  await workspace.close();
});

test.each([
  ["S3", inS3],
  ["a folder", inFolder],
])("gives the same under faults, in %s", async (_, open) => {
  const { application, broker, workspace, produce } = await newWorld(await open());
  await produce(0, RECORDS);
  const faults = createFaults({ seed: 3, probability: 0.2 });
  const runtime = await startLocalRuntime({ application, workspace, faults, batchSize: 20 });
  await runtime.quiet();
  await runtime.stop();
  expect(await readTotals(broker)).toEqual(EXPECTED);
  await workspace.close();
});

test("gives the same although S3 is killed in the middle, and goes on without a restart", async () => {
  const { application, broker, workspace, produce } = await newWorld(await inS3());
  const problems: string[] = [];
  await produce(0, 1_500);
  const onProblem = (sentence: string) => problems.push(sentence);
  const runtime = await startLocalRuntime({ application, workspace, batchSize: 20, onProblem });
  await s3.kill();
  await produce(1_500, RECORDS);
  while (problems.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  await s3.restart();
  await runtime.quiet();
  await runtime.stop();
  expect(await readTotals(broker)).toEqual(EXPECTED);
  expect(problems.join("\n")).toMatch(/S3 .* cannot be reached/);
  await workspace.close();
});

test("keys and files have the table's name before the task's", async () => {
  const place = randomUUID();
  const blobs = await openBlobStore(place, { table: "millrace-shop", folder: home });
  await blobs.put({ task: "t", folder: "chunks/0-0", number: 1, attemptId: "a" }, new Uint8Array(1));
  expect(readdirSync(join(home, place))).toEqual(["millrace-shop"]);
});

test.each(["http://bucket/x", "gs://bucket", ""])("a place such as %j is refused", async (place) => {
  await expect(openBlobStore(place, { table: "t", folder: home })).rejects.toMatchObject({ code: "usage" });
});
