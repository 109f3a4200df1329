/** Streams that meet: how they share a shuffle, what it is called, and what must fit together. */

import { describe, expect, test } from "vitest";
import { toDescription } from "../../lib/stream/describe.ts";
import { milliseconds, seconds } from "../../lib/stream/duration.ts";
import { json, text } from "../../lib/stream/format.ts";
import type { KeyedStream } from "../../lib/stream/keyed-stream.ts";
import type { FunctionPlan, ShufflePlan } from "../../lib/stream/plan.ts";
import { stream } from "../../lib/stream/stream.ts";
import { table } from "../../lib/stream/table.ts";
import { topic } from "../../lib/stream/topic.ts";
import { buildTopology } from "../../lib/stream/topology.ts";
import { tumbling } from "../../lib/stream/tumbling.ts";
import { boundedOutOfOrderness, monotonic } from "../../lib/stream/watermark-strategy.ts";
import { define, problemsOf } from "./streams.ts";

const watermark = monotonic();
const orders = topic("orders", { key: text(), value: text(), watermark, partitions: 3 });
const payments = topic("payments", { value: text(), watermark, partitions: 5 });
const refunds = topic("refunds", { value: text(), watermark, partitions: 2 });
const customers = topic("customers", { key: text(), value: text(), watermark, compacted: true, partitions: 4 });
const out = topic("out", { value: json<unknown>() });

type Keyed = KeyedStream<string, string>;
const key = (s: string) => s;
const meet = (left: Keyed, right: Keyed, name?: string) =>
  left
    .intervalJoin(right)
    .between(seconds(-1), seconds(1))
    .map((a, b) => `${a} ${b}`, name === undefined ? {} : { name });
const shufflesOf = (...sinks: Parameters<typeof define>[1][]) =>
  buildTopology("shop", [define("a", ...sinks)]).functions.flatMap(({ shuffle }) => shuffle ?? []);
const tasks = (name: string, count: number) => Array.from({ length: count }, (_, n) => `${name}-${n}`);

describe("two streams that meet share a shuffle", () => {
  test("with a side for each, the left one first, and all tasks of both upstream", () => {
    const topology = buildTopology("shop", [
      define("a", meet(stream(orders).keyBy(key), stream(payments).keyBy(key)).to(out)),
    ]);
    expect(topology.functions.map(({ name }) => name)).toEqual(["a", "a--by-key"]);
    const [first, second] = topology.functions as [FunctionPlan, FunctionPlan];
    const { sides, ...plan } = second.shuffle as ShufflePlan;
    expect(plan).toEqual({
      name: "a--by-key",
      keyByName: "by-key",
      partitions: 5,
      maxParallelism: 128,
      upstream: [...tasks("a/orders", 3), ...tasks("a/payments", 5)],
      followClockBoundMs: undefined,
      origins: ["orders", "payments"],
    });
    expect(sides.map(({ input }) => input.kind === "source" && input.topic.topicName)).toEqual(["orders", "payments"]);
    expect(first.shuffleOutputs).toEqual([{ shuffle: second.shuffle, keyBys: sides }]);
    expect(second.nodes.map(({ kind }) => kind)).toEqual(["intervalJoin", "sink"]);
    expect(topology.topics.filter(({ kind }) => kind === "shuffle")).toHaveLength(1);
  });

  test("and each task of a source that feeds both is upstream once", () => {
    const source = stream(orders);
    const [shuffle] = shufflesOf(meet(source.keyBy(key), source.map((s) => s).keyBy(key)).to(out));
    expect(shuffle?.upstream).toEqual(tasks("a/orders", 3));
    expect(shuffle?.sides).toHaveLength(2);
  });

  test("and a stream that meets itself has one side", () => {
    const keyed = stream(orders).keyBy(key);
    expect(shufflesOf(meet(keyed, keyed).to(out))[0]?.sides).toHaveLength(1);
  });

  test("and so do all that meet one of them", () => {
    const left = stream(orders).keyBy(key);
    const shuffles = shufflesOf(
      meet(left, stream(payments).keyBy(key), "paid").to(out),
      meet(left, stream(refunds).keyBy(key), "refunded").to(out),
    );
    expect(shuffles.map(({ name, sides, upstream }) => [name, sides.length, upstream.length])).toEqual([
      ["a--by-key", 3, 10],
    ]);
  });

  test("a side may come out of another shuffle, which stands before", () => {
    const counted: Keyed = stream(payments)
      .keyBy(key, { name: "by-payment", parallelism: 2 })
      .count()
      .map(({ key }) => key)
      .keyBy(key, { name: "by-order" });
    const shuffles = shufflesOf(meet(stream(orders).keyBy(key), counted).to(out));
    expect(shuffles.map(({ name, upstream }) => [name, upstream])).toEqual([
      ["a--by-payment", tasks("a/payments", 5)],
      ["a--by-order", [...tasks("a/orders", 3), ...tasks("a--by-payment/a--by-payment", 2)]],
    ]);
  });

  test("time follows the clock where all sources of both sides allow it", () => {
    const quiet = (bound: number) =>
      boundedOutOfOrderness(milliseconds(bound), { idleAfter: seconds(1), whenIdle: "follow-clock" });
    const left = stream(orders, { watermark: quiet(10) }).keyBy(key);
    const right = (bound?: number) =>
      (bound === undefined ? stream(payments) : stream(payments, { watermark: quiet(bound) })).keyBy(key);
    expect(shufflesOf(meet(left, right(20)).to(out))[0]?.followClockBoundMs).toBe(20);
    expect(shufflesOf(meet(left, right()).to(out))[0]?.followClockBoundMs).toBeUndefined();
  });
});

