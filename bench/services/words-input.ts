/** The lines whose words are counted on servers, the operator that counts them, and the topics: what both sides and whoever checks them must agree on. */

import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { boundedOutOfOrderness, json, operator, seconds, stream, text, topic, tumbling } from "millrace";
import { findFiles } from "../../demo/find-files.ts";
import type { Broker } from "../../lib/kafka/broker.ts";
import type { Application } from "../../lib/local/application.ts";
import { buildTopology } from "../../lib/stream/topology.ts";

export const LINES_TOPIC = "lines";
export const PARTITIONS = 4;
/** Lines in an invocation, and in what the plain consumer is given at a time. */
export const BATCH_LINES = 5_000;
export const LATE_MS = 1_000;
export const WINDOW_MS = 5_000;

const STEP_MS = 1;
const START_MS = 1_700_000_000_000;
/** Behind everything, so that every window closes without anybody waiting for it. */
const END_MS = START_MS + 86_400_000;

export type WordCount = { readonly word: string; readonly count: number; readonly windowStartMs: number };

/** Everything is in order, and a line of each partition at the end closes all windows. */
const lines = topic(LINES_TOPIC, {
  value: text(),
  watermark: boundedOutOfOrderness(seconds(LATE_MS / 1_000)),
  partitions: PARTITIONS,
});

/** The topic of the results of a round. */
export const resultsOf = (round: string) =>
  topic(`word-counts-${round}`, { key: text(), value: json<WordCount>(), partitions: PARTITIONS });

export function wordsOf(line: string): string[] {
  return line
    .toLowerCase()
    .split(/\W+/)
    .filter((word) => word !== "");
}

/** An application of its own for each round, with its own state and topics, that reads the same lines. */
export function countingApplication(round: string): Application {
  const counting = operator(
    `count-words-${round}`,
    stream(lines)
      .flatMap(wordsOf)
      .keyBy((word) => word)
      .window(tumbling(seconds(WINDOW_MS / 1_000)))
      .count()
      .to(
        resultsOf(round).from(({ key, value, window }) => ({ word: key, count: value, windowStartMs: window.startMs })),
      ),
  );
  const name = `words-${round}`;
  return { name, folder: ".", operators: [counting], topology: buildTopology(name, [counting.definition]) };
}

/** Markdown from node_modules, as often as it takes. */
export function readText(count: number): readonly Buffer[] {
  const root = resolve(import.meta.dirname, "../..");
  const found = findFiles(["node_modules"], root)
    .map((file) => readFileSync(file, "utf8"))
    .join("\n")
    .split("\n");
  return Array.from({ length: count }, (_, i) => Buffer.from(found[i % found.length] as string));
}

export function timeOf(line: number): number {
  return START_MS + line * STEP_MS;
}

/** Writes the lines, to the partitions in turn, and the last ones. A batch of Kafka's holds as many as an invocation. */
export async function writeLines(broker: Broker, texts: readonly Buffer[], progress: (done: number) => void) {
  const record = (value: Buffer, timestampMs: number) => ({ key: null, value, timestampMs, headers: [] });
  const step = BATCH_LINES * PARTITIONS;
  for (let from = 0; from < texts.length; from += step) {
    progress(from);
    const batches = Array.from({ length: PARTITIONS }, (_, partition) => ({
      topic: LINES_TOPIC,
      partition,
      records: texts
        .slice(from, from + step)
        .map((text, i) => record(text, timeOf(from + i)))
        .filter((_, i) => i % PARTITIONS === partition),
    }));
    await broker.produce(batches);
  }
  await broker.produce(
    Array.from({ length: PARTITIONS }, (_, partition) => ({
      topic: LINES_TOPIC,
      partition,
      records: [record(Buffer.alloc(0), END_MS)],
    })),
  );
}
