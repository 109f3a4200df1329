/** Decoding and counting in windows, from a plain topic and from a shuffle, against a straight loop. */

import type { Operator } from "../lib/runtime/operator-handler.ts";
import { newEngine } from "./engine.ts";
import { eventTexts } from "./events.ts";
import { measure, type Timing, type Variant } from "./measure.ts";
import { countByUser, countEach, WINDOW_MS } from "./operators.ts";
import type { ProgressOf, Row, Section } from "./section.ts";
import { countStraight } from "./straight-loop.ts";

const RECORDS = 100_000;
const ROUNDS = 9;

/** For 300 and 10,000 keys, in batches of 1,000 and 10,000. */
export async function countViews(progressOf: ProgressOf): Promise<Section[]> {
  const sections: Section[] = [];
  for (const keys of [300, 10_000]) {
    for (const batch of [1_000, 10_000]) {
      const title = `windowed count, ${keys.toLocaleString("en")} keys, batches of ${batch.toLocaleString("en")}`;
      sections.push({ title, rows: await countWith(keys, batch, progressOf(title)) });
    }
  }
  return sections;
}

async function countWith(keys: number, batch: number, progress: (done: number, of: number) => void): Promise<Row[]> {
  const timings = await measure(
    [
      straightLoop(keys, batch),
      await sourceFunction(keys, batch),
      await shuffleFunction("shuffle: the function behind it (partial counts)", countByUser, keys, batch),
      await shuffleFunction("shuffle of single elements (nothing to merge)", countEach, keys, batch),
    ],
    ROUNDS,
    progress,
  );
  const [straight, source, shuffle] = timings as [Timing, Timing, Timing, Timing];
  const both: Timing = {
    name: "plain topic to result: both functions",
    cpuUs: source.cpuUs + shuffle.cpuUs,
    wallUs: source.wallUs + shuffle.wallUs,
    spread: source.spread,
  };
  const targets: Record<string, string> = { [source.name]: "≥ 1.2", [shuffle.name]: "≥ 2.5" };
  return [...timings, both].map(({ name, cpuUs, spread }) => ({
    what: name,
    figure: `${cpuUs.toFixed(2)} µs CPU a record ± ${(spread * 100).toFixed(0)} %`,
    value: cpuUs,
    unit: "µs CPU per input record",
    ...(name !== straight.name && { ratio: straight.cpuUs / cpuUs }),
    ...(targets[name] !== undefined && { target: targets[name] }),
  }));
}

const eventsOf = (round: number, batch: number, keys: number) =>
  eventTexts("plain-views", round * RECORDS, RECORDS, batch, keys);

function straightLoop(keys: number, batch: number): Variant {
  let texts: string[] = [];
  return {
    name: "straight loop, no guarantees",
    records: RECORDS,
    prepare(round) {
      texts = eventsOf(round, batch, keys);
    },
    run() {
      const counts = new Map<number, Map<string, number>>();
      for (const text of texts) countStraight(text, WINDOW_MS, counts);
    },
  };
}

/** One warm environment for all rounds, as functions have it under load. */
async function sourceFunction(keys: number, batch: number): Promise<Variant> {
  const engine = await newEngine(countByUser);
  let texts: string[] = [];
  return {
    name: "plain topic: the function that reads it",
    records: RECORDS,
    prepare(round) {
      texts = eventsOf(round, batch, keys);
    },
    async run() {
      for (const text of texts) await engine.invoke(text);
    },
  };
}

/** The same behind a shuffle; its bundles come from another environment, unmeasured. */
export async function shuffleFunction(name: string, operator: Operator, keys: number, batch: number): Promise<Variant> {
  const sender = await newEngine(operator);
  const engine = await newEngine(operator);
  let texts: string[] = [];
  return {
    name,
    records: RECORDS,
    async prepare(round) {
      for (const text of eventsOf(round, batch, keys)) await sender.invoke(text);
      texts = await sender.newEvents(`${operator.operatorName}--by-key`);
    },
    async run() {
      for (const text of texts) await engine.invoke(text);
    },
  };
}
