/**
 * The engine's joins against the models: random elements of two sides, out of order and late, in random batches over several partitions, random watermarks, and
 * everything but the log forgotten at random. `runs.ts` says how often.
 */

import fc from "fast-check";
import {
  at,
  boundedOutOfOrderness,
  json,
  milliseconds,
  type Operator,
  operator,
  session,
  sliding,
  stream,
  type TestDriver,
  type TimeWindow,
  table,
  testDriver,
  text,
  topic,
  tumbling,
  type WindowAssigner,
} from "millrace";
import { describe, expect, test } from "vitest";
import { IntervalModel, type ModelPair, type Side, TableModel } from "./join-model.ts";
import { atEventTime } from "./model-triggers.ts";
import { runsOf } from "./runs.ts";
import { type ModelSettings, WindowModel } from "./window-model.ts";

const { numRuns, timeoutMs } = runsOf("joins");

type Element = { readonly key: string; readonly n: number };

// Time moves only where the test moves it.
const watermark = boundedOutOfOrderness(milliseconds(1_000_000));
const topics = {
  left: topic("lefts", { value: json<Element>(), watermark, partitions: 2 }),
  right: topic("rights", { value: json<Element>(), watermark, partitions: 3 }),
};
const lateTopics = {
  left: topic("late-lefts", { value: json<Element>() }),
  right: topic("late-rights", { value: json<Element>() }),
};
const versions = topic("versions", {
  key: text(),
  value: json<{ n: number }>(),
  watermark,
  compacted: true,
  partitions: 3,
});
const found = topic("found", { value: json<ModelPair>(), partitions: 1 });
const grouped = topic("grouped", {
  value: json<{ key: string; startMs: number; endMs: number; ns: number[] }>(),
  partitions: 1,
});

const lefts = stream(topics.left).keyBy(({ key }) => key, { parallelism: 2 });
const rights = stream(topics.right).keyBy(({ key }) => key);

const side = fc.constantFrom<Side>("left", "right");
const send = fc.record({
  kind: fc.constant("send" as const),
  side,
  partition: fc.nat(1),
  batch: fc.array(
    fc.record({
      key: fc.constantFrom("a", "b", "c"),
      offsetMs: fc.integer({ min: -15, max: 30 }),
      isTombstone: fc.integer({ min: 0, max: 3 }).map((n) => n === 0),
    }),
    { minLength: 1, maxLength: 8 },
  ),
});
const op = fc.oneof(
  { weight: 6, arbitrary: send },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("watermark" as const), byMs: fc.integer({ min: 1, max: 20 }) }),
  },
  { weight: 2, arbitrary: fc.constant({ kind: "restart" as const }) },
);
const script = fc.record({
  ops: fc.array(op, { minLength: 1, maxLength: 12 }),
  options: fc.constantFrom(
    {},
    { batchSize: 2 },
    // Strict: whatever is committed was computed by a task that was read from its log.
    { resultsPerCommit: 1 },
    { resultsPerCommit: 2, strict: false },
  ),
});
type Script = typeof script extends fc.Arbitrary<infer R> ? R : never;

type Sent = { readonly key: string; readonly n: number; readonly timestampMs: number; readonly isTombstone: boolean };

/** Runs a script; `sent` is told of every batch before the driver has it, `check` is called after every step. */
async function follow(
  handler: Operator,
  { ops, options }: Script,
  model: {
    send(driver: TestDriver, side: Side, partition: number, batch: readonly Sent[]): Promise<void>;
    advanceWatermark(toMs: number): void;
    check(driver: TestDriver): Promise<void>;
  },
): Promise<void> {
  await using driver = await testDriver(handler, { partitions: "declared", ...options });
  let n = 0;
  let watermarkMs = 0;
  const advance = async (byMs: number) => {
    watermarkMs += byMs;
    await driver.advanceWatermark(watermarkMs);
    model.advanceWatermark(watermarkMs);
  };
  await advance(0);
  for (const step of [...ops, { kind: "watermark" as const, byMs: 60 }, { kind: "watermark" as const, byMs: 1 }]) {
    if (step.kind === "restart") await driver.restart();
    else if (step.kind === "watermark") await advance(step.byMs);
    else
      await model.send(
        driver,
        step.side,
        step.partition,
        step.batch.map(({ offsetMs, ...element }) => ({
          ...element,
          n: n++,
          timestampMs: Math.max(0, watermarkMs + offsetMs),
        })),
      );
    await model.check(driver);
  }
}

