/** The topology: how operators are cut into functions and shuffles, and what the plan says of each. */

import { describe, expect, test } from "vitest";
import { days, minutes, seconds } from "../../lib/stream/duration.ts";
import { json, text } from "../../lib/stream/format.ts";
import type { FunctionPlan, Topology } from "../../lib/stream/plan.ts";
import { records, stream } from "../../lib/stream/stream.ts";
import { topic } from "../../lib/stream/topic.ts";
import { buildTopology } from "../../lib/stream/topology.ts";
import { tumbling } from "../../lib/stream/tumbling.ts";
import { boundedOutOfOrderness, monotonic, noWatermark } from "../../lib/stream/watermark-strategy.ts";
import { define } from "./streams.ts";

const watermark = boundedOutOfOrderness(seconds(5), { idleAfter: seconds(30) });
const lines = topic("lines", { value: text(), watermark });
const users = topic("users", { key: text(), value: text(), watermark, partitions: 12 });
const out = topic("out", { value: json<unknown>(), partitions: 2 });
const late = topic("late", { value: text() });

const planOf = (topology: Topology, name: string): FunctionPlan => {
  const plan = topology.functions.find((candidate) => candidate.name === name);
  if (plan === undefined) throw new Error(`${topology.functions.map((candidate) => candidate.name)} without ${name}`);
  return plan;
};
const kindsOf = (plan: FunctionPlan) => plan.nodes.map((node) => node.kind);
const namesOf = (topology: Topology) => topology.functions.map((plan) => plan.name);

const countWords = define(
  "count-words",
  stream(lines)
    .flatMap((line) => line.split(" "))
    .keyBy((word) => word)
    .window(tumbling(seconds(5)))
    .lateTo(late)
    .count()
    .map((result) => result.value)
    .to(out),
);

describe("a windowed count", () => {
  const topology = buildTopology("shop", [countWords]);

  test("is a function that reads the source and one after the shuffle", () => {
    expect(namesOf(topology)).toEqual(["count-words", "count-words--by-key"]);
    const [first, second] = topology.functions as [FunctionPlan, FunctionPlan];
    expect(kindsOf(first)).toEqual(["flatMap", "keyBy"]);
    expect(kindsOf(second)).toEqual(["window", "map", "sink"]);
    expect(first).toMatchObject({
      sources: [{ topic: lines, nodes: [{ kind: "source" }], partitions: 4, writtenByMillrace: false }],
      shuffle: undefined,
      shuffleOutputs: [{ shuffle: second.shuffle, keyBys: [{ kind: "keyBy" }] }],
      topicOutputs: [],
      deadLetterTopic: "count-words--dead-letters",
      commits: true,
    });
    expect(second).toMatchObject({
      sources: [],
      shuffleOutputs: [],
      topicOutputs: [
        { topic: late, partitions: 4 },
        { topic: out, partitions: 2 },
      ],
      deadLetterTopic: "count-words--dead-letters",
      commits: true,
    });
  });

  test("has a shuffle as wide as its source, with every task that writes it", () => {
    expect(planOf(topology, "count-words--by-key").shuffle).toMatchObject({
      name: "count-words--by-key",
      partitions: 4,
      maxParallelism: 128,
      upstream: ["count-words/lines-0", "count-words/lines-1", "count-words/lines-2", "count-words/lines-3"],
      followClockBoundMs: 5_000,
    });
  });

  test("has the declared topics, the shuffle and the dead letters", () => {
    expect(topology.topics.map(({ name, kind, partitions }) => [name, kind, partitions])).toEqual([
      ["lines", "declared", 4],
      ["late", "declared", 4],
      ["out", "declared", 2],
      ["count-words--by-key", "shuffle", 4],
      ["count-words--dead-letters", "dead-letter", 1],
    ]);
    expect(topology.warnings).toEqual([]);
  });
});

test("a topic's settings are in the plan", () => {
  const kept = topic("kept", {
    key: text(),
    value: text(),
    compacted: true,
    external: true,
    partitions: 3,
    retention: days(1),
  });
  const { topics } = buildTopology("shop", [define("keep", stream(users).to(kept))]);
  expect(topics[1]).toEqual({
    name: "kept",
    kind: "declared",
    partitions: 3,
    compacted: true,
    external: true,
    retentionMs: 86_400_000,
    declared: kept,
  });
});

