/** The input of a tortured run, and what is expected of it. */

import { testDriver } from "millrace";
import { expect, test } from "vitest";
import { totals, visits } from "../../torture/functions/topics.ts";
import { handler } from "../../torture/functions/total-views.ts";
import { countIn, numberAt, PARTITIONS, valueAt, visitAt } from "../../torture/input.ts";
import { countReference, totalOf } from "../../torture/reference.ts";

const SEED = 3;

test("nothing is late: a visit is less than the bound of a second behind any before it", () => {
  let newestMs = 0;
  for (let number = 0; number < 20_000; number += 1) {
    const { atMs } = visitAt(SEED, number);
    expect(atMs).toBeGreaterThan(newestMs - 1_000);
    newestMs = Math.max(newestMs, atMs);
  }
});

test("partitions hold every visit once, and behind them what ends time", () => {
  const records = 1_003;
  const numbers = Array.from({ length: PARTITIONS }, (_, partition) =>
    Array.from({ length: countIn(partition, records) }, (_, offset) => numberAt(partition, offset)),
  ).flat();
  expect(numbers.toSorted((a, b) => a - b)).toEqual(Array.from({ length: records }, (_, number) => number));
  for (let partition = 0; partition < PARTITIONS; partition += 1) {
    const last = JSON.parse(valueAt(SEED, records, partition, countIn(partition, records)).toString());
    expect(last).toMatchObject({ pages: [] });
    expect(last.atMs).toBeGreaterThan(visitAt(SEED, records).atMs + 60_000);
  }
});

test("the reference is what the operator gives", async () => {
  const records = 6_000;
  await using driver = await testDriver(handler);
  await driver.send(visits, ...Array.from({ length: records }, (_, number) => visitAt(SEED, number)));
  await driver.advanceWatermark(Number.MAX_SAFE_INTEGER);
  const found = (await driver.read(totals)).map(({ page, windowStartMs, views, worth }) =>
    totalOf(page, windowStartMs, views, worth),
  );
  const { totals: expected, sums } = countReference(SEED, records);
  expect(found).toHaveLength(expected.size);
  expect(new Map(found.map(({ name, text }) => [name, text]))).toEqual(expected);
  expect(sums.size).toBe(expected.size);
});
