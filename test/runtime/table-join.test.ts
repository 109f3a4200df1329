/** Joins of a stream with a table, in event time, rule by rule. */

import {
  at,
  boundedOutOfOrderness,
  json,
  milliseconds,
  operator,
  stream,
  type TestDriver,
  table,
  testDriver,
  text,
  topic,
} from "millrace";
import { describe, expect, test } from "vitest";

type Order = { readonly customer: string; readonly n: number };
type Customer = { readonly name: string };

const watermark = boundedOutOfOrderness(milliseconds(0));
const orders = topic("orders", { value: json<Order>(), watermark, partitions: 2 });
const customers = topic("customers", {
  key: text(),
  value: json<Customer>(),
  watermark,
  compacted: true,
  partitions: 3,
});
const out = topic("out", { value: json<string>() });

const keyed = stream(orders).keyBy((order) => order.customer);
const named = table(customers);
const inner = operator(
  "inner",
  keyed
    .join(named)
    .map((order, customer, { key, timestampMs }) => `${timestampMs} ${key} ${order.n} ${customer.name}`)
    .to(out),
);
const left = operator(
  "left",
  keyed
    .leftJoin(named)
    .map((order, customer) => `${order.n} ${customer === undefined ? "nobody" : customer.name}`)
    .to(out),
);

const order = (ms: number, customer: string, n = ms) => at(ms, { customer, n });
const version = (ms: number, key: string, name: string) => at(ms, { name }, { key });
const tombstone = (ms: number, key: string) => at(ms, null, { key });
/** Moves both sides on, with a customer whom nobody asks for. */
async function advance(driver: TestDriver, ms: number): Promise<void> {
  await driver.send(orders, at(ms + 1, { customer: "nobody asks", n: 0 }));
  await driver.send(customers, version(ms + 1, "whom nobody asks for", ""));
}

describe("a left element", () => {
  test("waits until the combined watermark has passed it", async () => {
    await using driver = await testDriver(inner);
    await driver.send(customers, version(5, "a", "Ann"));
    await driver.send(orders, order(10, "a"), order(30, "a"));
    expect(await driver.read(out)).toEqual([]);
    await driver.send(customers, version(10, "z", "Zoe"));
    expect(await driver.read(out)).toEqual([]);
    await driver.send(customers, version(11, "z", "Zoe"));
    expect(await driver.read(out)).toEqual(["10 a 10 Ann"]);
  });

  test("joins the newest version that is not newer, whatever came first", async () => {
    await using driver = await testDriver(inner);
    await driver.send(orders, order(20, "a"), order(9, "a"), order(10, "a"), order(29, "a"), order(30, "a"));
    await driver.send(customers, version(30, "a", "third"), version(10, "a", "first"), version(20, "a", "second"));
    await advance(driver, 100);
    expect(await driver.read(out)).toEqual(["10 a 10 first", "20 a 20 second", "29 a 29 second", "30 a 30 third"]);
  });

  test("without a version gives nothing, and undefined in a left join", async () => {
    await using driver = await testDriver(left);
    await driver.send(orders, order(1, "a"), order(2, "b"));
    await driver.send(customers, version(2, "a", "Ann"), version(2, "b", "Bob"));
    await advance(driver, 100);
    expect(await driver.read(out)).toEqual(["1 nobody", "2 Bob"]);
  });

  test("joins a version once for each of several in one place", async () => {
    await using driver = await testDriver(inner);
    await driver.send(customers, version(1, "a", "Ann"));
    await driver.send(orders, ...Array.from({ length: 100 }, (_, n) => order(10, "a", n)));
    await advance(driver, 100);
    expect(await driver.read(out)).toEqual(Array.from({ length: 100 }, (_, n) => `10 a ${n} Ann`));
  });

  test("that comes when the watermark has passed it joins what is kept, when the watermark moves next", async () => {
    await using driver = await testDriver(left);
    await driver.send(customers, version(10, "a", "old"), version(20, "a", "new"));
    await advance(driver, 50);
    await driver.send(orders, order(15, "a"), order(25, "a"));
    expect(await driver.read(out)).toEqual([]);
    await advance(driver, 60);
    // The version of 15 was dropped when the watermark passed that of 20.
    expect((await driver.read(out)).filter((line) => !line.startsWith("0 "))).toEqual(["15 nobody", "25 new"]);
    expect(driver.late).toBe(0);
  });
});

