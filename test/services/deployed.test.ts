/**
 * This repository's own stack, deployed into an emulator of AWS by one command: its functions, invoked through Lambda's API by our mappings, count words
 * from a real Kafka into a real Kafka. What closes the last windows are wake-ups, through the emulator's own queue.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { wordCounts } from "../../functions/topics.ts";
import { main } from "../../lib/cli/main.ts";
import { KafkaBroker } from "../../lib/kafka/kafka-broker.ts";
import { EventSourceMapping } from "../../lib/local/event-source-mapping.ts";
import type { LambdaHandler } from "../../lib/local/invocation.ts";
import { readAssembly } from "../../lib/local/lambda-runtime/assembly.ts";
import { readTopic } from "../../lib/local/read-topic.ts";
import { type KafkaServer, startKafka } from "../../tools/services/kafka.ts";
import { type MiniStack, startMiniStack } from "../../tools/services/ministack.ts";
import { TestTerminal } from "../cli/test-terminal.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const WINDOW_MS = 5_000;
const LINES = 2_000;

let folder = "";
let kafka: KafkaServer;
let emulator: MiniStack;
let broker: KafkaBroker;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "millrace-deployed-"));
  [kafka, emulator] = await Promise.all([startKafka(), startMiniStack()]);
  broker = new KafkaBroker({ brokers: [kafka.bootstrap] });
});
afterAll(async () => {
  await broker?.close();
  await Promise.all([kafka?.stop(), emulator?.stop()]);
  rmSync(folder, { recursive: true, force: true });
});

async function deploy(...more: readonly string[]): Promise<TestTerminal> {
  const terminal = new TestTerminal(ROOT);
  const place = ["--endpoint", emulator.endpoint, "--kafka", kafka.bootstrap, "--out", folder];
  const code = await main(["deploy", "--local", ...place, ...more], terminal);
  expect(code, `${terminal.output}\n${terminal.errors}`).toBe(0);
  return terminal;
}

/** Lambda's Invoke. Throws what the function threw. */
async function invoke(functionName: string, eventText: string): Promise<unknown> {
  const url = `${emulator.endpoint}/2015-03-31/functions/${functionName}/invocations`;
  const answer = await fetch(url, { method: "POST", body: eventText });
  const body = await answer.text();
  if (answer.ok && !answer.headers.has("x-amz-function-error")) return JSON.parse(body);
  throw new Error(`${functionName} answered ${answer.status}: ${body}`);
}

/** The mappings of the template, which the emulator takes and does nothing with. */
function mappings(): readonly EventSourceMapping[] {
  return readAssembly(folder)
    .mappings.filter(({ functionName }) => functionName.includes("count-words"))
    .map(({ functionName, topic, consumerGroup, batchSize, batchWindowSeconds, startingPosition }) => {
      const handler = ((eventText: string) => invoke(functionName, eventText)) as unknown as LambdaHandler;
      return new EventSourceMapping({
        broker,
        topic,
        consumerGroup,
        batchSize,
        batchWindowMs: batchWindowSeconds * 1_000,
        startingPosition,
        function: { name: functionName, handler, acceptsText: true, timeoutMs: 200_000 },
        eventSource: "SelfManagedKafka",
        bootstrapServers: kafka.bootstrap,
      });
    });
}

/** Four partitions of lines, and what a plain count makes of them. */
async function writeLines(baseMs: number): Promise<ReadonlyMap<string, number>> {
  const expected = new Map<string, number>();
  const batches = Array.from({ length: 4 }, (_, partition) => ({
    topic: "lines",
    partition,
    records: Array.from({ length: LINES / 4 }, (_unused, i) => {
      const timestampMs = baseMs + i * 20;
      const windowStartMs = Math.floor(timestampMs / WINDOW_MS) * WINDOW_MS;
      for (const word of ["all", `word${i % 7}`]) {
        const name = `${windowStartMs} ${word}`;
        expected.set(name, (expected.get(name) ?? 0) + 1);
      }
      return { key: null, value: Buffer.from(`All word${i % 7}!`), timestampMs, headers: [] };
    }),
  }));
  for (const batch of batches) await broker.produce([batch]);
  return expected;
}

async function readCounts(): Promise<ReadonlyMap<string, number>> {
  const byIdentity = new Map(
    (await readTopic(broker, wordCounts)).map(({ value, identity }) => [JSON.stringify(identity), value]),
  );
  const counts = new Map<string, number>();
  for (const value of byIdentity.values()) {
    const { word, count, windowStartMs } = value as { word: string; count: number; windowStartMs: number };
    const name = `${windowStartMs} ${word}`;
    counts.set(name, (counts.get(name) ?? 0) + count);
  }
  return counts;
}

test("deployed by one command, counts every word once and closes the last windows by itself; deployed again, and removed", async () => {
  const { output } = await deploy();
  expect(output).toMatch(/^6 topics in the Kafka at /);
  const expected = await writeLines(Math.floor(Date.now() / WINDOW_MS) * WINDOW_MS - 12 * WINDOW_MS);
  const stopping = new AbortController();
  const running = mappings().map((mapping) => mapping.run(stopping.signal));
  try {
    await expect.poll(readCounts, { timeout: 120_000, interval: 500 }).toEqual(expected);
  } finally {
    stopping.abort();
    await Promise.all(running);
  }
  await deploy();
  const before = await fetch(`${emulator.endpoint}/2015-03-31/functions/lines-local-count-words`);
  expect(before.status).toBe(200);
  await deploy("--destroy");
  const after = await fetch(`${emulator.endpoint}/2015-03-31/functions/lines-local-count-words`);
  expect(after.status).toBe(404);
}, 400_000);
