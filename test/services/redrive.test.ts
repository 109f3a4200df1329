/** Dead letters on a real Kafka and a real DynamoDB: redrives that are killed, beside functions that go on, count each line once. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { main } from "../../lib/cli/main.ts";
import { loadApplication } from "../../lib/local/application.ts";
import { type LocalRuntime, startLocalRuntime } from "../../lib/local/local-runtime.ts";
import { openServices } from "../../lib/local/services.ts";
import type { Workspace } from "../../lib/local/workspace.ts";
import { startDynamoDbLocal } from "../../tools/services/dynamodb-local.ts";
import { type KafkaServer, startKafka } from "../../tools/services/kafka.ts";
import { mend, writeBrokenApplication } from "../cli/broken-application.ts";
import { TestTerminal } from "../cli/test-terminal.ts";

const millrace = resolve(import.meta.dirname, "../../bin/millrace.js");
const LINES = 320;
const KINDS = ["good", "early", "behind", "copying"] as const;

let app = "";
let kafka: KafkaServer;
let dynamodb: Awaited<ReturnType<typeof startDynamoDbLocal>>;
let workspace: Workspace;
let runtime: LocalRuntime | undefined;
const children: ChildProcess[] = [];
beforeAll(async () => {
  app = mkdtempSync(join(tmpdir(), "millrace-redrive-"));
  writeBrokenApplication(app);
  [kafka, dynamodb] = await Promise.all([startKafka(), startDynamoDbLocal()]);
});
afterAll(async () => {
  for (const child of children) child.kill("SIGKILL");
  await runtime?.stop();
  await workspace?.close();
  await Promise.all([kafka?.stop(), dynamodb?.stop()]);
  rmSync(app, { recursive: true, force: true });
});

const place = () => ["--kafka", kafka.bootstrap, "--dynamodb", dynamodb.endpoint];

async function run(...args: readonly string[]): Promise<string> {
  const terminal = new TestTerminal(app);
  expect(await main([...args, ...place()], terminal), terminal.errors).toBe(0);
  return terminal.output;
}

async function read(topic: string): Promise<unknown[]> {
  const lines = (await run("topics", "read", topic, "--from-beginning", "--json")).split("\n").filter(Boolean);
  const records = lines.map((line) => JSON.parse(line) as { headers: Record<string, string>; value: unknown });
  return [...new Map(records.map(({ headers, value }) => [headers["millrace-id"], value])).values()];
}

test("kill -9 again and again, then once more for what failed again", async () => {
  const application = await loadApplication(app);
  workspace = await openServices(application, { kafka: kafka.bootstrap, dynamodb: dynamodb.endpoint });
  const write = async (from: number) => {
    for (const partition of [0, 1]) {
      const records = Array.from({ length: LINES / 2 }, (_, i) => ({
        key: null,
        value: Buffer.from(`${KINDS[i % 4]}-${from + 2 * i + partition}`),
        timestampMs: 1_000,
        headers: [],
      }));
      await workspace.broker.produce([{ topic: "lines", partition, records }]);
    }
  };
  await write(0);
  runtime = await startLocalRuntime({ application, workspace, batchSize: 50 });
  await runtime.quiet();
  const waiting = async () => JSON.parse(await run("dlq", "redrive", "--dry-run", "--json")).toRedrive as number;
  expect(await waiting()).toBe((LINES * 3) / 4);

  mend(app, "early", "copying");
  for (let turn = 0; turn < 6; turn++) {
    const child = spawn(process.execPath, [millrace, "dlq", "redrive", "--limit", "60", ...place()], { cwd: app });
    children.push(child);
    child.stderr.resume();
    await once(child.stdout, "data");
    await new Promise((resume) => setTimeout(resume, 40 * turn));
    child.kill("SIGKILL");
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    if (turn === 2) await write(LINES);
  }
  await run("dlq", "redrive", "count");
  mend(app, "behind");
  await runtime.quiet();
  await Promise.all([run("dlq", "redrive"), run("dlq", "redrive")]);
  await runtime.quiet();
  await run("dlq", "redrive");
  await runtime.quiet();
  expect(await waiting()).toBe(0);

  const counts = (await read("counts")) as { count: number }[];
  const copies = (await read("copies")) as string[];
  expect({
    counted: Math.max(...counts.map(({ count }) => count)),
    results: counts.length,
    copies: copies.length,
    distinct: new Set(copies).size,
  }).toEqual({ counted: 2 * LINES, results: 2 * LINES, copies: 2 * LINES, distinct: 2 * LINES });
}, 180_000);
