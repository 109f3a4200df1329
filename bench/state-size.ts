/** What is committed per record and per touched key, and what a million live keys take in memory. */

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { newEngine } from "./engine.ts";
import { eventTexts, keyedEventTexts } from "./events.ts";
import { countByUser, countInPlace } from "./operators.ts";
import type { ProgressOf, Section } from "./section.ts";

const BATCH = 1_000;
const EVENTS = 100;
const LIVE_KEYS = 1_000_000;
const LIVE_KEYS_BATCH = 10_000;

/** Bytes of entries (meta, changes, outputs) before any store adds its own. */
export async function stateSize(progressOf: ProgressOf): Promise<Section> {
  const progress = progressOf("state");
  const rows = [];
  for (const keys of [300, 10_000]) {
    const engine = await newEngine(countByUser);
    for (const text of eventTexts("plain-views", 0, EVENTS * BATCH, BATCH, keys)) await engine.invoke(text);
    for (const event of await engine.newEvents(`${countByUser.operatorName}--by-key`)) await engine.invoke(event);
    const of = (name: string) => engine.reports.filter(({ functionName }) => functionName === name);
    const bytes = engine.reports.reduce((sum, { entryBytes }) => sum + entryBytes, 0);
    const counting = of(`${countByUser.operatorName}--by-key`);
    const cells = counting.reduce((sum, { changedCells }) => sum + changedCells, 0);
    const perRecord = bytes / (EVENTS * BATCH);
    const perCell = counting.reduce((sum, { entryBytes }) => sum + entryBytes, 0) / cells;
    rows.push(
      {
        what: `committed by both functions, ${keys.toLocaleString("en")} keys, batches of 1,000`,
        figure: `${perRecord.toFixed(1)} bytes a record`,
        value: perRecord,
        unit: "bytes per record",
      },
      {
        what: `committed by the counting function, ${keys.toLocaleString("en")} keys`,
        figure: `${perCell.toFixed(1)} bytes a touched key and window`,
        value: perCell,
        unit: "bytes per touched cell",
      },
    );
    progress(rows.length / 2, 3);
  }
  collectGarbage();
  const before = process.memoryUsage();
  const engine = await newEngine(countInPlace);
  let largest = 0;
  for (let from = 0; from < LIVE_KEYS; from += LIVE_KEYS_BATCH) {
    for (const text of keyedEventTexts("keyed-views", from, LIVE_KEYS_BATCH)) await engine.invoke(text);
    largest = Math.max(largest, process.memoryUsage().rss);
  }
  collectGarbage();
  const live = process.memoryUsage().heapUsed - before.heapUsed;
  progress(3, 3);
  rows.push(
    {
      what: "peak memory of the process with 1,000,000 live keys in one task, log in memory included",
      figure: `${(largest / 2 ** 20).toFixed(0)} MiB`,
      value: largest,
      unit: "bytes",
    },
    {
      what: "heap per live key, with the key itself",
      figure: `${(live / LIVE_KEYS).toFixed(0)} bytes`,
      value: live / LIVE_KEYS,
      unit: "bytes per key",
    },
  );
  return { title: "state", rows };
}

/** Empties the heap, so that what is left is in use. */
export function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
}
