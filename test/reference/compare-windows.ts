/** Runs a random script on the engine and on the model, and compares what both say after each of its steps. */

import fc from "fast-check";
import { at, boundedOutOfOrderness, json, milliseconds, operator, stream, testDriver, topic } from "millrace";
import { expect } from "vitest";
import type { Element, Evicting, When, Windows } from "./arbitrary-windows.ts";
import { type ModelResult, WindowModel } from "./window-model.ts";

const START_MS = 1_000;

/** The bounds of a global window are null. */
type Found = {
  readonly key: string;
  readonly window: { readonly startMs: number | null; readonly endMs: number | null };
  readonly value: readonly number[];
};

// Time moves only where the test moves it.
const watermark = boundedOutOfOrderness(milliseconds(1_000_000));
const elements = topic("elements", { value: json<Element>(), watermark, partitions: 2 });
const found = topic("found", { value: json<Found>(), partitions: 1 });
const tooLate = topic("too-late", { value: json<Element>() });

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

export const script = fc.record({
  ops: fc.array(op, { minLength: 1, maxLength: 10 }),
  lateness: fc.constantFrom(0, 0, 3, 15),
  /** Late elements go to a topic, and so every element crosses the shuffle by itself. */
  oneByOne: fc.boolean(),
  batchSize: fc.constantFrom(1_000, 2),
  /** Strict: whatever is committed was computed by a task that was read from its log. */
  driver: fc.constantFrom({}, { resultsPerCommit: 1 }, { resultsPerCommit: 2, strict: false }),
  /** How results are made of the same elements. */
  how: fc.constantFrom("compact" as const, "merged" as const, "added" as const, "processed" as const),
});

export type Script = typeof script extends fc.Arbitrary<infer R> ? R : never;

/** Results of one step of a script, without what elements that arrived together may spare: all but the last of a window. */
function lastOfEach(results: readonly Found[], together: boolean): string[] {
  if (!together) return results.map((result) => JSON.stringify(result)).sort();
  return [
    ...new Map(
      results.map((result) => [`${result.key} ${JSON.stringify(result.window)}`, JSON.stringify(result)]),
    ).values(),
  ].sort();
}

/** What an aggregate that stays small says of the numbers. */
const summary = (numbers: readonly number[]) => [
  numbers.length,
  numbers.reduce((sum, n) => sum + n, 0),
  Math.min(...numbers),
  Math.max(...numbers),
];

const toFound =
  (how: Script["how"]) =>
  ({ key, window, elements }: ModelResult): Found => {
    const numbers = elements.map(({ value }) => value).sort((a, b) => a - b);
    return { key, value: how === "compact" ? summary(numbers) : numbers, window: finite(window) };
  };

function finite(window: object): Found["window"] {
  const { startMs = null, endMs = null } = window as Partial<Found["window"]>;
  return { startMs: Number.isFinite(startMs) ? startMs : null, endMs: Number.isFinite(endMs) ? endMs : null };
}

export async function compare(
  { name, assigner, settings, hasGaps = false }: Windows,
  run: Script,
  when: When,
  { evictor, model: evict }: Evicting,
) {
  const { ops, oneByOne, how } = run;
  // What is due by the clock when it is set fires between batches, and the model knows of none.
  const byTheClock =
    when.name.includes("processing") ||
    (settings.time === "processing" && (hasGaps || evictor !== undefined || when.trigger !== undefined));
  const batchSize = byTheClock ? 1_000 : run.batchSize;
  const inEventTime = settings.time === "event";
  const latenessMs = inEventTime ? run.lateness : 0;
  let windows = stream(elements)
    .keyBy(({ key }) => key)
    .window(assigner, when.emit === undefined ? {} : { emit: when.emit });
  if (latenessMs > 0) windows = windows.allowedLateness(milliseconds(latenessMs));
  if (oneByOne && inEventTime) windows = windows.lateTo(tooLate);
  if (when.trigger !== undefined) windows = windows.trigger(when.trigger);
  if (evictor !== undefined) windows = windows.evictor(evictor);
  const add = (list: readonly number[], { n }: Element) => [...list, n];
  const results =
    how === "processed"
      ? windows.process((all, { key, window }) => [{ key, window, value: all.map(({ n }) => n) }])
      : how === "compact"
        ? windows
            .aggregate((on) => ({
              count: on.count(),
              sum: on.sum(({ n }) => n),
              least: on.min(({ n }) => n),
              most: on.max(({ n }) => n),
            }))
            .map(({ value, ...rest }) => ({ ...rest, value: [value.count, value.sum, value.least, value.most] }))
        : how === "merged" || settings.merging
          ? windows.aggregate((on) => on.collect(({ n }) => n))
          : windows.aggregate((on) => on.custom({ create: (): readonly number[] => [], add, result: (list) => list }));
  const handler = operator(
    "compared",
    results.to(
      found.from(({ key, value, window }) => ({
        key,
        value: how === "compact" ? value : [...value].sort((a, b) => a - b),
        window: finite(window),
      })),
    ),
  );
  const model = new WindowModel({ ...settings, latenessMs, trigger: when.model(settings.time), evict }, START_MS);
  await using driver = await testDriver(handler, {
    partitions: "declared",
    startMs: START_MS,
    batchSize,
    ...run.driver,
  });
  /** What a batch has of a window crosses the shuffle as one. */
  const together = !oneByOne && when.trigger === undefined && when.emit === undefined;
  const inSessions =
    together && inEventTime && name.startsWith("session") && how === "compact" && evictor === undefined;
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
        const sent = batch.map(({ key, n, timestampMs }) => ({ key, value: n, timestampMs: Math.max(0, timestampMs) }));
        if (inSessions) for (let i = 0; i < sent.length; i += batchSize) model.together(sent.slice(i, i + batchSize));
        else for (const { key, value, timestampMs } of sent) model.element(key, value, timestampMs);
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
    await driver.advanceClock(0);
    model.advanceClock(driver.nowMs);
    const all = await driver.read(found);
    const expected = model.take();
    expect(lastOfEach(all.slice(read), together)).toEqual(lastOfEach(expected.results.map(toFound(how)), together));
    read = all.length;
    late += expected.late.length;
    // A task hears of the time when a window may wait for it. What is in no window may be taken for late a little later.
    if (!hasGaps) expect(driver.late).toBe(late);
  }
}
