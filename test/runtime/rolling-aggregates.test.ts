/** Rolling aggregates: one result per element, with the element's timestamp, kept over restarts. */

import { at, json, operator, stream, testDriver, text, topic } from "millrace";
import { describe, expect, test } from "vitest";
import { readOnce } from "./read-once.ts";

type Sale = { readonly item: string; readonly euros: number; readonly ok?: boolean };

const sales = topic("sales", { value: json<Sale>() });
const out = topic("out", { key: text(), value: json<unknown>() });
const perItem = stream(sales).keyBy((sale) => sale.item);

const SALES: readonly Sale[] = [
  { item: "a", euros: 3 },
  { item: "b", euros: 10, ok: true },
  { item: "a", euros: 1, ok: true },
  { item: "a", euros: 2 },
];

describe("one result per element", () => {
  test.each([
    ["count", operator("rolling", perItem.count().to(out)), [1, 1, 2, 3]],
    ["sum", operator("rolling", perItem.sum((s) => s.euros).to(out)), [3, 10, 4, 6]],
    ["min", operator("rolling", perItem.min((s) => s.euros).to(out)), [3, 10, 1, 1]],
    ["max", operator("rolling", perItem.max((s) => s.euros).to(out)), [3, 10, 3, 3]],
    ["average", operator("rolling", perItem.average((s) => s.euros).to(out)), [3, 10, 2, 2]],
    ["minBy", operator("rolling", perItem.minBy((s) => s.euros).to(out)), [SALES[0], SALES[1], SALES[2], SALES[2]]],
    ["maxBy", operator("rolling", perItem.maxBy((s) => s.euros).to(out)), [SALES[0], SALES[1], SALES[0], SALES[0]]],
    [
      "maxBy on a tie, which the first has",
      operator("rolling", perItem.maxBy(({ item }) => item).to(out)),
      [SALES[0], SALES[1], SALES[0], SALES[0]],
    ],
    [
      "quantiles and distinct values",
      operator(
        "rolling",
        perItem
          .aggregate((on) => ({ median: on.quantile(0.5, (s) => s.euros), items: on.distinct((s) => s.euros) }))
          .to(out),
      ),
      [
        { median: 3, items: 1 },
        { median: 10, items: 1 },
        { median: 1, items: 2 },
        { median: 2, items: 3 },
      ],
    ],
    [
      "reduce",
      operator("rolling", perItem.reduce((a, b) => ({ item: a.item, euros: a.euros * 10 + b.euros })).to(out)),
      [SALES[0], SALES[1], { item: "a", euros: 31 }, { item: "a", euros: 312 }],
    ],
    [
      "aggregate of an object",
      operator("rolling", perItem.aggregate((on) => ({ n: on.count(), ok: on.count((s) => s.ok === true) })).to(out)),
      [
        { n: 1, ok: 0 },
        { n: 1, ok: 1 },
        { n: 2, ok: 1 },
        { n: 3, ok: 1 },
      ],
    ],
    [
      "aggregate of one thing",
      operator("rolling", perItem.aggregate((on) => on.collect((s) => s.euros)).to(out)),
      [[3], [10], [3, 1], [3, 1, 2]],
    ],
  ])("%s", async (_, rolling, values) => {
    await using driver = await testDriver(rolling);
    for (const [i, sale] of SALES.entries()) {
      await driver.send(sales, at(1_000 + i, sale));
      await driver.restart();
    }
    // What is still to be emitted after the last restart comes with the next delivery.
    const results = (await readOnce(driver, out)) as { key: string; value: unknown }[];
    expect(results).toEqual(SALES.map(({ item }, i) => ({ key: item, value: values[i] })));
  });
});

test("results carry the element's timestamp and the key", async () => {
  await using driver = await testDriver(operator("rolling", perItem.count().to(out)));
  await driver.send(sales, at(5_000, { item: "a", euros: 1 }), at(4_000, { item: "b", euros: 1 }));
  const records = await driver.readRecords(out);
  expect(records.map(({ key, timestampMs }) => [key, timestampMs])).toEqual([
    ["a", 5_000],
    ["b", 4_000],
  ]);
});

test("minBy and maxBy return the whole element, the first on a tie", async () => {
  const best = operator(
    "best",
    perItem.aggregate((on) => ({ least: on.minBy((s) => s.euros), most: on.maxBy((s) => s.euros) })).to(out),
  );
  await using driver = await testDriver(best);
  await driver.send(sales, { item: "a", euros: 1, ok: true }, { item: "a", euros: 1, ok: false });
  expect(await driver.read(out)).toEqual([
    { key: "a", value: { least: { item: "a", euros: 1, ok: true }, most: { item: "a", euros: 1, ok: true } } },
    { key: "a", value: { least: { item: "a", euros: 1, ok: true }, most: { item: "a", euros: 1, ok: true } } },
  ]);
});
