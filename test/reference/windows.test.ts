/**
 * The engine's windows against the model: random elements, out of order and late, in random batches over two partitions, random watermarks and times of the
 * clock, and everything but the log forgotten at random. MILLRACE_RUNS=100000 runs more.
 */

import fc from "fast-check";
import {
  at,
  boundedOutOfOrderness,
  cumulative,
  json,
  milliseconds,
  operator,
  session,
  sliding,
  stream,
  type TimeWindow,
  testDriver,
  topic,
  tumbling,
  type WindowAssigner,
} from "millrace";
import { describe, expect, test } from "vitest";
import { atEventTime, atProcessingTime } from "./model-triggers.ts";
import { type ModelResult, type ModelSettings, type Span, WindowModel } from "./window-model.ts";

const RUNS = Number(process.env.MILLRACE_RUNS ?? 250);
const START_MS = 1_000;

type Element = { readonly key: string; readonly n: number };
type Found = { readonly key: string; readonly window: Span; readonly value: readonly number[] };

// Time moves only where the test moves it.
const watermark = boundedOutOfOrderness(milliseconds(1_000_000));
const elements = topic("elements", { value: json<Element>(), watermark, partitions: 2 });
const found = topic("found", { value: json<Found>(), partitions: 1 });
const tooLate = topic("too-late", { value: json<Element>() });

/** Windows, for the engine and for the model. */
type Windows = {
  readonly name: string;
  readonly assigner: WindowAssigner<Element, TimeWindow>;
  readonly settings: Pick<ModelSettings, "assign" | "merging" | "time">;
  /** Some elements are in no window. */
  readonly hasGaps?: boolean;
};

const floor = (ms: number, size: number, offset: number) => Math.floor((ms - offset) / size) * size + offset;
const time = fc.constantFrom("event" as const, "processing" as const);
const gapOf = (n: number) => 1 + (n % 7);

const tumblings = fc
  .tuple(fc.integer({ min: 1, max: 12 }), fc.integer({ min: -3, max: 3 }), time)
  .map(([size, wish, time]): Windows => {
    const offset = wish % size;
    return {
      name: `tumbling(${size}, ${offset}, ${time})`,
      assigner: tumbling(milliseconds(size), { offset: milliseconds(offset), time }),
      settings: {
        time,
        merging: false,
        assign: ({ timestampMs }) => {
          const startMs = floor(timestampMs, size, offset);
          return [{ startMs, endMs: startMs + size }];
        },
      },
    };
  });

const slidings = fc
  .tuple(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 14 }), fc.integer({ min: -3, max: 3 }), time)
  .map(([size, slide, wish, time]): Windows => {
    const offset = wish % slide;
    return {
      hasGaps: slide > size,
      name: `sliding(${size}, ${slide}, ${offset}, ${time})`,
      assigner: sliding(milliseconds(size), milliseconds(slide), { offset: milliseconds(offset), time }),
      settings: {
        time,
        merging: false,
        assign: ({ timestampMs }) => {
          const spans: Span[] = [];
          for (let startMs = floor(timestampMs, slide, offset); startMs + size > timestampMs; startMs -= slide)
            spans.push({ startMs, endMs: startMs + size });
          return spans;
        },
      },
    };
  });

const cumulatives = fc
  .tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 5 }), fc.integer({ min: -3, max: 3 }), time)
  .map(([step, steps, wish, time]): Windows => {
    const size = step * steps;
    const offset = wish % size;
    return {
      name: `cumulative(${step}, ${size}, ${offset}, ${time})`,
      assigner: cumulative(milliseconds(step), milliseconds(size), { offset: milliseconds(offset), time }),
      settings: {
        time,
        merging: false,
        assign: ({ timestampMs }) => {
          const startMs = floor(timestampMs, size, offset);
          const ends = Array.from({ length: steps }, (_, i) => startMs + (i + 1) * step);
          return ends.filter((endMs) => endMs > timestampMs).map((endMs) => ({ startMs, endMs }));
        },
      },
    };
  });

const sessions = fc.tuple(fc.option(fc.integer({ min: 1, max: 8 }), { nil: undefined }), time).map(
  ([gap, time]): Windows => ({
    name: `session(${gap ?? "per element"}, ${time})`,
    assigner: session(gap === undefined ? ({ n }) => milliseconds(gapOf(n)) : milliseconds(gap), { time }),
    settings: {
      time,
      merging: true,
      assign: ({ value, timestampMs }) => [{ startMs: timestampMs, endMs: timestampMs + (gap ?? gapOf(value)) }],
    },
  }),
);