describe("the name of a shared shuffle", () => {
  const named = (left?: string, right?: string) =>
    meet(
      stream(orders).keyBy(key, left === undefined ? {} : { name: left }),
      stream(payments).keyBy(key, right === undefined ? {} : { name: right }),
    ).to(out);

  test.each([
    [undefined, undefined, "by-key"],
    ["by-order", "by-order", "by-order"],
    ["by-order", undefined, "by-order"],
    [undefined, "by-order", "by-order"],
  ])("of keyBys called %s and %s is %s", (left, right, name) => {
    expect(shufflesOf(named(left, right))[0]?.name).toBe(`a--${name}`);
  });

  test("is one", () => {
    expect(problemsOf(define("a", named("by-order", "by-payment")))).toEqual([
      `Operator "a" (functions/a.ts:5): the keyBys "by-order" and "by-payment" share a shuffle, as a step with two inputs reads both; give them the same name, or only one of them a name.`,
    ]);
  });

  test("is told from that of others", () => {
    const other = stream(refunds).keyBy(key).count().to(out);
    expect(problemsOf(define("a", named(), other))).toEqual([
      `Operator "a" (functions/a.ts:5) has 2 keyBys without a name; name each but one, as in keyBy(fn, { name: "by-user" }).`,
    ]);
    expect(problemsOf(define("a", named("by-order"), other))).toEqual([]);
  });
});

describe("steps behind a shared shuffle", () => {
  test("have names of their own, whichever side they are on", () => {
    const left = stream(orders).keyBy(key);
    const right = stream(payments).keyBy(key);
    const sinks = (name?: string) => [
      meet(left, right).to(out),
      left.count().to(out),
      right.count(name === undefined ? {} : { name }).to(out),
    ];
    expect(problemsOf(define("a", ...sinks()))).toEqual([
      `Operator "a" (functions/a.ts:5) has 2 steps of the kind "count" without a name after the keyBy "by-key"; name each but one, as in count({ name: "total" }), so that their state can be told apart.`,
    ]);
    expect(problemsOf(define("a", ...sinks("payments")))).toEqual([]);
  });

  test("joins among them", () => {
    const left = stream(orders).keyBy(key);
    const right = stream(payments).keyBy(key);
    expect(problemsOf(define("a", meet(left, right).to(out), meet(right, left).to(out)))).toEqual([
      `Operator "a" (functions/a.ts:5) has 2 steps of the kind "intervalJoin" without a name after the keyBy "by-key"; name each but one, as in map(fn, { name: "paid-orders" }), so that their state can be told apart.`,
    ]);
  });
});

