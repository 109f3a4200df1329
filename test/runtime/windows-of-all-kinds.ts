/** A small pipeline for each kind of windows, result, trigger and evictor. */

import {
  continuousEventTimeTrigger,
  continuousProcessingTimeTrigger,
  countEvictor,
  countTrigger,
  cumulative,
  customEvictor,
  customTrigger,
  customWindows,
  deltaEvictor,
  deltaTrigger,
  type Evictor,
  eventTimeTrigger,
  globalWindow,
  milliseconds as ms,
  processingTimeTrigger,
  purging,
  session,
  sliding,
  type Trigger,
  timeEvictor,
  tumbling,
  valueState,
} from "millrace";
import { aside, type Item, type Kind, keyed, out } from "./operators-of-all-kinds.ts";

const n = (item: Item) => item.n;
const every = ms(10);
const inTime = { time: "processing" } as const;
const windows = () => keyed().window(tumbling(every));

const ASSIGNERS = {
  tumbling: tumbling(every, { offset: ms(3) }),
  "tumbling by the clock": tumbling(every, inTime),
  sliding: sliding(every, ms(4)),
  "sliding by the clock": sliding(every, ms(4), inTime),
  cumulative: cumulative(ms(5), ms(20)),
  "cumulative by the clock": cumulative(ms(5), ms(20), inTime),
  session: session(ms(6)),
  "sessions with a gap of each element": session(({ n }: Item) => ms(1 + (n % 7))),
  "sessions by the clock": session(ms(6), inTime),
  custom: customWindows({ assign: ({ n }: Item, timeMs) => [{ startMs: timeMs, endMs: timeMs + 1 + (n % 9) }] }),
} as const;

const OF_ASSIGNERS: readonly Kind[] = Object.entries(ASSIGNERS).flatMap(([name, assigner]): Kind[] => [
  [
    `${name}: an aggregate`,
    () =>
      keyed()
        .window(assigner)
        .aggregate((on) => ({ count: on.count(), sum: on.sum(n), half: on.quantile(0.5, n), distinct: on.distinct(n) }))
        .to(out),
  ],
  [`${name}: all elements`, () => keyed().window(assigner).collect().to(out)],
  [
    `${name}: process, with an evictor`,
    () =>
      keyed()
        .window(assigner)
        .evictor(countEvictor(2))
        .process((all, { key, window }) => [[key, window, all.map(n)]])
        .to(out),
  ],
  [`${name}: over all keys`, () => keyed().windowAll(assigner).sum(n).to(out)],
]);

const RESULTS: readonly Kind[] = [
  ["count", () => windows().count().to(out)],
  ["sum", () => windows().sum(n).to(out)],
  ["min", () => windows().min(n).to(out)],
  ["max", () => windows().max(n).to(out)],
  ["average", () => windows().average(n).to(out)],
  ["minBy", () => windows().minBy(n).to(out)],
  ["maxBy", () => windows().maxBy(n).to(out)],
  [
    "reduce",
    () =>
      windows()
        .reduce((a, b) => ({ key: a.key, n: a.n * 2 + b.n }))
        .to(out),
  ],
  ["topN", () => windows().topN(2, n).to(out)],
  [
    "topKeys",
    () =>
      windows()
        .topKeys(
          2,
          (on) => on.sum(n),
          (sum) => sum,
        )
        .to(out),
  ],
  [
    "an aggregate that cannot be merged",
    () =>
      windows()
        .aggregate((on) => on.custom({ create: () => 0, add: (a: number, item) => a * 3 + item.n, result: (a) => a }))
        .to(out),
  ],
  [
    "aggregateAndProcess",
    () =>
      windows()
        .aggregateAndProcess(
          (on) => on.sum(n),
          (sum, { key, window }) => [[key, window.startMs, sum]],
        )
        .to(out),
  ],
  [
    "process with state of windows and keys",
    () =>
      windows()
        .allowedLateness(every)
        .lateTo(aside)
        .process(
          (all, { key, windowState, globalState }) => {
            windowState.firings.set((windowState.firings.get() ?? 0) + 1);
            globalState.firings.set((globalState.firings.get() ?? 0) + 1);
            return [[key, all.map(n), windowState.firings.get(), globalState.firings.get()]];
          },
          {
            order: "event-time",
            windowState: { firings: valueState<number>() },
            globalState: { firings: valueState<number>() },
          },
        )
        .to(out),
    "by batch",
  ],
  ["late elements", () => windows().allowedLateness(ms(5)).lateTo(aside).collect().to(out)],
  ["updates", () => keyed().window(tumbling(every), { emit: "updates" }).sum(n).to(out), "by batch"],
  [
    "updates now and then",
    () =>
      keyed()
        .window(tumbling(every), { emit: { every: ms(4) } })
        .sum(n)
        .to(out),
    "by batch",
  ],
  [
    "updates now and then by the clock",
    () =>
      keyed()
        .window(tumbling(every), { emit: { every: ms(4), time: "processing" } })
        .sum(n)
        .to(out),
    "by batch",
  ],
  ["windows of a count", () => keyed().countWindow(3).sum(n).to(out)],
  ["windows of a count, every two", () => keyed().countWindow(3, 2).collect().to(out)],
  [
    "windows of windows",
    () =>
      windows()
        .sum(n)
        .window(tumbling(ms(20)), { name: "outer" })
        .count()
        .to(out),
  ],
];

