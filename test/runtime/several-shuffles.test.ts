/** Operators of several functions: keyBys in a row, unions of topics, chained windows without a shuffle. */

import {
  at,
  boundedOutOfOrderness,
  json,
  milliseconds,
  operator,
  seconds,
  stream,
  testDriver,
  text,
  topic,
  tumbling,
} from "millrace";
import { describe, expect, test } from "vitest";

type Order = { readonly shop: string; readonly city: string; readonly euros: number };
type Line = { readonly line: string };

const time = boundedOutOfOrderness(milliseconds(0));
const orders = topic("orders", { value: json<Order>(), watermark: time, partitions: 3 });
const returns = topic("returns", { value: json<Order>(), watermark: time, partitions: 2 });
const out = topic("out", { value: json<Line>() });

const order = (shop: string, city: string, euros: number): Order => ({ shop, city, euros });
const lines = (results: readonly Line[]) => results.map(({ line }) => line).sort();

describe("two keyBys in a row", () => {
  // The busiest windows of shops per city: the second window waits for the watermark that the first one's task sends.
  const perCity = operator(
    "per-city",
    stream(orders)
      .keyBy((o) => [o.city, o.shop], { name: "by-shop" })
      .window(tumbling(seconds(5)))
      .sum((o) => o.euros)
      .keyBy(({ key }) => key[0], { name: "by-city", parallelism: 2 })
      .window(tumbling(seconds(10)))
      .aggregate((on) => ({ shops: on.count(), most: on.max(({ value }) => value) }))
      .to(out.from(({ key, value, window }) => ({ line: `${window.startMs} ${key} ${value.shops} ${value.most}` }))),
  );

  test("aggregate what was aggregated, over all tasks between", async () => {
    await using driver = await testDriver(perCity, { partitions: "declared" });
    const some = ["rome", "oslo", "kiel"].flatMap((city) => [1, 2, 3, 4].map((n) => order(`${city}-${n}`, city, n)));
    await driver.send(orders, ...some.map((o) => at(1_000, o)));
    await driver.send(orders, ...some.map((o) => at(6_000, o)), ...some.map((o) => at(7_000, o)));
    expect(await driver.read(out)).toEqual([]);
    for (const partition of [0, 1, 2]) await driver.send(orders, at(10_000, order("x", "x", 0), { partition }));
    // A shop's window of 5 s counts once for its city: 4 shops × 2 windows.
    expect(lines(await driver.read(out))).toEqual(["0 kiel 8 8", "0 oslo 8 8", "0 rome 8 8"]);
    expect(driver.late).toBe(0);
  });

  test("close both windows by the clock when the sources fall silent", async () => {
    const quiet = boundedOutOfOrderness(milliseconds(0), { idleAfter: seconds(2) });
    const source = topic("orders", { value: json<Order>(), watermark: quiet, partitions: 3 });
    const operators = operator(
      "quiet",
      stream(source)
        .keyBy((o) => o.shop, { name: "by-shop" })
        .window(tumbling(seconds(5)))
        .count()
        .keyBy(() => "all", { name: "all", parallelism: 1 })
        .window(tumbling(seconds(10)))
        .sum(({ value }) => value)
        .to(out.from(({ value }) => ({ line: `${value}` }))),
    );
    await using driver = await testDriver(operators, { partitions: "declared", startMs: 0 });
    await driver.send(source, at(0, order("a", "x", 1)), at(1, order("b", "x", 1)), at(2, order("a", "x", 1)));
    await driver.advanceClock(9_999);
    expect(await driver.read(out)).toEqual([]);
    await driver.advanceClock(seconds(1));
    expect(lines(await driver.read(out))).toEqual(["3"]);
  });
});

