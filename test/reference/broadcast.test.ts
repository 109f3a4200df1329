/**
 * The engine's broadcast streams and tables against a model with everything in one place: random elements and rules, functions that throw, random batches over several
 * partitions, random watermarks, and everything but the log forgotten at random. `runs.ts` says how often.
 */

import fc from "fast-check";
import {
  at,
  boundedOutOfOrderness,
  counterState,
  json,
  mapState,
  milliseconds,
  type Operator,
  operator,
  stream,
  table,
  testDriver,
  text,
  topic,
} from "millrace";
import { expect, test } from "vitest";
import { runsOf } from "./runs.ts";

const { numRuns } = runsOf("broadcast");
const PARTITIONS = 3;

type Element = { readonly key: string; readonly n: number };
/** `n` null: the rule is deleted. Where it is 0 every key that has more than 5 begins anew; where it is 13 the function throws. */
type Rule = { readonly name: string; readonly n: number | null };

// Time moves only where the test moves it.
const watermark = boundedOutOfOrderness(milliseconds(1_000_000));
const elements = topic("elements", { value: json<Element>(), watermark, partitions: PARTITIONS });
const rules = topic("rules", { value: json<Rule>(), watermark, partitions: 1 });
const limits = topic("limits", { key: text(), value: json<number>(), watermark, compacted: true, partitions: 2 });
const out = topic("out", { key: text(), value: text(), partitions: 1 });

const BEGINS_ANEW = 5;
const toText = (rules: Iterable<readonly [string, number]>) => [...rules].map(([name, n]) => `${name}${n}`).join();

const byKey = stream(elements).keyBy(({ key }) => key);
const state = { sum: counterState(), seen: mapState<number>() };

const withStream = operator(
  "with-stream",
  byKey
    .connect(stream(rules).broadcast())
    .process({
      state,
      broadcastState: { rules: mapState<number>() },
      onElement({ n }, { state, broadcastState, timers, timestampMs }) {
        state.sum.add(n);
        timers.eventTime(timestampMs + n);
        if (n === 13) throw new Error("on purpose");
        return [`${state.sum.value} ${toText(broadcastState.rules.entries())}`];
      },
      onBroadcast({ name, n }, { broadcastState, forEachKey }) {
        if (n === null) broadcastState.rules.delete(name);
        else broadcastState.rules.set(name, n);
        if (n === 0) forEachKey("sum", (_, sum) => sum.value > BEGINS_ANEW && sum.clear());
        if (n === 13) throw new Error("on purpose");
      },
      onTimer: ({ firedAtMs, broadcastState }) => [`timer ${firedAtMs} ${toText(broadcastState.rules.entries())}`],
    })
    .to(out),
);

const withTable = operator(
  "with-table",
  byKey
    .connect(table(limits).broadcast())
    .process({
      state,
      onElement({ n }, { state, broadcastState, timers, timestampMs }) {
        state.sum.add(n);
        timers.eventTime(timestampMs + n);
        if (n === 13) throw new Error("on purpose");
        return [`${state.sum.value} ${toText(broadcastState.entries())}`];
      },
      onBroadcast({ value }, { forEachKey }) {
        if (value === 0) forEachKey("sum", (_, sum) => sum.value > BEGINS_ANEW && sum.clear());
        if (value === 13) throw new Error("on purpose");
      },
      onTimer: ({ firedAtMs, broadcastState }) => [`timer ${firedAtMs} ${toText(broadcastState.entries())}`],
    })
    .to(out),
);

const withoutKey = operator(
  "without-key",
  stream(elements)
    .connect(table(limits).broadcast())
    .process({
      onElement({ key, n }, { broadcastState }) {
        if (n === 13) throw new Error("on purpose");
        return [{ key, line: `0 ${toText(broadcastState.entries())}` }];
      },
      onBroadcast({ value }) {
        if (value === 13) throw new Error("on purpose");
      },
    })
    .to(out.record({ key: ({ key }) => key, value: ({ line }) => line })),
);

class Model {
  readonly #isKeyed: boolean;
  #rules = new Map<string, number>();
  readonly #sums = new Map<string, number>();
  readonly #timers = new Map<string, Set<number>>();
  readonly emitted = new Map<string, string[]>();
  failed = 0;

  constructor(isKeyed: boolean) {
    this.#isKeyed = isKeyed;
  }