describe("where a shuffle is", () => {
  test("not before a keyBy without state behind it", () => {
    const topology = buildTopology("shop", [
      define(
        "a",
        stream(users)
          .keyBy((u) => u[0]!)
          .map((u) => u)
          .to(users2),
      ),
    ]);
    expect(namesOf(topology)).toEqual(["a"]);
    expect(kindsOf(topology.functions[0]!)).toEqual(["keyBy", "map", "sink"]);
  });

  test("not where the topic's own key is trusted, though state is kept", () => {
    const topology = buildTopology("shop", [define("a", stream(users).keyedByTopicKey().count().to(out))]);
    expect(namesOf(topology)).toEqual(["a"]);
    expect(kindsOf(topology.functions[0]!)).toEqual(["keyBy", "rolling", "sink"]);
    expect(topology.functions[0]!.commits).toBe(true);
  });

  test("once for one keyBy that several steps use", () => {
    const keyed = stream(lines).keyBy((l) => l);
    const topology = buildTopology("shop", [
      define("a", keyed.count().to(out), keyed.max((l) => l.length).to(out), keyed.map((l) => l).to(out)),
    ]);
    expect(namesOf(topology)).toEqual(["a", "a--by-key"]);
    expect(kindsOf(planOf(topology, "a"))).toEqual(["keyBy"]);
    expect(kindsOf(planOf(topology, "a--by-key"))).toEqual(["rolling", "sink", "rolling", "sink", "map", "sink"]);
    expect(planOf(topology, "a--by-key").topicOutputs).toHaveLength(1);
  });

  test("once for each of two keyBys, side by side", () => {
    const words = stream(lines);
    const topology = buildTopology("shop", [
      define(
        "a",
        words
          .keyBy((l) => l)
          .count()
          .to(out),
        words
          .keyBy((l) => l.length, { name: "by-length" })
          .count()
          .to(out),
      ),
    ]);
    expect(namesOf(topology)).toEqual(["a", "a--by-key", "a--by-length"]);
    expect(planOf(topology, "a").shuffleOutputs.map(({ shuffle }) => shuffle.name)).toEqual([
      "a--by-key",
      "a--by-length",
    ]);
  });

  test("behind another one, with the function before as its upstream", () => {
    const topology = buildTopology("shop", [
      define(
        "a",
        stream(lines)
          .keyBy((l) => l, { parallelism: 2 })
          .count()
          .keyBy((r) => r.value, { name: "by-count", maxParallelism: 1 })
          .window(tumbling(seconds(5)))
          .count()
          .to(out),
      ),
    ]);
    expect(namesOf(topology)).toEqual(["a", "a--by-key", "a--by-count"]);
    expect(kindsOf(planOf(topology, "a--by-key"))).toEqual(["rolling", "keyBy"]);
    expect(planOf(topology, "a--by-count").shuffle).toMatchObject({
      partitions: 1,
      maxParallelism: 1,
      upstream: ["a--by-key/a--by-key-0", "a--by-key/a--by-key-1"],
      followClockBoundMs: 5_000,
    });
    expect(planOf(topology, "a").shuffleOutputs.map(({ shuffle }) => shuffle.name)).toEqual(["a--by-key"]);
  });

  test("not again for a second window on the same key", () => {
    const keyed = stream(lines).keyBy((l) => l);
    const twice = keyed
      .window(tumbling(seconds(5)))
      .count()
      .window(tumbling(minutes(1)), { name: "minute" })
      .max((r) => r.value);
    expect(namesOf(buildTopology("shop", [define("a", twice.to(out))]))).toEqual(["a", "a--by-key"]);
  });

  test("before a union that unites both sides of it: the nodes behind run on both", () => {
    const words = stream(lines);
    const counts = words
      .keyBy((l) => l)
      .count()
      .map((r) => `${r.key} ${r.value}`);
    const topology = buildTopology("shop", [
      define(
        "a",
        words
          .union(counts)
          .map((s) => s.length)
          .to(out),
      ),
    ]);
    expect(kindsOf(planOf(topology, "a"))).toEqual(["keyBy", "union", "map", "sink"]);
    expect(kindsOf(planOf(topology, "a--by-key"))).toEqual(["rolling", "map", "union", "map", "sink"]);
  });

  test("fed by both a source and a function behind a shuffle", () => {
    const words = stream(users);
    const counts = words
      .keyBy((l) => l, { parallelism: 2 })
      .count()
      .map((r) => `${r.value}`);
    const topology = buildTopology("shop", [
      define(
        "a",
        words
          .union(counts)
          .keyBy((l) => l, { name: "again" })
          .count()
          .to(out),
      ),
    ]);
    const { shuffle } = planOf(topology, "a--again");
    expect(shuffle!.partitions).toBe(12);
    expect(shuffle!.upstream).toHaveLength(14);
    expect(shuffle!.upstream).toContain("a/users-11");
    expect(shuffle!.upstream).toContain("a--by-key/a--by-key-1");
    for (const writer of ["a", "a--by-key"])
      expect(planOf(topology, writer).shuffleOutputs.map((output) => output.shuffle.name)).toContain("a--again");
  });
});

const users2 = topic("users2", { key: text(), value: text() });