const op = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("send" as const),
      partition: fc.integer({ min: 0, max: 1 }),
      batch: fc.array(fc.tuple(fc.constantFrom("a", "b", "c"), fc.integer({ min: -20, max: 40 })), {
        minLength: 1,
        maxLength: 8,
      }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("watermark" as const), byMs: fc.integer({ min: 1, max: 20 }) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("clock" as const), byMs: fc.integer({ min: 1, max: 15 }) }) },
  { weight: 2, arbitrary: fc.constant({ kind: "restart" as const }) },
);

const script = fc.record({
  ops: fc.array(op, { minLength: 1, maxLength: 10 }),
  lateness: fc.constantFrom(0, 0, 3, 15),
  /** Late elements go to a topic, and so every element crosses the shuffle by itself. */
  oneByOne: fc.boolean(),
  batchSize: fc.constantFrom(1_000, 2),
});

/** Results of one step of a script, without what elements that arrived together may spare: all but the last of a window. */
function lastOfEach(results: readonly Found[], together: boolean): string[] {
  if (!together) return results.map((result) => JSON.stringify(result)).sort();
  return [
    ...new Map(
      results.map((result) => [`${result.key} ${JSON.stringify(result.window)}`, JSON.stringify(result)]),
    ).values(),
  ].sort();
}

const toFound = ({ key, window, elements }: ModelResult): Found => ({
  key,
  value: elements.map(({ value }) => value).sort((a, b) => a - b),
  window: { startMs: window.startMs, endMs: window.endMs },
});

async function compare(
  { assigner, settings, hasGaps = false }: Windows,
  run: typeof script extends fc.Arbitrary<infer R> ? R : never,
) {
  const { ops, oneByOne, batchSize } = run;
  const inEventTime = settings.time === "event";
  const latenessMs = inEventTime ? run.lateness : 0;
  let windows = stream(elements)
    .keyBy(({ key }) => key)
    .window(assigner);
  if (latenessMs > 0) windows = windows.allowedLateness(milliseconds(latenessMs));
  if (oneByOne && inEventTime) windows = windows.lateTo(tooLate);
  const handler = operator(
    "compared",
    windows
      .aggregate((on) => on.collect(({ n }) => n))
      .map(({ key, value, window }) => ({ key, value: [...value].sort((a, b) => a - b), window }))
      .to(found.from((result) => result)),
  );
  const model = new WindowModel(
    { ...settings, latenessMs, trigger: inEventTime ? atEventTime : atProcessingTime },
    START_MS,
  );
  await using driver = await testDriver(handler, { partitions: "declared", startMs: START_MS, batchSize });
  let read = 0;
  let late = 0;
  let n = 0;
  let watermarkMs = 0;
  await driver.advanceWatermark(watermarkMs);
  model.advanceWatermark(watermarkMs);
  for (const step of [...ops, { kind: "watermark" as const, byMs: Number.POSITIVE_INFINITY }]) {
    switch (step.kind) {
      case "send": {
        const batch = step.batch.map(([key, offsetMs]) => ({
          key,
          timestampMs: Math.max(0, watermarkMs) + offsetMs,
          n: n++,
        }));
        await driver.send(
          elements,
          ...batch.map(({ timestampMs, ...element }) =>
            at(Math.max(0, timestampMs), element, { partition: step.partition }),
          ),
        );
        for (const element of batch) model.element(element.key, element.n, Math.max(0, element.timestampMs));
        break;
      }
      case "watermark":
        watermarkMs += step.byMs;
        await driver.advanceWatermark(watermarkMs);
        model.advanceWatermark(watermarkMs);
        break;
      case "clock":
        await driver.advanceClock(step.byMs);
        model.advanceClock(driver.nowMs);
        break;
      default:
        await driver.restart();
    }
    const all = await driver.read(found);
    const expected = model.take();
    const together = !oneByOne;
    expect(lastOfEach(all.slice(read), together)).toEqual(lastOfEach(expected.results.map(toFound), together));
    read = all.length;
    late += expected.late.length;
    // A task hears of the time when a window may wait for it. What is in no window may be taken for late a little later.
    if (!hasGaps) expect(driver.late).toBe(late);
  }
}

describe("the same as the model", () => {
  test.each([
    ["tumbling", tumblings],
    ["sliding", slidings],
    ["cumulative", cumulatives],
    ["session", sessions],
  ] as const)(
    "%s windows",
    async (_, windows) => {
      await fc.assert(fc.asyncProperty(windows, script, compare), { numRuns: RUNS });
    },
    Math.max(30_000, RUNS * 100),
  );
});