const inOrder = (pairs: readonly ModelPair[]) =>
  pairs.map(({ left, right, timestampMs }) => `${left}-${right} ${timestampMs}`).sort();

const sendElements = (driver: TestDriver, side: Side, partition: number, batch: readonly Sent[]) =>
  driver.send(topics[side], ...batch.map(({ key, n, timestampMs }) => at(timestampMs, { key, n }, { partition })));

/** Compares what was found since the last call. */
function compareFound(take: () => ModelPair[]): (driver: TestDriver) => Promise<void> {
  let read = 0;
  return async (driver) => {
    const all = await driver.read(found);
    expect(inOrder(all.slice(read))).toEqual(inOrder(take()));
    read = all.length;
  };
}

describe("the same as the model", () => {
  const bounds = fc
    .tuple(fc.integer({ min: -20, max: 20 }), fc.integer({ min: 0, max: 25 }), fc.boolean(), fc.boolean())
    .map(([lower, width, lowerInclusive, upperInclusive]) => ({
      lower: lower - (lowerInclusive ? 0 : 1),
      upper: lower + width + (upperInclusive ? 0 : 1),
      options: { lowerInclusive, upperInclusive },
      lowerMs: lower,
      upperMs: lower + width,
    }));

  test(
    "interval joins",
    async () => {
      await fc.assert(
        fc.asyncProperty(bounds, script, async ({ lower, upper, options, lowerMs, upperMs }, script) => {
          const handler = operator(
            "interval",
            lefts
              .intervalJoin(rights)
              .between(milliseconds(lower), milliseconds(upper), options)
              .lateTo(lateTopics)
              .map((left, right, { timestampMs }) => ({ left: left.n, right: right.n, timestampMs }))
              .to(found.from((pair) => pair)),
          );
          const model = new IntervalModel(lowerMs, upperMs);
          const compare = compareFound(() => model.take());
          await follow(handler, script, {
            async send(driver, side, partition, batch) {
              for (const { key, n, timestampMs } of batch) model.element(side, key, n, timestampMs);
              await sendElements(driver, side, partition, batch);
            },
            advanceWatermark: (toMs) => model.advanceWatermark(toMs),
            async check(driver) {
              await compare(driver);
              for (const side of ["left", "right"] as const) {
                const late = (await driver.read(lateTopics[side])).map(({ n }) => n);
                expect(late.sort((a, b) => a - b)).toEqual(model.late[side].toSorted((a, b) => a - b));
              }
              expect(driver.late).toBe(model.late.left.length + model.late.right.length);
            },
          });
        }),
        { numRuns },
      );
    },
    timeoutMs,
  );

  test(
    "stream–table joins",
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.constantFrom("inner" as const, "left" as const), script, async (mode, script) => {
          const versioned = table(versions);
          const joined = mode === "left" ? lefts.leftJoin(versioned) : lefts.join(versioned);
          const handler = operator(
            "table",
            joined
              .map((left, right, { timestampMs }) => ({ left: left.n, right: right?.n ?? null, timestampMs }))
              .to(found.from((pair) => pair)),
          );
          const model = new TableModel(mode);
          const check = compareFound(() => model.take());
          await follow(handler, script, {
            async send(driver, side, partition, batch) {
              if (side === "left") {
                for (const { key, n, timestampMs } of batch) model.left(key, n, timestampMs);
                await sendElements(driver, side, partition, batch);
                return;
              }
              for (const { key, n, timestampMs, isTombstone } of batch)
                model.version(key, isTombstone ? null : n, timestampMs);
              await driver.send(
                versions,
                ...batch.map(({ key, n, timestampMs, isTombstone }) =>
                  at(timestampMs, isTombstone ? null : { n }, { key }),
                ),
              );
            },
            advanceWatermark: (toMs) => model.advanceWatermark(toMs),
            check,
          });
        }),
        { numRuns },
      );
    },
    timeoutMs,
  );

  type Windows = { readonly assigner: WindowAssigner<Element, TimeWindow> } & Pick<ModelSettings, "assign" | "merging">;
  const floor = (ms: number, size: number) => Math.floor(ms / size) * size;
  const windows = fc.oneof(
    fc.integer({ min: 1, max: 12 }).map(
      (size): Windows => ({
        assigner: tumbling(milliseconds(size)),
        merging: false,
        assign: ({ timestampMs }) => [{ startMs: floor(timestampMs, size), endMs: floor(timestampMs, size) + size }],
      }),
    ),
    fc.tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 3 })).map(
      ([slide, slides]): Windows => ({
        assigner: sliding(milliseconds(slide * slides), milliseconds(slide)),
        merging: false,
        assign: ({ timestampMs }) =>
          Array.from({ length: slides }, (_, i) => {
            const startMs = floor(timestampMs, slide) - i * slide;
            return { startMs, endMs: startMs + slide * slides };
          }),
      }),
    ),
    fc.integer({ min: 1, max: 8 }).map(
      (gap): Windows => ({
        assigner: session(milliseconds(gap)),
        merging: true,
        assign: ({ timestampMs }) => [{ startMs: timestampMs, endMs: timestampMs + gap }],
      }),
    ),
  );
  /** An element of either side as one number. */
  const tag = (side: Side, n: number) => 2 * n + (side === "left" ? 0 : 1);

  test(
    "coGroups and window joins",
    async () => {
      await fc.assert(
        fc.asyncProperty(
          windows,
          fc.constantFrom(0, 5),
          script,
          async ({ assigner, assign, merging }, late, script) => {
            const handler = operator(
              "windows",
              lefts
                .coGroup(rights)
                .window(assigner)
                .allowedLateness(milliseconds(late))
                .flatMap((some, others, { key, window: { startMs, endMs } }) => [
                  {
                    key,
                    startMs,
                    endMs,
                    ns: [...some.map(({ n }) => tag("left", n)), ...others.map(({ n }) => tag("right", n))],
                  },
                ])
                .to(grouped.from((group) => group)),
              lefts
                .join(rights)
                .window(assigner)
                .allowedLateness(milliseconds(late))
                .map((left, right, { timestampMs }) => ({ left: left.n, right: right.n, timestampMs }))
                .to(found.from((pair) => pair)),
            );
            const settings = { assign, merging, time: "event", latenessMs: late, trigger: atEventTime } as const;
            const model = new WindowModel(settings, 0);
            let groups: string[] = [];
            let pairs: ModelPair[] = [];
            let lateCount = 0;
            const compare = compareFound(() => pairs);
            let read = 0;
            const show = (key: string, startMs: number, endMs: number, ns: readonly number[]) =>
              JSON.stringify([key, startMs, endMs, ns.toSorted((a, b) => a - b)]);
            await follow(handler, script, {
              async send(driver, side, partition, batch) {
                for (const { key, n, timestampMs } of batch) model.element(key, tag(side, n), timestampMs);
                await sendElements(driver, side, partition, batch);
              },
              advanceWatermark: (toMs) => model.advanceWatermark(toMs),
              async check(driver) {
                const taken = model.take();
                lateCount += taken.late.length;
                groups = taken.results.map(({ key, window, elements }) =>
                  show(
                    key,
                    window.startMs,
                    window.endMs,
                    elements.map(({ value }) => value),
                  ),
                );
                pairs = taken.results.flatMap(({ window, elements }) => {
                  const of = (bit: number) => elements.filter(({ value }) => value % 2 === bit);
                  return of(0).flatMap((left) =>
                    of(1).map((right) => ({
                      left: left.value / 2,
                      right: (right.value - 1) / 2,
                      timestampMs: window.endMs - 1,
                    })),
                  );
                });
                const all = await driver.read(grouped);
                const fresh = all.slice(read).map(({ key, startMs, endMs, ns }) => show(key, startMs, endMs, ns));
                expect(fresh.sort()).toEqual(groups.sort());
                read = all.length;
                await compare(driver);
                // The two steps each count what is late for them.
                expect(driver.late).toBe(2 * lateCount);
              },
            });
          },
        ),
        { numRuns },
      );
    },
    timeoutMs,
  );
});
