/** split with its rest, several sinks, what topic.from and topic.record make, and the stateless steps. */

import { at, json, operator, stream, testDriver, text, topic } from "millrace";
import { describe, expect, test } from "vitest";

type Event =
  | { readonly kind: "order"; readonly id: number }
  | { readonly kind: "refund"; readonly id: number }
  | { readonly kind: "ping" };

const events = topic("events", { key: text(), value: json<Event>() });
const orders = topic("orders", { value: json<{ id: number }>() });
const refunds = topic("refunds", { value: json<{ id: number }>() });
const others = topic("others", { value: text() });
const keyed = topic("keyed", { key: text(), value: text(), compacted: true });

describe("split", () => {
  const branches = stream(events).split({
    order: (e): e is Extract<Event, { kind: "order" }> => e.kind === "order",
    even: (e): e is Extract<Event, { kind: "refund" }> => e.kind !== "ping" && e.id % 2 === 0,
  });
  const all: Event[] = [
    { kind: "order", id: 2 },
    { kind: "refund", id: 4 },
    { kind: "refund", id: 5 },
    { kind: "ping" },
  ];

  test("gives an element to the first branch that matches, else to the rest", async () => {
    const splitting = operator(
      "splitting",
      branches.order.to(orders.from(({ id }) => ({ id }))),
      branches.even.to(refunds.from(({ id }) => ({ id }))),
      branches.rest.to(others.from((e) => e.kind)),
    );
    await using driver = await testDriver(splitting);
    await driver.send(events, ...all);
    expect(await driver.read(orders)).toEqual([{ id: 2 }]);
    expect(await driver.read(refunds)).toEqual([{ id: 4 }]);
    expect(await driver.read(others)).toEqual(["refund", "ping"]);
  });

  test("drops what goes to a branch that nobody reads", async () => {
    await using driver = await testDriver(operator("splitting", branches.rest.to(others.from((e) => e.kind))));
    await driver.send(events, ...all);
    expect(await driver.read(others)).toEqual(["refund", "ping"]);
  });
});

describe("stateless steps", () => {
  test("keep timestamp and key of their input", async () => {
    const steps = operator(
      "steps",
      stream(events)
        .filter((e) => e.kind !== "ping")
        .flatMap((e, ctx) => [`${e.kind} at ${ctx.timestampMs}`, "again"])
        .map((line) => line.toUpperCase())
        .to(keyed),
    );
    await using driver = await testDriver(steps);
    await driver.send(events, at(1_000, { kind: "order", id: 1 }, { key: "k" }), at(2_000, { kind: "ping" }));
    const written = await driver.readRecords(keyed);
    expect(written.map(({ key, value, timestampMs }) => [key, value, timestampMs])).toEqual([
      ["k", "ORDER AT 1000", 1_000],
      ["k", "AGAIN", 1_000],
    ]);
  });

  test("flatMap takes generators and other iterables, and none at all", async () => {
    const generating = operator(
      "generating",
      stream(events)
        .flatMap(function* (e) {
          if (e.kind === "ping") return;
          yield `first ${e.id}`;
          yield `second ${e.id}`;
        })
        .flatMap((line) => new Set([line, line]))
        .to(others),
    );
    await using driver = await testDriver(generating);
    await driver.send(events, { kind: "order", id: 1 }, { kind: "ping" });
    expect(await driver.read(others)).toEqual(["first 1", "second 1"]);
  });
});

describe("a sink", () => {
  test("writes key, headers and timestamp as topic.record says", async () => {
    const recording = operator(
      "recording",
      stream(events).to(
        keyed.record({
          value: (e) => e.kind,
          key: (e) => (e.kind === "ping" ? "none" : String(e.id)),
          headers: (e) => ({ kind: e.kind }),
          timestampMs: () => 77,
        }),
      ),
    );
    await using driver = await testDriver(recording);
    await driver.send(events, at(1_000, { kind: "order", id: 5 }));
    const [record] = await driver.readRecords(keyed);
    expect(record).toMatchObject({ key: "5", value: "order", timestampMs: 77 });
    const headers = record?.headers.map(([name, bytes]) => [name, new TextDecoder().decode(bytes)]);
    expect(headers?.find(([name]) => name === "kind")).toEqual(["kind", "order"]);
  });

  test("writes tombstones to a compacted topic, and an element of null nowhere else", async () => {
    const deleting = operator(
      "deleting",
      stream(events).to(keyed.record({ value: (e) => (e.kind === "ping" ? null : e.kind), key: () => "k" })),
    );
    await using driver = await testDriver(deleting);
    await driver.send(events, { kind: "order", id: 1 }, { kind: "ping" });
    expect((await driver.readRecords(keyed)).map(({ value }) => value)).toEqual(["order", null]);
  });

  test("puts equal keys into one partition, as Kafka's own producers do", async () => {
    const spreading = operator(
      "spreading",
      stream(events).to(keyed.record({ value: (e) => e.kind, key: (e) => (e.kind === "ping" ? "p" : `k${e.id}`) })),
    );
    await using driver = await testDriver(spreading, { partitions: 8 });
    for (let round = 0; round < 2; round++)
      await driver.send(events, ...Array.from({ length: 40 }, (_, id): Event => ({ kind: "order", id })));
    const written = await driver.readRecords(keyed);
    const places = new Map(written.map(({ key, partition }) => [key, partition]));
    expect(written.every(({ key, partition }) => places.get(key) === partition)).toBe(true);
    expect(new Set(places.values()).size).toBeGreaterThan(4);
  });
});
