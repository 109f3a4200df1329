/** A task with a million live windows beside one with ten thousand: what a batch costs that touches a thousand of them, and what it takes to close all at once. */

import { type CountedLog, countedLog } from "./counted-log.ts";
import { type Engine, newEngine } from "./engine.ts";
import { keyedEventTexts } from "./events.ts";
import { countInPlace, WINDOW_MS } from "./operators.ts";
import type { ProgressOf, Section } from "./section.ts";
import { collectGarbage } from "./state-size.ts";

const FEW = 10_000;
const MANY = 1_000_000;
const FILL_BATCH = 10_000;
const BATCH = 1_000;
/** Until the log is as long as it is to be, and then enough for every chunk to be written about once. */
const BATCHES_BEFORE = 600;
const BATCHES = 900;
const TOPIC = "keyed-views";

type Filled = { readonly engine: Engine; readonly counted: CountedLog; readonly keys: number; offset: number };

async function fill(keys: number): Promise<Filled> {
  const counted = countedLog();
  const engine = await newEngine(countInPlace, undefined, counted.log);
  for (let from = 0; from < keys; from += FILL_BATCH)
    for (const text of keyedEventTexts(TOPIC, from, FILL_BATCH)) await engine.invoke(text);
  return { engine, counted, keys, offset: keys };
}

/** The CPU time of a batch in milliseconds, from the event to the commit and the chunks that are written after it. */
async function touch(filled: Filled): Promise<number> {
  const { engine, keys, offset } = filled;
  const keyOf = (i: number) => (Math.imul(i, 0x9e3779b1) >>> 0) % keys;
  const [text] = keyedEventTexts(TOPIC, offset, BATCH, keyOf) as [string];
  filled.offset += BATCH;
  const before = process.cpuUsage();
  await engine.invoke(text);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

export async function liveKeys(progressOf: ProgressOf): Promise<Section> {
  const title = `live windows, one task, batches of ${BATCH.toLocaleString("en")} that touch as many of them`;
  const progress = progressOf(title);
  collectGarbage();
  const before = process.memoryUsage().heapUsed;
  const many = await fill(MANY);
  collectGarbage();
  const bytesPerKey = (process.memoryUsage().heapUsed - before) / MANY;
  progress(1, 3);
  const few = await fill(FEW);
  for (let i = 0; i < BATCHES_BEFORE; i++) for (const filled of [few, many]) await touch(filled);
  for (const { counted } of [few, many]) counted.takeUnits();
  const fewMs: number[] = [];
  const manyMs: number[] = [];
  for (let i = 0; i < BATCHES; i++) {
    fewMs.push(await touch(few));
    manyMs.push(await touch(many));
  }
  progress(2, 3);
  // Not the median: some commits write chunks, and pay for the others.
  const meanOf = (times: readonly number[]) => times.reduce((sum, ms) => sum + ms, 0) / times.length;
  const units = [few, many].map(({ counted, keys }) => unitsRow(keys, counted.takeUnits()));
  const closing = await closeAll(many);
  progress(3, 3);
  const row = (keys: number, ms: number) => ({
    what: `a batch with its commit, ${keys.toLocaleString("en")} live`,
    figure: `${ms.toFixed(2)} ms CPU`,
    value: ms,
    unit: "ms CPU",
  });
  return {
    title,
    rows: [
      row(FEW, meanOf(fewMs)),
      { ...row(MANY, meanOf(manyMs)), ratio: meanOf(manyMs) / meanOf(fewMs), target: "≤ 1.2" },
      {
        what: "heap per live key, log in memory included",
        figure: `${bytesPerKey.toFixed(0)} bytes`,
        value: bytesPerKey,
        unit: "bytes",
      },
      ...units,
      ...closing,
    ],
  };
}

function unitsRow(keys: number, { entries, chunks }: { entries: number; chunks: number }): Section["rows"][number] {
  const [entry, rest] = [entries / BATCHES, chunks / BATCHES];
  return {
    what: `write units of a batch, ${keys.toLocaleString("en")} live`,
    figure: `${(entry + rest).toFixed(1)}: ${entry.toFixed(1)} its entry, ${rest.toFixed(1)} chunks and segments`,
    value: entry + rest,
    unit: "write units",
  };
}

/** Moves the watermark over the end of all windows with one record. */
async function closeAll({ engine, offset }: Filled): Promise<Section["rows"]> {
  engine.reports.length = 0;
  collectGarbage();
  const before = process.memoryUsage().rss;
  let largest = before;
  const watch = setInterval(() => {
    largest = Math.max(largest, process.memoryUsage().rss);
  }, 20);
  const cpu = process.cpuUsage();
  const [text] = keyedEventTexts(TOPIC, offset, 1, () => 0, 2 * WINDOW_MS) as [string];
  await engine.invoke(text);
  clearInterval(watch);
  largest = Math.max(largest, process.memoryUsage().rss);
  const { user, system } = process.cpuUsage(cpu);
  const seconds = (user + system) / 1e6;
  const outputs = engine.reports.reduce((sum, { outputs }) => sum + outputs, 0);
  const commits = engine.reports.length;
  const largestEntry = Math.max(...engine.reports.map(({ entryBytes }) => entryBytes));
  return [
    {
      what: `closing ${outputs.toLocaleString("en")} windows at once`,
      figure: `${seconds.toFixed(1)} s CPU, ${commits} commits, the largest of ${(largestEntry / 1024).toFixed(0)} KiB`,
      value: seconds,
      unit: "s CPU",
    },
    {
      what: "memory that this takes beside what is live, results in the memory of the broker included",
      figure: `${((largest - before) / 2 ** 20).toFixed(0)} MiB`,
      value: largest - before,
      unit: "bytes",
    },
  ];
}
