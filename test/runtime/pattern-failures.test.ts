/** Authors' functions of patterns that throw: what becomes a dead letter, what goes on, and what a redrive does. */

import {
  at,
  boundedOutOfOrderness,
  json,
  milliseconds,
  operator,
  type Placed,
  seconds,
  stream,
  type TestDriver,
  testDriver,
  topic,
} from "millrace";
import { beforeEach, describe, expect, test } from "vitest";
import { breakJobs, isBroken, repair } from "./broken-jobs.ts";

type Step = { readonly kind: string; readonly n: number };

const steps = topic("steps", { value: json<Step>(), watermark: boundedOutOfOrderness(seconds(1_000)), partitions: 2 });
const out = topic("out", { value: json<string>(), partitions: 1 });
const late = topic("late", { value: json<Step>(), partitions: 1 });

const step = (kind: string, n: number): Placed<Step> => at(n, { kind, n });
const throwing = (name: string) => {
  if (isBroken(name)) throw new Error(`${name} is broken`);
};

const pairs = operator(
  "pairs",
  stream(steps)
    .keyBy(() => "all")
    .pattern((p) =>
      p
        .begin("a", ({ kind }) => kind === "a")
        .followedByAny("b", ({ kind, n }, { a }) => {
          throwing(`condition ${a.n} ${n}`);
          return kind === "b";
        })
        .within(milliseconds(10)),
    )
    .lateTo(late)
    .timedOut(({ a }) => {
      throwing(`time-out ${a?.n}`);
      return `${a?.n} in vain`;
    })
    .select(({ a, b }) => {
      throwing(`match ${a.n} ${b.n}`);
      return `${a.n} ${b.n}`;
    })
    .to(out),
);

const INPUT = [step("a", 1), step("a", 2), step("b", 3), step("b", 4), step("a", 5)];
const WHOLE = ["1 3", "2 3", "1 4", "2 4", "1 in vain", "2 in vain", "5 in vain"];

const run = async (driver: TestDriver) => {
  await driver.send(steps, ...INPUT);
  await driver.advanceWatermark(100);
  return driver.read(out);
};
const lettersOf = async (driver: TestDriver) =>
  (await driver.deadLetters(pairs)).map(({ offset, step, reason }) => `${offset} ${step}: ${reason}`);

beforeEach(repair);

describe("what throws", () => {
  test("without, everything comes", async () => {
    await using driver = await testDriver(pairs);
    expect(await run(driver)).toEqual(WHOLE);
  });

  test.each([
    ["for one partial match of two", "condition 2 3", ["1 4", "2 4", "1 in vain", "2 in vain", "5 in vain"]],
    ["for an element that would begin one", "condition 1 2", ["1 3", "1 4", "1 in vain", "5 in vain"]],
  ])(
    "in a condition, %s, makes its element a dead letter, and it is as if that had not come",
    async (_, broken, expected) => {
      breakJobs(broken);
      await using driver = await testDriver(pairs);
      expect(await run(driver)).toEqual(expected);
      expect(await lettersOf(driver)).toEqual([`timer pattern (b): ${broken} is broken`]);
    },
  );

  test("in select loses that match alone, and in timedOut that time-out", async () => {
    breakJobs("match 2 3", "match 1 4", "time-out 2");
    await using driver = await testDriver(pairs);
    expect(await run(driver)).toEqual(WHOLE.filter((text) => !["2 3", "1 4", "2 in vain"].includes(text)));
    expect(await lettersOf(driver)).toEqual([
      "timer select: match 2 3 is broken",
      "timer select: match 1 4 is broken",
      "timer timedOut: time-out 2 is broken",
    ]);
  });

  test.each([{}, { batchSize: 1 }, { restartAfterEveryBatch: true }])(
    "again and again, with %j, loses no more",
    async (options) => {
      breakJobs("condition 2 3", "condition 1 5", "match 1 4", "time-out 5");
      await using driver = await testDriver(pairs, options);
      expect(await run(driver)).toEqual(["2 4", "1 in vain", "2 in vain"]);
      expect(await lettersOf(driver)).toHaveLength(3);
    },
  );
});

describe("a redrive", () => {
  test("makes the results that could not be made, as they were", async () => {
    breakJobs("match 2 3", "time-out 2");
    await using driver = await testDriver(pairs);
    await run(driver);
    repair();
    await driver.redrive(pairs);
    expect((await driver.readRecords(out)).slice(-2).map(({ value, timestampMs }) => [value, timestampMs])).toEqual([
      ["2 3", 3],
      ["2 in vain", 12],
    ]);
  });

  test("of an element comes behind the watermark, so that it is late", async () => {
    breakJobs("condition 2 3");
    await using driver = await testDriver(pairs);
    await run(driver);
    repair();
    expect((await driver.redrive(pairs)).map(({ outcome }) => outcome)).toEqual(["redriven"]);
    expect(await driver.read(late)).toEqual([{ kind: "b", n: 3 }]);
    expect(driver.late).toBe(1);
  });
});