describe("partitions of a shuffle", () => {
  const partitions = (sink: ReturnType<typeof to>) =>
    buildTopology("shop", [define("a", sink)]).functions[1]!.shuffle!.partitions;
  const to = (options: { parallelism?: number; maxParallelism?: number }) =>
    stream(lines)
      .union(stream(users))
      .keyBy((l) => l, options)
      .count()
      .to(out);

  test("are those of the largest topic that feeds it, within maxParallelism, unless set", () => {
    expect(partitions(to({}))).toBe(12);
    expect(partitions(to({ maxParallelism: 8 }))).toBe(8);
    expect(partitions(to({ parallelism: 3 }))).toBe(3);
  });

  test("do not count topics that feed something else of the operator", () => {
    const wide = topic("wide", { value: text(), partitions: 64, watermark: monotonic() });
    const topology = buildTopology("shop", [
      define(
        "a",
        stream(wide).to(out),
        stream(lines)
          .keyBy((l) => l)
          .window(tumbling(seconds(1)))
          .count()
          .to(out),
      ),
    ]);
    expect(planOf(topology, "a").sources.map((source) => source.partitions)).toEqual([64, 4]);
    expect(planOf(topology, "a--by-key").shuffle).toMatchObject({ partitions: 4, followClockBoundMs: 5_000 });
    expect(planOf(topology, "a--by-key").shuffle!.upstream).toHaveLength(4);
  });
});

describe("whether the watermark follows the clock", () => {
  const boundOf = (...strategies: Parameters<typeof declare>[0][]) => {
    const [first, ...others] = strategies.map((strategy, i) => stream(declare(strategy, i)));
    const sink = first!
      .union(...others)
      .keyBy((l) => l)
      .count()
      .to(out);
    return buildTopology("shop", [define("a", sink)]).functions[1]!.shuffle!.followClockBoundMs;
  };
  const declare = (strategy: ReturnType<typeof monotonic> | undefined, i: number) =>
    topic(`t${i}`, { value: text(), ...(strategy === undefined ? {} : { watermark: strategy }) });
  const idle = { idleAfter: seconds(30) };

  test("at the greatest bound, where every source allows it", () => {
    expect(boundOf(boundedOutOfOrderness(seconds(2), idle), boundedOutOfOrderness(seconds(9), idle))).toBe(9_000);
    expect(boundOf(monotonic(idle))).toBe(0);
  });

  test("not where one is never idle, has none, or waits", () => {
    const follows = boundedOutOfOrderness(seconds(2), idle);
    expect(boundOf(follows, boundedOutOfOrderness(seconds(2)))).toBeUndefined();
    expect(boundOf(follows, boundedOutOfOrderness(seconds(2), { ...idle, whenIdle: "wait" }))).toBeUndefined();
    expect(boundOf(follows, noWatermark())).toBeUndefined();
    expect(boundOf(follows, undefined)).toBeUndefined();
  });
});

describe("who commits", () => {
  const commits = (topology: Topology, name: string) => planOf(topology, name).commits;
  const first = define(
    "clean",
    stream(lines)
      .map((l) => l.trim())
      .to(late),
  );

  test("not a function from a foreign topic through stateless steps", () => {
    expect(commits(buildTopology("shop", [first]), "clean")).toBe(false);
  });

  test("who reads what another operator writes, late elements included", () => {
    const second = define("next", stream(late).to(out));
    const topology = buildTopology("shop", [first, second]);
    expect([commits(topology, "clean"), commits(topology, "next")]).toEqual([false, true]);
    expect(planOf(topology, "next").sources[0]!.writtenByMillrace).toBe(true);
    expect(commits(buildTopology("shop", [countWords, second]), "next")).toBe(true);
  });

  test("who writes an exactlyOnce topic", () => {
    const exact = topic("exact", { value: text(), exactlyOnce: true });
    expect(commits(buildTopology("shop", [define("a", stream(lines).to(exact))]), "a")).toBe(true);
  });
});

test("one topic read twice by an operator is one source with two nodes", () => {
  const topology = buildTopology("shop", [
    define(
      "a",
      stream(users).to(out),
      records(users)
        .map((r) => r.key)
        .to(out),
    ),
  ]);
  expect(topology.functions[0]!.sources).toMatchObject([
    { topic: users, nodes: [{ reads: "values" }, { reads: "records" }] },
  ]);
});

test("an operator given twice is there once", () => {
  expect(buildTopology("shop", [countWords, countWords]).operators).toEqual([countWords]);
});

test("a stream of ten thousand steps is no problem", () => {
  let long = stream(lines);
  for (let i = 0; i < 10_000; i++) long = long.map((l) => l);
  expect(buildTopology("shop", [define("a", long.to(out))]).functions[0]!.nodes).toHaveLength(10_001);
});