describe("the keyBys of a shared shuffle", () => {
  const sized = (left: object, right: object) =>
    meet(stream(orders).keyBy(key, left), stream(payments).keyBy(key, right)).to(out);

  test("agree on their parallelism, or one of them says it", () => {
    expect(shufflesOf(sized({ parallelism: 2 }, {}))[0]?.partitions).toBe(2);
    expect(shufflesOf(sized({}, { parallelism: 2 }))[0]?.partitions).toBe(2);
    expect(problemsOf(define("a", sized({ parallelism: 2 }, { parallelism: 3 })))).toEqual([
      `Operator "a" (functions/a.ts:5): the keyBys of the shuffle "by-key" ask for a parallelism of 2 and 3; give them the same, as a step with two inputs reads both.`,
    ]);
  });

  test("agree on their maxParallelism", () => {
    expect(shufflesOf(sized({ maxParallelism: 64 }, { maxParallelism: 64 }))[0]?.maxParallelism).toBe(64);
    expect(problemsOf(define("a", sized({ maxParallelism: 64 }, {})))).toEqual([
      `Operator "a" (functions/a.ts:5): the keyBys of the shuffle "by-key" ask for a maxParallelism of 64 and 128; give them the same, as a step with two inputs reads both.`,
    ]);
  });

  test("are no keyedByTopicKey", () => {
    const problem = `Operator "a" (functions/a.ts:5): the interval join reads two inputs through one shuffle, which keyedByTopicKey cannot spare; use keyBy on both.`;
    const trusted = stream(orders).keyedByTopicKey();
    expect(problemsOf(define("a", meet(trusted, stream(payments).keyBy(key)).to(out)))).toEqual([problem]);
    expect(problemsOf(define("a", meet(trusted, trusted).to(out)))).toEqual([problem]);
  });

  test("do not feed each other: the shuffle would wait for itself", () => {
    const left: Keyed = stream(orders).keyBy(key, { name: "by-order" });
    const counted = (name: string): Keyed =>
      left
        .count()
        .map(({ key }) => key)
        .keyBy(key, { name });
    expect(problemsOf(define("a", meet(left, counted("by-order")).to(out)))).toEqual([
      `Operator "a" (functions/a.ts:5): the shuffle "by-order" feeds itself, as a step with two inputs reads what is before one of its keyBys and what is behind it; key one of the two by a keyBy of its own, as in keyBy(fn, { name: "to-join" }).`,
    ]);
    const apart = meet(stream(orders).keyBy(key, { name: "to-join" }), counted("to-join")).to(out);
    expect(shufflesOf(apart).map(({ name }) => name)).toEqual(["a--by-order", "a--to-join"]);
  });
});

describe("a table", () => {
  const named = table(customers);

  test("is a side of the shuffle of the stream that joins it, as large as that", () => {
    const left = stream(orders).keyBy(key, { name: "by-customer", maxParallelism: 16 });
    const [shuffle] = shufflesOf(
      left
        .join(named)
        .map((a, b) => `${a} ${b}`)
        .to(out),
    );
    expect(shuffle).toMatchObject({ name: "a--by-customer", maxParallelism: 16, partitions: 4 });
    expect(shuffle?.upstream).toEqual([...tasks("a/orders", 3), ...tasks("a/customers", 4)]);
  });

  test("crosses once for all joins of one stream, and once for each of several", () => {
    const joined = (left: Keyed, name: string) =>
      left
        .leftJoin(named)
        .map((a, b) => `${a} ${b}`, { name })
        .to(out);
    const left = stream(orders).keyBy(key, { name: "by-customer" });
    const other = stream(payments).keyBy(key, { name: "by-payer" });
    expect(shufflesOf(joined(left, "one"), joined(left, "two")).map(({ sides }) => sides.length)).toEqual([2]);
    expect(shufflesOf(joined(left, "one"), joined(other, "two")).map(({ sides }) => sides.length)).toEqual([2, 2]);
  });

  test("is read of a compacted topic", () => {
    expect(() => table(orders)).toThrow(
      'table() takes a compacted topic, where null values delete: declare topic "orders" with compacted: true.',
    );
    expect(() => table("orders" as never)).toThrow("table() takes a topic, as topic() returns it.");
    expect(() =>
      stream(orders)
        .keyBy(key)
        .leftJoin(stream(orders) as never),
    ).toThrow("leftJoin() takes a table, as table() returns it.");
  });
});

test("a topology says how streams meet", () => {
  const left = stream(orders).keyBy(key);
  const right = stream(payments).keyBy(key);
  const [, second] = toDescription(
    buildTopology("shop", [
      define(
        "a",
        meet(left, right, "near").to(out),
        left
          .intervalJoin(right)
          .between(seconds(0), milliseconds(90))
          .map((a, b) => `${a} ${b}`)
          .to(out),
        left
          .join(right)
          .window(tumbling(seconds(5)))
          .map((a, b) => `${a} ${b}`)
          .to(out),
        left
          .coGroup(right)
          .window(tumbling(seconds(5)))
          .flatMap((a, b) => [...a, ...b])
          .to(out),
        left
          .leftJoin(table(customers))
          .map((a, b) => `${a} ${b}`)
          .to(out),
      ),
    ]),
  ).operators.flatMap(({ functions }) => functions);
  expect(second?.reads).toEqual([{ topic: "a--by-key", partitions: 5 }]);
  expect(second?.steps).toEqual([
    "intervalJoin near (-1 s to 1 s)",
    "intervalJoin (0 ms to 90 ms)",
    "join (5 s tumbling)",
    "coGroup (5 s tumbling)",
    "leftJoin (table)",
  ]);
});
