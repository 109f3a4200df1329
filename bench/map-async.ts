/** What mapAsync costs beside map where the outside answers at once: the engine's own share of a call. */

import { asyncFunction, json, minutes, operator, seconds, stream, topic } from "millrace";
import type { Operator } from "../lib/runtime/operator-handler.ts";
import { newEngine } from "./engine.ts";
import { eventTexts, type PageView } from "./events.ts";
import { measure, type Timing, type Variant } from "./measure.ts";
import type { ProgressOf, Section } from "./section.ts";

const RECORDS = 20_000;
const BATCH = 1_000;
const KEYS = 1_000;
const ROUNDS = 9;

const views = topic("views", { value: json<PageView>(), partitions: 1 });
const nothing = topic("nothing", { value: json<number>(), partitions: 1 });

const call = async (view: PageView) => view.ms;
const timeout = seconds(10);
const cache = { key: (view: PageView) => view.page, ttl: minutes(10), maxEntries: 10_000 };
/** Given the context, so that its function commits too. */
const mapped = stream(views).map((view, _ctx) => view.ms);

const OPERATORS: readonly (readonly [name: string, operator: Operator])[] = [
  ["map", operator("map", mapped.filter((ms) => ms < 0).to(nothing))],
  ...(
    [
      ["mapAsync, a call for each", asyncFunction({ call, timeout })],
      ["mapAsync, unordered", asyncFunction({ call, timeout, order: "unordered" })],
      [
        "mapAsync, the signal used",
        asyncFunction({ call: async (view: PageView, { signal }) => view.ms + Number(signal.aborted), timeout }),
      ],
      [
        "mapAsync, batches of 100",
        asyncFunction({ callBatch: async (all: readonly PageView[]) => all.map(({ ms }) => ms), timeout }),
      ],
      ["mapAsync, 1,000 answers in the cache", asyncFunction({ call, timeout, cache })],
    ] as const
  ).map(
    ([name, fn]) =>
      [
        name,
        operator(
          "map-async",
          stream(views)
            .mapAsync(fn)
            .filter((ms) => ms < 0)
            .to(nothing),
        ),
      ] as const,
  ),
];

export async function mapAsync(progressOf: ProgressOf): Promise<Section> {
  const variants = await Promise.all(OPERATORS.map(([name, operator]) => variantOf(name, operator)));
  const timings = await measure(variants, ROUNDS, progressOf("mapAsync"));
  const [map] = timings as [Timing];
  return {
    title: "mapAsync with answers at once, beside map, batches of 1,000",
    rows: timings.map(({ name, cpuUs, spread }) => ({
      what: name,
      figure: `${cpuUs.toFixed(2)} µs CPU a record ± ${(spread * 100).toFixed(0)} %`,
      value: cpuUs,
      unit: "µs CPU per input record",
      ...(name !== map.name && { ratio: map.cpuUs / cpuUs }),
    })),
  };
}

async function variantOf(name: string, operator: Operator): Promise<Variant> {
  const engine = await newEngine(operator);
  let texts: string[] = [];
  return {
    name,
    records: RECORDS,
    prepare(round) {
      texts = eventTexts("views", round * RECORDS, RECORDS, BATCH, KEYS);
    },
    async run() {
      for (const text of texts) await engine.invoke(text);
    },
  };
}