describe("windows in a row on the same key", () => {
  const chained = operator(
    "chained",
    stream(orders)
      .keyBy((o) => o.shop)
      .window(tumbling(seconds(5)), { name: "short" })
      .count()
      .filter(({ value }) => value > 1)
      .window(tumbling(seconds(10)), { name: "long" })
      .sum(({ value }) => value)
      .to(out.from(({ key, value, window }) => ({ line: `${window.startMs} ${key} ${value}` }))),
  );

  test("need no second shuffle, and results of the first reach the second before its own watermark", async () => {
    await using driver = await testDriver(chained);
    const ones = (n: number, ms: number) => Array.from({ length: n }, () => at(ms, order("a", "x", 1)));
    await driver.send(orders, ...ones(2, 1_000), ...ones(3, 6_000), ...ones(1, 11_000));
    await driver.advanceWatermark(100_000);
    expect(lines(await driver.read(out))).toEqual(["0 a 5"]);
    expect(driver.late).toBe(0);
    expect(new Set(driver.reports.map(({ functionName }) => functionName))).toEqual(
      new Set(["chained", "chained--by-key"]),
    );
  });
});

describe("a union of topics", () => {
  const both = operator(
    "both",
    stream(orders)
      .union(stream(returns).map((o) => ({ ...o, euros: -o.euros })))
      .keyBy((o) => o.shop)
      .window(tumbling(seconds(5)))
      .sum((o) => o.euros)
      .to(out.from(({ key, value }) => ({ line: `${key} ${value}` }))),
  );

  test("holds the elements of all, and waits for the slowest partition of any of them", async () => {
    await using driver = await testDriver(both, { partitions: "declared" });
    await driver.send(orders, at(1_000, order("a", "x", 10)), at(1_000, order("b", "x", 5)));
    await driver.send(returns, at(2_000, order("a", "x", 3)));
    for (const partition of [0, 1, 2]) await driver.send(orders, at(9_000, order("c", "x", 1), { partition }));
    await driver.send(returns, at(9_000, order("c", "x", 1), { partition: 0 }));
    expect(await driver.read(out)).toEqual([]);
    await driver.send(returns, at(9_000, order("c", "x", 1), { partition: 1 }));
    expect(lines(await driver.read(out))).toEqual(["a 7", "b 5"]);
  });

  test("of a stream with itself has every element twice", async () => {
    const same = stream(orders);
    const twice = operator("twice", same.union(same).to(out.from((o) => ({ line: o.shop }))));
    await using driver = await testDriver(twice);
    await driver.send(orders, order("a", "x", 1));
    expect(lines(await driver.read(out))).toEqual(["a", "a"]);
  });

  test("of a shuffled and an unshuffled stream writes both", async () => {
    const shops = stream(orders);
    const mixed = operator(
      "mixed",
      shops
        .keyBy((o) => o.shop)
        .count()
        .map(({ key, value }) => ({ line: `${key} ${value}` }))
        .union(shops.map((o) => ({ line: o.city })))
        .to(out),
    );
    await using driver = await testDriver(mixed);
    await driver.send(orders, order("a", "x", 1), order("a", "y", 1));
    expect(lines(await driver.read(out))).toEqual(["a 1", "a 2", "x", "y"]);
  });
});

describe("a stream that several sinks use", () => {
  const names = topic("names", { value: text() });

  test("is computed once", async () => {
    const upper = stream(orders).map((o, ctx) => {
      ctx.metrics.count("mapped");
      return o.shop.toUpperCase();
    });
    const several = operator(
      "several",
      upper.to(names),
      upper.filter((s) => s !== "A").to(out.from((line) => ({ line }))),
      upper
        .keyBy((s) => s)
        .count()
        .to(out.from(({ key, value }) => ({ line: `${key} ${value}` }))),
    );
    await using driver = await testDriver(several);
    await driver.send(orders, order("a", "x", 1), order("b", "x", 1));
    expect(await driver.read(names)).toEqual(["A", "B"]);
    expect(lines(await driver.read(out))).toEqual(["A 1", "B", "B 1"]);
    expect(driver.reports.reduce((sum, { authorCounts }) => sum + (authorCounts.mapped ?? 0), 0)).toBe(2);
  });
});
