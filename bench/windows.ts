/** Windows of other kinds beside tumbling ones: sliding windows of many slices, sessions, and what takes the general step. */

import {
  boundedOutOfOrderness,
  countTrigger,
  json,
  operator,
  seconds,
  session,
  sliding,
  stream,
  text,
  topic,
  tumbling,
} from "millrace";
import type { Operator } from "../lib/runtime/operator-handler.ts";
import { newEngine } from "./engine.ts";
import { eventTexts, type PageView } from "./events.ts";
import { measure, type Variant } from "./measure.ts";
import type { ProgressOf, Section } from "./section.ts";

const RECORDS = 100_000;
const BATCH = 10_000;
const KEYS = 10_000;
const ROUNDS = 7;

const watermark = boundedOutOfOrderness(seconds(1));
export const views = topic("plain-views", { value: json<PageView>(), watermark, partitions: 1 });
const results = topic("results", {
  key: text(),
  value: json<{ user: string; count: number; startMs: number }>(),
  partitions: 1,
});
const byUser = stream(views).keyBy((view) => view.user);
type Counted = { readonly key: string; readonly value: number; readonly window: { readonly startMs: number } };
const toResult = ({ key, value, window }: Counted) => ({ user: key, count: value, startMs: window.startMs });

const OPERATORS: Compared = [
  [
    "tumbling, 60 s",
    undefined,
    operator(
      "tumbling",
      byUser
        .window(tumbling(seconds(60)))
        .count()
        .to(results.from(toResult)),
    ),
  ],
  [
    "sliding, 60 s by 1 s",
    "≥ 0.33",
    operator(
      "sliding",
      byUser
        .window(sliding(seconds(60), seconds(1)))
        .count()
        .to(results.from(toResult)),
    ),
  ],
  [
    "sessions, gap 1 s",
    "≥ 0.4",
    operator(
      "sessions",
      byUser
        .window(session(seconds(1)))
        .count()
        .to(results.from(toResult)),
    ),
  ],
  [
    "tumbling, 60 s, a result with every 100th element",
    undefined,
    operator(
      "counting",
      byUser
        .window(tumbling(seconds(60)))
        .trigger(countTrigger(100))
        .count()
        .to(results.from(toResult)),
    ),
  ],
];

/** Operators that read `plain-views`, each beside the first; its target is a ratio to it. */
export type Compared = readonly (readonly [name: string, target: string | undefined, operator: Operator])[];

export const windowKinds = (progressOf: ProgressOf) => compare("windows of other kinds", OPERATORS, progressOf);

/** Both functions of each operator, from the topic to the results; the warm-up fills the first 60 seconds of the windows. */
export async function compare(what: string, operators: Compared, progressOf: ProgressOf): Promise<Section> {
  const title = `${what}, ${KEYS.toLocaleString("en")} keys, batches of ${BATCH.toLocaleString("en")}, topic to results`;
  const timings = await measure(
    await Promise.all(operators.map(([name, , handler]) => wholeOperator(name, handler))),
    ROUNDS,
    progressOf(title),
  );
  const [{ cpuUs: firstUs }] = timings as [(typeof timings)[number]];
  return {
    title,
    rows: timings.map(({ name, cpuUs, spread }, i) => {
      const target = operators[i]?.[1];
      return {
        what: name,
        figure: `${cpuUs.toFixed(2)} µs CPU a record ± ${(spread * 100).toFixed(0)} %`,
        value: cpuUs,
        unit: "µs CPU per input record",
        ...(i > 0 && { ratio: firstUs / cpuUs }),
        ...(target !== undefined && { target }),
      };
    }),
  };
}

async function wholeOperator(name: string, handler: Operator): Promise<Variant> {
  const engine = await newEngine(handler);
  const shuffle = `${handler.operatorName}--by-key`;
  let texts: string[] = [];
  /** Sixty seconds of input before the first round: then every window is full. */
  const before = async () => {
    for (let part = 0; part < 12; part++) await pass(eventTexts("plain-views", part * RECORDS, RECORDS, BATCH, KEYS));
  };
  const pass = async (events: readonly string[]) => {
    for (const event of events) await engine.invoke(event);
    for (const event of await engine.newEvents(shuffle)) await engine.invoke(event);
  };
  return {
    name,
    records: RECORDS,
    async prepare(round) {
      if (round === 0) await before();
      texts = eventTexts("plain-views", (12 + round) * RECORDS, RECORDS, BATCH, KEYS);
    },
    run: () => pass(texts),
  };
}