const TRIGGERS: Readonly<Record<string, Trigger<Item>>> = {
  "event time": eventTimeTrigger(),
  "processing time": processingTimeTrigger(),
  count: countTrigger(2),
  "continuous event time": continuousEventTimeTrigger(ms(4)),
  "continuous processing time": continuousProcessingTimeTrigger(ms(4)),
  delta: deltaTrigger(3, (last: Item, item: Item) => Math.abs(item.n - last.n)),
  purging: purging(countTrigger(2)),
  custom: customTrigger<Item, number>({
    state: () => 0,
    onElement(item, context) {
      context.state = item.n;
      context.setEventTimer(context.maxTimestampMs);
      context.setProcessingTimer(context.processingTimeMs + 3);
      return item.n % 5 === 0 ? "fire" : "continue";
    },
    onEventTime: () => "fire-and-purge",
    onProcessingTime: (_, { state }) => (state % 2 === 0 ? "fire" : "continue"),
    onMerge() {},
  }),
};

const byBatch = (name: string): readonly ["by batch"?] => (name === "processing time" ? ["by batch"] : []);

// What a delta is measured from cannot be merged.
const MERGING = Object.entries(TRIGGERS).filter(([name]) => name !== "delta");

const OF_TRIGGERS: readonly Kind[] = [
  ...Object.entries(TRIGGERS).flatMap(([name, trigger]): Kind[] => [
    // What the clock has passed already fires with the next batch.
    [`trigger ${name}`, () => windows().trigger(trigger).sum(n).to(out), ...byBatch(name)],
  ]),
  ...Object.entries(TRIGGERS)
    .filter(([name]) => name !== "processing time")
    .map(
      ([name, trigger]): Kind => [
        `trigger ${name}, on a global window`,
        () => keyed().window(globalWindow()).trigger(trigger).sum(n).to(out),
      ],
    ),
  ...MERGING.map(
    ([name, trigger]): Kind => [
      `trigger ${name}, on sessions`,
      () =>
        keyed()
          .window(session(ms(4)))
          .trigger(trigger)
          .collect()
          .to(out),
      ...byBatch(name),
    ],
  ),
];

const EVICTORS: Readonly<Record<string, Evictor<Item>>> = {
  count: countEvictor(2, { when: "after" }),
  time: timeEvictor(ms(3)),
  delta: deltaEvictor(4, (item: Item, last: Item) => last.n - item.n, { when: "after" }),
  custom: customEvictor<Item>({ before: (all) => all.filter(({ value }) => value.n % 3 !== 0) }),
};

const OF_EVICTORS: readonly Kind[] = Object.entries(EVICTORS).map(
  ([name, evictor]): Kind => [
    `evictor ${name}`,
    () => windows().trigger(countTrigger(2)).evictor(evictor).collect().to(out),
  ],
);

export const WINDOWS: readonly Kind[] = [...OF_ASSIGNERS, ...RESULTS, ...OF_TRIGGERS, ...OF_EVICTORS];
