/** Decoding and counting in windows, from a plain topic and from a shuffle, against a straight loop. */

import type { Operator } from "../lib/runtime/operator-handler.ts";
import { newEngine, readEvents } from "./engine.ts";
import { eventTexts } from "./events.ts";
import { measure, type Timing } from "./measure.ts";
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
  const texts = eventTexts("plain-views", RECORDS / batch, batch, keys);
  const partials = await shuffleTexts(countByUser, texts);
  const elements = await shuffleTexts(countEach, texts);
  const through = (operator: Operator, events: readonly string[]) => async () => {
    const engine = await newEngine(operator);
    for (const event of events) await engine.invoke(event);
  };
  const timings = await measure(
    [
      {
        name: "straight loop, no guarantees",
        records: RECORDS,
        run: () => {
          const counts = new Map<number, Map<string, number>>();
          for (const text of texts) countStraight(text, WINDOW_MS, counts);
        },
      },
      { name: "plain topic: the function that reads it", records: RECORDS, run: through(countByUser, texts) },
      {
        name: "shuffle: the function behind it (partial counts)",
        records: RECORDS,
        run: through(countByUser, partials),
      },
      { name: "shuffle of single elements (nothing to merge)", records: RECORDS, run: through(countEach, elements) },
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

/** The events of the bundles that an operator's first function sends for these events: one bundle each, as they come. */
async function shuffleTexts(operator: Operator, texts: readonly string[]): Promise<string[]> {
  const engine = await newEngine(operator);
  for (const text of texts) await engine.invoke(text);
  return readEvents(engine.broker, `${operator.operatorName}--by-key`);
}
