/** route(): elements that choose their topic. */

import { json, operator, route, stream, testDriver, text, topic } from "millrace";
import { describe, expect, test } from "vitest";
import { buildTopology } from "../../lib/stream/topology.ts";

type Order = { readonly id: string; readonly region: string };

const orders = topic("orders", { key: text(), value: json<Order>() });
const eu = topic("orders-eu", { key: text(), value: json<Order>() });
const us = topic("orders-us", { key: text(), value: text(), partitions: 2 });
const once = topic("orders-once", { value: json<Order>(), exactlyOnce: true });

const routing = operator(
  "routing",
  stream(orders)
    .keyBy((order) => order.id)
    .to(route({ eu, us: us.from((order: Order) => order.id) }, (order) => order.region)),
);

describe("route", () => {
  test("writes each element to the topic that the selector names, with its key", async () => {
    await using driver = await testDriver(routing);
    await driver.send(orders, { id: "a", region: "eu" }, { id: "b", region: "us" }, { id: "c", region: "eu" });
    expect(await driver.readRecords(eu)).toMatchObject([
      { key: "a", value: { id: "a" } },
      { key: "c", value: { id: "c" } },
    ]);
    expect(await driver.readRecords(us)).toMatchObject([{ key: "b", value: "b" }]);
  });

  test.each([["antarctica"], ["constructor"], ["__proto__"]])(
    "makes a dead letter of an element whose selector names %s, which is none of its topics",
    async (region) => {
      await using driver = await testDriver(routing);
      await driver.send(orders, { id: "a", region: "eu" }, { id: "b", region }, { id: "c", region: "eu" });
      expect((await driver.read(eu)).map(({ id }) => id)).toEqual(["a", "c"]);
      const [letter, ...others] = await driver.deadLetters(routing);
      expect(others).toEqual([]);
      expect(letter).toMatchObject({
        reason: `route() has no topic for "${region}", but for "eu" and "us".`,
        step: "route",
      });
    },
  );

  test("makes every topic an output of the function", () => {
    const topology = buildTopology("shop", [routing.definition]);
    expect(topology.functions[0]?.topicOutputs).toMatchObject([
      { topic: eu, partitions: 4 },
      { topic: us, partitions: 2 },
    ]);
    expect(topology.topics.map(({ name }) => name)).toEqual([
      "orders",
      "orders-eu",
      "orders-us",
      "routing--dead-letters",
    ]);
  });

  test("commits where one of its topics is written exactly once, and sends each element there once", async () => {
    const mixed = operator(
      "mixed",
      stream(orders).to(
        route({ once, eu: eu.record({ value: (order: Order) => order, key: (order) => order.id }) }, (o) => o.region),
      ),
    );
    await using driver = await testDriver(mixed, { restartAfterEveryBatch: true });
    expect(buildTopology("shop", [mixed.definition]).functions[0]?.commits).toBe(true);
    await driver.send(orders, { id: "a", region: "once" }, { id: "b", region: "eu" });
    await driver.send(orders, { id: "c", region: "once" });
    expect((await driver.readRecords(once)).map(({ value }) => value.id)).toEqual(["a", "c"]);
    expect((await driver.read(eu)).map(({ id }) => id)).toEqual(["b"]);
  });

  test("takes topics, one at least", () => {
    expect(() => route({}, () => "eu")).toThrow("route() takes topics by name");
    expect(() => route({ eu: "orders-eu" as never }, () => "eu")).toThrow(
      'route() takes topics, topic.from(…) or topic.record(…); under "eu" stands something else.',
    );
    expect(() => route({ eu: route({ eu }, (order: Order) => order.region) as never }, () => "eu")).toThrow(
      "something else",
    );
    expect(() => route<Order>({ eu }, "eu" as never)).toThrow("route() takes a function, not string.");
  });
});