  element({ key, n }: Element, timestampMs: number): void {
    if (n === 13) this.failed++;
    else {
      if (this.#isKeyed) {
        this.#sums.set(key, (this.#sums.get(key) ?? 0) + n);
        this.#timers.set(key, (this.#timers.get(key) ?? new Set()).add(timestampMs + n));
      }
      this.#emit(key, `${this.#sums.get(key) ?? 0} ${this.#shown()}`);
    }
  }

  rule({ name, n }: Rule): void {
    if (n === 13) this.failed += PARTITIONS;
    else if (n === null) this.#rules.delete(name);
    else this.#rules.set(name, n);
    if (n === 0) for (const [key, sum] of this.#sums) if (sum > BEGINS_ANEW) this.#sums.delete(key);
  }

  watermark(toMs: number): void {
    for (const [key, timers] of this.#timers)
      for (const ms of [...timers].filter((ms) => ms <= toMs).sort((a, b) => a - b)) {
        timers.delete(ms);
        this.#emit(key, `timer ${ms} ${this.#shown()}`);
      }
  }

  #shown(): string {
    return toText([...this.#rules].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  #emit(key: string, line: string): void {
    this.emitted.set(key, [...(this.emitted.get(key) ?? []), line]);
  }
}

const number = fc.oneof({ weight: 9, arbitrary: fc.nat(6) }, { weight: 1, arbitrary: fc.constant(13) });
const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("elements" as const),
      // Elements have an order within a partition only.
      partition: fc.nat(PARTITIONS - 1),
      batch: fc.array(fc.record({ key: fc.constantFrom("a", "b", "c", "d", "e"), n: number, ms: fc.nat(40) }), {
        maxLength: 6,
      }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("rules" as const),
      batch: fc.array(
        fc.record({ name: fc.constantFrom("x", "y", "z"), n: fc.option(number, { freq: 4 }), ms: fc.nat(40) }),
        { maxLength: 4 },
      ),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("watermark" as const), byMs: fc.integer({ min: 1, max: 15 }) }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: "restart" as const }) },
);
const run = fc.record({
  which: fc.constantFrom<"stream" | "table" | "no key">("stream", "table", "no key"),
  batchSize: fc.integer({ min: 1, max: 4 }),
  strict: fc.boolean(),
  restartAfterEveryBatch: fc.boolean(),
  steps: fc.array(step, { maxLength: 14 }),
});

const HANDLERS: Readonly<Record<"stream" | "table" | "no key", Operator>> = {
  stream: withStream,
  table: withTable,
  "no key": withoutKey,
};

test("broadcast streams and tables do what the model does", { timeout: 3_600_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(run, async ({ which, steps, ...options }) => {
      const handler = HANDLERS[which];
      await using driver = await testDriver(handler, { partitions: "declared", ...options });
      const model = new Model(which !== "no key");
      let watermarkMs = 0;
      for (const step of [...steps, { kind: "watermark", byMs: 1_000 } as const])
        switch (step.kind) {
          case "elements":
            await driver.send(
              elements,
              ...step.batch.map(({ ms, ...one }) => at(ms, one, { partition: step.partition })),
            );
            for (const { ms, ...one } of step.batch) model.element(one, ms);
            break;
          case "rules":
            if (which === "stream") await driver.send(rules, ...step.batch.map(({ ms, ...rule }) => at(ms, rule)));
            else await driver.send(limits, ...step.batch.map(({ ms, name, n }) => at(ms, n, { key: name })));
            for (const rule of step.batch) model.rule(rule);
            break;
          case "watermark":
            watermarkMs += step.byMs;
            await driver.advanceWatermark(watermarkMs);
            model.watermark(watermarkMs);
            break;
          case "restart":
            await driver.restart();
            break;
          default:
            step satisfies never;
        }
      const found = new Map((await driver.readRecords(out)).map((record) => [JSON.stringify(record.identity), record]));
      const emitted = Map.groupBy(found.values(), ({ key }) => key);
      const inOrder = (lines: readonly string[]) => (which === "no key" ? lines.toSorted() : lines);
      expect(
        Object.fromEntries([...emitted].map(([key, all]) => [key, inOrder(all.map(({ value }) => value))])),
      ).toEqual(Object.fromEntries([...model.emitted].map(([key, lines]) => [key, inOrder(lines)])));
      expect((await driver.deadLetters(handler)).length).toBe(model.failed);
    }),
    { numRuns },
  );
});
