/** `expectCost`: a budget that a test holds an operator to, by what its batches really write. */

import { AssertionError } from "node:assert";
import {
  boundedOutOfOrderness,
  dynamoTable,
  expectCost,
  json,
  operator,
  seconds,
  stream,
  testDriver,
  text,
  topic,
  tumbling,
} from "millrace";
import { expect, test } from "vitest";

type View = { readonly user: string; readonly at: number };

const views = topic("views", {
  value: json<View>(),
  timestampOf: (view) => view.at,
  watermark: boundedOutOfOrderness(seconds(1)),
});
const counts = topic("counts", { key: text(), value: json<number>() });
const copies = topic("copies", { value: json<View>() });

const counting = operator(
  "count",
  stream(views)
    .keyBy((view) => view.user)
    .window(tumbling(seconds(5)))
    .count()
    .to(counts.from(({ value }) => value)),
);
const copying = operator("copy", stream(views).to(copies));

function someViews(count: number): View[] {
  return Array.from({ length: count }, (_, i) => ({ user: `user ${i % 50}`, at: 1_000 + i }));
}

test("what is within the budget passes, and is told", async () => {
  await using driver = await testDriver(counting, { charged: true });
  await driver.send(views, ...someViews(1_000));
  const cost = expectCost(driver, counting, {
    writeUnitsPerRecord: 0.02,
    bytesPerRecord: 10,
    invocationsPerRecord: 0.01,
    dollarsPerMillion: 0.1,
  });
  expect(cost.records).toBe(1_000);
  expect(cost.writeUnitsPerRecord).toBeGreaterThan(0);
  expect(cost.dollarsPerMillion).toBeGreaterThan(cost.writeUnitsPerRecord * 0.625);
});

test("what is above the budget fails with a sentence that names operator, figure and bound, and nothing that was within", async () => {
  await using driver = await testDriver(counting, { charged: true });
  await driver.send(views, ...someViews(10));
  const budget = { writeUnitsPerRecord: 0.01, dollarsPerMillion: 0.1, bytesPerRecord: 1_000_000 };
  expect(() => expectCost(driver, counting, budget)).toThrow(AssertionError);
  expect(() => expectCost(driver, counting, budget)).toThrow(
    /^Operator "count" costs more than it may: 0\.\d+ write units a record instead of at most 0\.01 and \$[\d.]+ a million records instead of at most 0\.1, over 10 records\.$/,
  );
});

test("larger batches cost less a record: an item per batch and not per record", async () => {
  const unitsOf = async (perBatch: number) => {
    await using driver = await testDriver(counting, { charged: true });
    for (let from = 0; from < 1_000; from += perBatch)
      await driver.send(views, ...someViews(1_000).slice(from, from + perBatch));
    return expectCost(driver, counting, {}).writeUnitsPerRecord;
  };
  expect(await unitsOf(500)).toBeLessThan((await unitsOf(10)) / 10);
});

test("units are the same straight and with a restart after every batch, but for what is read again", async () => {
  const costOf = async (restartAfterEveryBatch: boolean) => {
    await using driver = await testDriver(counting, { charged: true, restartAfterEveryBatch });
    for (let from = 0; from < 200; from += 20) await driver.send(views, ...someViews(200).slice(from, from + 20));
    return expectCost(driver, counting, {});
  };
  const straight = await costOf(false);
  const restarted = await costOf(true);
  expect(restarted.writeUnitsPerRecord).toBe(straight.writeUnitsPerRecord);
  expect(restarted.readUnitsPerRecord).toBeGreaterThan(straight.readUnitsPerRecord);
});

test("rows of tables are in it, a unit at least for each", async () => {
  const rows = dynamoTable<View>("rows", { partitionKey: (view) => view.user });
  const writing = operator("write", stream(views).to(rows));
  await using driver = await testDriver(writing, { charged: true });
  await driver.send(views, ...someViews(100));
  // Two views of each user make one row, which is charged to the next report of its task.
  await driver.send(views, ...someViews(1));
  expect(expectCost(driver, writing, {}).writeUnitsPerRecord).toBeGreaterThan(50 / 101);
});

test("an operator without state costs its invocations and its log, and no driver has to charge for that", async () => {
  await using driver = await testDriver(copying);
  await driver.send(views, ...someViews(1_000));
  const cost = expectCost(driver, copying, { writeUnitsPerRecord: 0, dollarsPerMillion: 0.05 });
  expect(cost.writeUnitsPerRecord).toBe(0);
  expect(cost.dollarsPerMillion).toBeGreaterThan(0);
});

test("a driver that charges nothing, runs another operator or has been sent nothing gets a sentence", async () => {
  await using free = await testDriver(counting);
  await free.send(views, ...someViews(10));
  expect(() => expectCost(free, counting, {})).toThrow("make it with testDriver(operator, { charged: true })");
  expect(() => expectCost(free, copying, {})).toThrow("The test driver does not run operator copy");
  await using charged = await testDriver(counting, { charged: true });
  expect(() => expectCost(charged, counting, {})).toThrow('Operator "count" has read no records yet');
});

test("a budget is typed: what is no figure of it is a mistake of the compiler's", async () => {
  await using driver = await testDriver(counting, { charged: true });
  await driver.send(views, ...someViews(100));
  // @ts-expect-error: a budget has no such figure
  expectCost(driver, counting, { writeUnits: 1 });
  // @ts-expect-error: figures are numbers
  expectCost(driver, counting, { writeUnitsPerRecord: "1" });
  const cost = expectCost(driver, counting, {});
  expect(cost.readUnitsPerRecord satisfies number).toBeGreaterThanOrEqual(0);
});
