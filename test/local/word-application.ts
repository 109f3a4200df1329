/** A whole application to run here: one operator reads what another writes, one has no state, one sums without windows; and what must come out. */

import {
  boundedOutOfOrderness,
  json,
  milliseconds,
  type Operator,
  operator,
  stream,
  text,
  topic,
  tumbling,
} from "millrace";
import type { Broker } from "../../lib/kafka/broker.ts";
import type { Application } from "../../lib/local/application.ts";
import { readTopic } from "../../lib/local/read-topic.ts";
import { createRandom } from "../../lib/simulation/random.ts";
import type { AnyTopic } from "../../lib/stream/topic.ts";
import { buildTopology } from "../../lib/stream/topology.ts";
import { isAbove, type SeenIdentity } from "../../lib/wire/identity.ts";

const WINDOW_MS = 100;
const BOUND_MS = 50;
const PARTITIONS = 3;

type WindowCount = { readonly word: string; readonly count: number; readonly startMs: number };

const counts = topic("counts", { key: text(), value: json<WindowCount>(), partitions: 2 });
const totals = topic("totals", { key: text(), value: json<number>(), partitions: 2 });
const cleanLines = topic("clean-lines", { value: text(), partitions: 2 });

/** The application, whose partitions count as idle after `idleAfterMs`, and whose functions may take `timeoutMs`. */
export function wordApplication({ idleAfterMs = 150, timeoutMs = 60_000 } = {}): Application {
  const lines = topic("lines", {
    value: text(),
    watermark: boundedOutOfOrderness(milliseconds(BOUND_MS), { idleAfter: milliseconds(idleAfterMs) }),
    partitions: PARTITIONS,
  });
  const settings = { function: { timeout: milliseconds(timeoutMs) } };
  // Readers before their writers: whoever waits for all of them must not trust the order.
  const operators: Operator[] = [
    operator(
      { name: "add-up", ...settings },
      stream(counts)
        .keyedByTopicKey()
        .sum(({ count }) => count)
        .to(totals.from(({ value }) => value)),
    ),
    operator(
      { name: "clean-lines", ...settings },
      stream(lines)
        .map((line) => line.toUpperCase())
        .to(cleanLines),
    ),
    operator(
      { name: "count-words", ...settings },
      stream(lines)
        .flatMap((line) => line.split(" "))
        .keyBy((word) => word)
        .window(tumbling(milliseconds(WINDOW_MS)))
        .count()
        .to(
          counts.record({
            key: ({ key }) => key,
            value: ({ key, value, window }) => ({ word: key, count: value, startMs: window.startMs }),
          }),
        ),
    ),
  ];
  const topology = buildTopology(
    "words",
    operators.map(({ definition }) => definition),
  );
  return { name: "words", folder: ".", operators, topology };
}

export type Line = { readonly partition: number; readonly timestampMs: number; readonly words: string };

export function linesOf(seed: number, count: number, startMs = 0): Line[] {
  const random = createRandom(seed);
  const below = (n: number) => Math.floor(random() * n);
  return Array.from({ length: count }, (_, i) => ({
    partition: below(PARTITIONS),
    timestampMs: startMs + i * 5 + BOUND_MS - below(BOUND_MS + 1),
    words: Array.from({ length: 1 + below(5) }, () => `w${below(30)}`).join(" "),
  }));
}

export async function writeLines(broker: Broker, lines: readonly Line[]): Promise<void> {
  const encoder = new TextEncoder();
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const records = lines
      .filter((line) => line.partition === partition)
      .map(({ timestampMs, words }) => ({ key: null, value: encoder.encode(words), timestampMs, headers: [] }));
    await broker.produce([{ topic: "lines", partition, records }]);
  }
}

export type Results = { readonly windows: string[]; readonly sums: string[]; readonly lines: string[] };

/** What one reader, one after the other, would get. */
export function expectedOf(input: readonly Line[]): Results {
  const windows = new Map<string, number>();
  for (const { timestampMs, words } of input)
    for (const word of words.split(" ")) {
      const name = `${String(Math.floor(timestampMs / WINDOW_MS) * WINDOW_MS).padStart(15)} ${word}`;
      windows.set(name, (windows.get(name) ?? 0) + 1);
    }
  const sums = new Map<string, number>();
  const seen: string[] = [];
  for (const [name, count] of [...windows].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const word = name.slice(16);
    sums.set(word, (sums.get(word) ?? 0) + count);
    seen.push(`${word} ${sums.get(word)}`);
  }
  return {
    windows: [...windows].map(([name, count]) => `${name} ${count}`).sort(),
    sums: seen.sort(),
    lines: input.map(({ words }) => words.toUpperCase()).sort(),
  };
}

/** What is in the topics, without repeats. Throws where an output comes for the first time after one that follows it (O1). */
export async function readResults(broker: Broker): Promise<Results> {
  const [windows, sums, lines] = await Promise.all([
    readOnce<WindowCount>(broker, counts),
    readOnce<number>(broker, totals),
    readOnce<string>(broker, cleanLines),
  ]);
  return {
    windows: windows
      .map(({ value: { word, count, startMs } }) => `${String(startMs).padStart(15)} ${word} ${count}`)
      .sort(),
    sums: sums.map(({ key, value }) => `${key} ${value}`).sort(),
    lines: lines.map(({ value }) => value).sort(),
  };
}

async function readOnce<T>(broker: Broker, from: AnyTopic): Promise<{ key: string; value: T }[]> {
  const taken: { key: string; value: T }[] = [];
  const last = new Map<string, SeenIdentity>();
  const ever = new Set<string>();
  for (const { identity, key, value, partition } of await readTopic(broker, from)) {
    if (identity === undefined) throw new Error("an output without an identity");
    const { task, generation, sequenceNumber, index } = identity;
    const id = `${task} ${generation} ${sequenceNumber} ${index}`;
    if (isAbove(identity, last.get(`${partition} ${task}`))) {
      last.set(`${partition} ${task}`, [generation, sequenceNumber, index]);
      ever.add(id);
      taken.push({ key: key as string, value: value as T });
    } else if (!ever.has(id)) throw new Error(`O1: ${id} came too late`);
  }
  return taken;
}
