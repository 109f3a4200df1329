/**
 * This repository's own stack, deployed into an emulator of AWS by one command; and by another its mappings, which invoke the functions through Lambda's API so that they
 * count words from a real Kafka into a real Kafka. What closes the last windows are wake-ups, through the emulator's own queue.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { wordCounts } from "../../functions/topics.ts";
import { main } from "../../lib/cli/main.ts";
import { KafkaBroker } from "../../lib/kafka/kafka-broker.ts";
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

/** The mappings of the stack's template, which the emulator takes and does nothing with. */
function startMappings(): { readonly terminal: TestTerminal; readonly ended: Promise<number> } {
  const terminal = new TestTerminal(ROOT);
  const args = ["esm", "--stack", "Lines-local", "--out", folder, "--endpoint", emulator.endpoint];
  return { terminal, ended: main(args, terminal) };
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
  expect(output).toMatch(/^6 topics in the Kafka at /m);
  const expected = await writeLines(Math.floor(Date.now() / WINDOW_MS) * WINDOW_MS - 12 * WINDOW_MS);
  const { terminal, ended } = startMappings();
  try {
    await expect.poll(readCounts, { timeout: 120_000, interval: 500 }).toEqual(expected);
  } finally {
    terminal.interrupt();
    expect(await ended, terminal.errors).toBe(0);
  }
  expect(terminal.output).toMatch(/^Reading .*lines.* for 3 mappings of Lines-local; Ctrl-C stops\.\n/);
  expect(terminal.output).toMatch(/\nlines-local-count-words: lines, [\d,]+ records of partition/);
  await deploy();
  const before = await fetch(`${emulator.endpoint}/2015-03-31/functions/lines-local-count-words`);
  expect(before.status).toBe(200);
  await deploy("--destroy");
  const after = await fetch(`${emulator.endpoint}/2015-03-31/functions/lines-local-count-words`);
  expect(after.status).toBe(404);
  const gone = startMappings();
  expect(await gone.ended).toBe(2);
  expect(gone.terminal.errors).toMatch(/^There is no function "lines-local-[\w-]+" at http:.*millrace deploy --local/);
}, 400_000);
