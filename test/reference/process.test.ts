/**
 * The engine's process functions against the model: random commands for states and timers, functions that throw, random batches over two partitions, random
 * watermarks and times of the clock, and everything but the log forgotten at random. `runs.ts` says how often.
 */

import fc from "fast-check";
import {
  at,
  boundedOutOfOrderness,
  counterState,
  json,
  listState,
  mapState,
  milliseconds,
  operator,
  reducingState,
  type StateOptions,
  stream,
  testDriver,
  text,
  topic,
  valueState,
} from "millrace";
import { expect, test } from "vitest";
import { type Command, carryOut, carryOutPlan, type Emitted, type Handles, ProcessModel } from "./process-model.ts";
import { runsOf } from "./runs.ts";

const { numRuns } = runsOf("process");
const START_MS = 1_000;

type Element = { readonly key: string; readonly commands: readonly Command[] };

// Time moves only where the test moves it.
const watermark = boundedOutOfOrderness(milliseconds(1_000_000));
const elements = topic("elements", { value: json<Element>(), watermark, partitions: 2 });
const out = topic("out", { key: text(), value: text(), partitions: 1 });

function processing(options: StateOptions) {
  const state = {
    value: valueState<number>(options),
    list: listState<number>(options),
    map: mapState<number>(options),
    sum: reducingState<number>((a, b) => a + b, options),
    count: counterState(options),
    plans: mapState(json<readonly Command[]>()),
  } satisfies { [N in keyof Handles]: unknown };
  return operator(
    "processing",
    stream(elements)
      .keyBy(({ key }) => key)
      .process({
        state,
        onElement: ({ commands }, ctx) => carryOut(commands, ctx),
        onTimer: (ctx) => carryOutPlan(ctx),
      })
      .to(out),
  );
}

const timeMs = fc.integer({ min: -2, max: 40 });
const n = fc.nat(9);
const simple: fc.Arbitrary<Command> = fc.oneof(
  fc.record({ do: fc.constantFrom("set" as const, "push" as const, "sum" as const, "count" as const), n }),
  fc.record({ do: fc.constant("put" as const), name: fc.constantFrom("x", "y"), n }),
  fc.record({ do: fc.constant("delete" as const), name: fc.constantFrom("x", "y") }),
  fc.record({ do: fc.constantFrom("no-event" as const, "no-clock" as const), ms: timeMs }),
  fc.record({ do: fc.constantFrom("clear" as const, "show" as const, "show" as const) }),
);
const failing: fc.Arbitrary<Command> = fc.constant({ do: "throw" });
/** Timers; `leastMs`: how soon by the clock. */
const timersOf = (ofEvent: fc.Arbitrary<Command[]>, ofClock: fc.Arbitrary<Command[]>, leastMs: number) =>
  fc.oneof<fc.Arbitrary<Command>[]>(
    fc.record({ do: fc.constant("event" as const), ms: timeMs, plan: ofEvent }),
    fc.record({ do: fc.constant("clock" as const), ms: fc.integer({ min: leastMs, max: 20 }), plan: ofClock }),
  );
const last = fc.array(fc.oneof({ weight: 9, arbitrary: simple }, { weight: 1, arbitrary: failing }), { maxLength: 3 });
const planWith = (leastMs: number) =>
  fc.array(
    fc.oneof(
      { weight: 12, arbitrary: simple },
      { weight: 4, arbitrary: timersOf(last, last, leastMs) },
      { weight: 1, arbitrary: failing },
    ),
    { maxLength: 5 },
  );
// What timers of the clock set by the clock may be due at once; what others set is not, as nobody says when their task is looked at next.
const timers = timersOf(planWith(1), planWith(-5), 1);
const commands = fc.array(
  fc.oneof({ weight: 10, arbitrary: simple }, { weight: 6, arbitrary: timers }, { weight: 1, arbitrary: failing }),
  { maxLength: 5 },
);

const element = fc.record({ key: fc.constantFrom("a", "b", "c"), timestampMs: fc.nat(40), commands });
const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant("send" as const), elements: fc.array(element, { maxLength: 4 }) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("watermark" as const), toMs: timeMs }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("clock" as const), byMs: fc.integer({ min: 1, max: 15 }) }) },
  { weight: 1, arbitrary: fc.constant({ kind: "restart" as const }) },
);
const run = fc.record({
  ttlMs: fc.option(fc.integer({ min: 1, max: 25 }), { nil: undefined }),
  refresh: fc.constantFrom("write" as const, "read" as const),
  batchSize: fc.integer({ min: 1, max: 4 }),
  strict: fc.boolean(),
  restartAfterEveryBatch: fc.boolean(),
  resultsPerCommit: fc.constantFrom(1, 2, 1_000),
  steps: fc.array(step, { maxLength: 12 }),
});

const byKey = (emitted: readonly Emitted[]) => Map.groupBy(emitted, ({ key }) => key);

test("process functions do what the model does", { timeout: 3_600_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(run, async ({ ttlMs, refresh, steps, ...options }) => {
      const handler = processing(ttlMs === undefined ? {} : { ttl: milliseconds(ttlMs), refresh });
      await using driver = await testDriver(handler, { partitions: "declared", startMs: START_MS, ...options });
      const model = new ProcessModel(START_MS, ttlMs, refresh);
      // Elements have an order within a partition only.
      let nth = 0;
      for (const step of [...steps, { kind: "watermark", toMs: Number.POSITIVE_INFINITY } as const])
        switch (step.kind) {
          case "send": {
            const partitionOf = (key: string) => (key.charCodeAt(0) + nth) % 2;
            await driver.send(
              elements,
              ...step.elements.map(({ timestampMs, ...value }) =>
                at(timestampMs, value, { partition: partitionOf(value.key) }),
              ),
            );
            nth++;
            for (const { key, commands, timestampMs } of step.elements) model.element(key, commands, timestampMs);
            break;
          }
          case "watermark":
            await driver.advanceWatermark(step.toMs);
            model.watermark(step.toMs);
            break;
          case "clock":
            await driver.advanceClock(step.byMs);
            model.clock(driver.nowMs);
            break;
          case "restart":
            await driver.restart();
            break;
          default:
            step satisfies never;
        }
      const records = await driver.readRecords(out);
      const found = new Map(records.map((record) => [JSON.stringify(record.identity), record]));
      const emitted = [...found.values()].map(({ key, value, timestampMs }) => ({ key, value, timestampMs }));
      expect(byKey(emitted)).toEqual(
        byKey(model.emitted.map((one) => ({ ...one, timestampMs: Math.max(one.timestampMs, 0) }))),
      );
      expect((await driver.deadLetters(handler)).length).toBe(model.failed);
    }),
    { numRuns },
  );
});