describe("a version", () => {
  test("is deleted by a tombstone, from its time on", async () => {
    await using driver = await testDriver(left);
    await driver.send(customers, version(10, "a", "Ann"), tombstone(20, "a"), version(30, "a", "Anna"));
    await driver.send(orders, order(19, "a"), order(20, "a"), order(29, "a"), order(30, "a"));
    await advance(driver, 100);
    expect(await driver.read(out)).toEqual(["19 Ann", "20 nobody", "29 nobody", "30 Anna"]);
  });

  test("of the same time as another counts if it came last", async () => {
    await using driver = await testDriver(inner);
    await driver.send(customers, version(10, "a", "one"), version(10, "a", "two"));
    await driver.send(orders, order(10, "a"));
    await advance(driver, 100);
    expect(await driver.read(out)).toEqual(["10 a 10 two"]);
    await driver.send(customers, version(10, "a", "late"));
    await driver.send(orders, order(110, "a"));
    await advance(driver, 200);
    expect(await driver.read(out)).toEqual(["10 a 10 two", "110 a 110 late"]);
  });

  test("older than the newest at or below the watermark is dropped, and so is a tombstone", async () => {
    await using driver = await testDriver(inner);
    await driver.send(customers, version(10, "a", "one"), version(20, "a", "two"), version(20, "b", "Bob"));
    await driver.send(customers, tombstone(30, "b"));
    const kept = async () => (await driver.state(inner)).filter(({ key }) => key === "a" || key === "b").length;
    expect(await kept()).toBeGreaterThan(1);
    await advance(driver, 1_000);
    expect(await kept()).toBe(1);
    await driver.send(orders, order(1_002, "a"), order(1_002, "b"));
    await advance(driver, 2_000);
    expect(await driver.read(out)).toEqual(["1002 a 1002 two"]);
  });

  test("without a key is dropped and counted", async () => {
    await using driver = await testDriver(inner);
    await driver.send(customers, at(1, { name: "Nemo" }));
    expect(driver.reports.reduce((sum, { nullKeys }) => sum + nullKeys, 0)).toBe(1);
  });
});

test("a result that fails is a dead letter with both sides, and can be redriven", async () => {
  let broken = true;
  const fragile = operator(
    "fragile",
    keyed
      .leftJoin(named)
      .map((order, customer) => {
        if (broken && order.n === 10) throw new Error("not ten");
        return `${order.n} ${customer?.name ?? "nobody"}`;
      })
      .to(out),
  );
  await using driver = await testDriver(fragile);
  await driver.send(customers, version(5, "a", "Ann"));
  await driver.send(orders, order(10, "a"), order(11, "a"));
  await advance(driver, 100);
  const letters = await driver.deadLetters(fragile);
  expect(letters.map(({ reason, kind, step }) => ({ reason, kind, step }))).toEqual([
    { reason: "not ten", kind: "result", step: "join" },
  ]);
  expect(JSON.parse(new TextDecoder().decode(letters[0]?.value ?? undefined))).toEqual({
    key: "a",
    left: { customer: "a", n: 10 },
    right: { name: "Ann" },
  });
  expect(await driver.read(out)).toEqual(["11 Ann"]);
  broken = false;
  expect(await driver.redrive(fragile)).toHaveLength(1);
  expect(await driver.read(out)).toEqual(["11 Ann", "10 Ann"]);
});

test("a table holds the watermark back until its topic is idle", async () => {
  const quiet = boundedOutOfOrderness(milliseconds(0), { idleAfter: milliseconds(100) });
  const seldom = topic("customers", { key: text(), value: json<Customer>(), watermark: quiet, compacted: true });
  const patient = operator(
    "patient",
    keyed
      .join(table(seldom))
      .map((order, customer) => `${order.n} ${customer.name}`)
      .to(out),
  );
  await using driver = await testDriver(patient, { startMs: 0 });
  await driver.send(seldom, at(5, { name: "Ann" }, { key: "a" }));
  await driver.send(orders, order(10, "a"), order(50, "a"));
  expect(await driver.read(out)).toEqual([]);
  await driver.advanceClock(101);
  expect(await driver.read(out)).toEqual(["10 Ann"]);
});

test.each(["inner", "left"] as const)("what Flink's own test of temporal joins finds: %s", async (mode) => {
  // Time moves only where the test moves it.
  const patient = boundedOutOfOrderness(milliseconds(1_000_000));
  const probe = topic("probe", { value: json<{ key: string; name: string }>(), watermark: patient });
  const build = topic("build", { key: text(), value: json<Customer>(), watermark: patient, compacted: true });
  const from = stream(probe).keyBy(({ key }) => key);
  const joined = mode === "inner" ? from.join(table(build)) : from.leftJoin(table(build));
  const temporal = operator("temporal", joined.map((left, right) => `${left.name} ${right?.name ?? "none"}`).to(out));
  await using driver = await testDriver(temporal);
  const left = (ms: number, key: string, name: string) => driver.send(probe, at(ms, { key, name }));
  const right = (ms: number, key: string, name: string | null) =>
    driver.send(build, at(ms, name === null ? null : { name }, { key }));
  await driver.advanceWatermark(1);
  await left(1, "k1", "1a1");
  await right(2, "k1", "1a2");
  await driver.advanceWatermark(2);
  await left(1, "k1", "1a1");
  await left(3, "k1", "1a3");
  await right(4, "k2", "2a4");
  await driver.advanceWatermark(5);
  await left(6, "k2", "2a3");
  await right(7, "k2", "2a5");
  await driver.advanceWatermark(8);
  await left(9, "k2", "5a11");
  await left(11, "k2", "5a12");
  await right(9, "k2", null);
  await right(10, "k2", "2a6");
  await driver.advanceWatermark(13);
  const all = ["1a1 none", "1a1 none", "1a3 1a2", "2a3 2a4", "5a11 none", "5a12 2a6"];
  expect(await driver.read(out)).toEqual(mode === "left" ? all : all.filter((line) => !line.endsWith("none")));
});
