/** The builder: which nodes the methods make, what sinks write, and what is refused where it is written. */

import { describe, expect, test } from "vitest";
import { callerOf, firstLocation } from "../../lib/stream/caller.ts";
import { defineOperator } from "../../lib/stream/define-operator.ts";
import { milliseconds, minutes, seconds } from "../../lib/stream/duration.ts";
import { MillraceError } from "../../lib/stream/error.ts";
import { json, text } from "../../lib/stream/format.ts";
import type { KeyByNode, Node, SourceNode } from "../../lib/stream/node.ts";
import { records, stream } from "../../lib/stream/stream.ts";
import { topic } from "../../lib/stream/topic.ts";
import { tumbling } from "../../lib/stream/tumbling.ts";
import { boundedOutOfOrderness, monotonic } from "../../lib/stream/watermark-strategy.ts";
import { nodeOf, recordOf } from "./streams.ts";

type Order = { readonly id: string; readonly at: number; readonly amount: number };

const lines = topic("lines", { value: text() });
const orders = topic("orders", {
  key: text(),
  value: json<Order>(),
  timestampOf: (order) => order.at,
  watermark: monotonic(),
});
const out = topic("out", { value: json<unknown>() });
const keyed = topic("keyed", { key: text(), value: json<Order>() });

const refused = (sentence: string) => new MillraceError("definition", sentence);

/** The nodes above a sink, the nearest first; only the first input of each. */
function pathOf(node: Node): readonly Node[] {
  if (node.kind === "source") return [node];
  const input = "inputs" in node ? node.inputs[0]! : node.input;
  return [node, ...pathOf(input)];
}

describe("nodes", () => {
  test("every method adds one, with its name", () => {
    const sink = stream(lines)
      .map((line) => line.length, { name: "length" })
      .filter((n) => n > 3)
      .flatMap((n) => [n, n])
      .peek(() => {})
      .keyBy((n) => n, { name: "by-n", parallelism: 2, maxParallelism: 16, function: { memoryMb: 512 } })
      .window(tumbling(seconds(5)), { name: "five" })
      .count()
      .max((result) => result.value)
      .to(out, { name: "end" });
    expect(sink).toMatchObject({ kind: "sink", target: { topic: { topicName: "out" } }, name: "end" });
    expect(pathOf(nodeOf(sink).input)).toMatchObject([
      { kind: "rolling", method: "max", name: undefined },
      { kind: "window", name: "five", allowedLateness: 0, lateTo: undefined },
      { kind: "keyBy", name: "by-n", parallelism: 2, maxParallelism: 16, function: { memoryMb: 512 } },
      { kind: "peek" },
      { kind: "flatMap" },
      { kind: "filter" },
      { kind: "map", name: "length" },
      { kind: "source", reads: "values", startAt: "earliest" },
    ]);
  });

  test("a stream that is used twice is one node", () => {
    const words = stream(lines).flatMap((line) => line.split(" "));
    const [a, b] = [words.to(out), words.map((word) => word.length).to(out)];
    expect(pathOf(nodeOf(a).input)[0]).toBe(pathOf(nodeOf(b).input)[1]);
  });

  test("branches of a split share it and know their place; rest is −1", () => {
    const { long, short, rest } = stream(lines).split({ long: (s) => s.length > 9, short: (s) => s.length < 3 });
    const nodes = [long, short, rest].map((branch) => nodeOf(branch.to(out)).input);
    expect(nodes).toMatchObject([
      { kind: "branch", index: 0 },
      { kind: "branch", index: 1 },
      { kind: "branch", index: -1 },
    ]);
    expect(new Set(nodes.map((node) => (node.kind === "branch" ? node.input : undefined))).size).toBe(1);
  });

  test("a union has its inputs in order", () => {
    const union = nodeOf(
      stream(lines)
        .union(records(orders).map((r) => r.key))
        .to(out),
    ).input;
    expect(union).toMatchObject({ kind: "union", inputs: [{ kind: "source" }, { kind: "map" }] });
  });

  test("keyedByTopicKey is a keyBy without a function; maxParallelism is 128 unless set", () => {
    const byTopicKey = pathOf(nodeOf(stream(orders).keyedByTopicKey().count().to(out)).input)[1];
    expect(byTopicKey).toMatchObject({ kind: "keyBy", fn: undefined, maxParallelism: 128 });
    expect(
      (
        nodeOf(
          stream(lines)
            .keyBy((l) => l)
            .to(out),
        ).input as KeyByNode
      ).maxParallelism,
    ).toBe(128);
  });

  test("a windows's settings end up in its node", () => {
    const windowed = stream(orders)
      .keyBy((o) => o.id)
      .window(tumbling(minutes(1), { offset: seconds(-5) }))
      .allowedLateness(minutes(2))
      .lateTo(keyed);
    const first = nodeOf(windowed.sum((o) => o.amount).to(out)).input;
    expect(first).toMatchObject({
      assigner: { kind: "tumbling", size: 60_000, offset: -5_000, time: "event" },
      allowedLateness: 120_000,
      lateTo: keyed,
      aggregator: { kind: "sum" },
    });
    expect(nodeOf(windowed.reduce((a) => a).to(out)).input).toMatchObject({ aggregator: { kind: "reduce" } });
  });
});

describe("sources", () => {
  const sourceOf = (sink: ReturnType<typeof nodeOf>) => sink.input as SourceNode;

  test("take time and watermark from the topic unless they have their own", () => {
    expect(sourceOf(nodeOf(stream(orders).to(out)))).toMatchObject({
      timestampOf: orders.timestampOf,
      watermark: monotonic(),
    });
    const own = { timestampOf: () => 5, watermark: boundedOutOfOrderness(seconds(1)), startAt: "latest" as const };
    expect(sourceOf(nodeOf(stream(orders, own).to(out)))).toMatchObject(own);
  });

  test("ask the topic's timestampOf for the value where records are read; the record decides where there is none", () => {
    const { timestampOf } = sourceOf(nodeOf(records(orders).to(out)));
    expect(timestampOf!({ value: { at: 7 }, timestampMs: 1 })).toBe(7);
    expect(timestampOf!({ value: null, timestampMs: 1 })).toBe(1);
    expect(sourceOf(nodeOf(records(orders).to(out))).timestampOf).toBe(timestampOf);
    expect(sourceOf(nodeOf(records(lines).to(out))).timestampOf).toBeUndefined();
  });

  test("are topics", () => {
    expect(() => stream("lines" as never)).toThrow(
      refused("stream() and records() take a topic, as topic() returns it."),
    );
  });
});

describe("what a sink writes", () => {
  const order: Order = { id: "a", at: 3, amount: 5 };
  const element = stream(orders);

  test("element and current key, to a topic with a key", () => {
    expect(recordOf(element.to(keyed), order, "k", 9)).toEqual({
      key: "k",
      value: order,
      timestampMs: 9,
      headers: undefined,
    });
  });

  test("no key, to a topic without", () => {
    expect(recordOf(element.to(out), order, "k", 9).key).toBeNull();
    expect(recordOf(element.to(out.record({ value: (o) => o, key: (o) => o.id })), order, "k", 9).key).toBeNull();
  });

  test("with from: the value, and key and timestamp as they are", () => {
    const sink = element.to(keyed.from((o) => ({ ...o, amount: 0 })));
    expect(recordOf(sink, order, "k", 9)).toEqual({
      key: "k",
      value: { id: "a", at: 3, amount: 0 },
      timestampMs: 9,
      headers: undefined,
    });
  });

  test("with record: whatever is given, else as it is", () => {
    const all = keyed.record({
      value: (o: Order) => o,
      key: (o) => o.id,
      headers: (o) => ({ at: String(o.at) }),
      timestampMs: (o) => o.at,
    });
    expect(recordOf(element.to(all), order, "k", 9)).toEqual({
      key: "a",
      value: order,
      timestampMs: 3,
      headers: { at: "3" },
    });
    const value = keyed.record({ value: (o: Order) => o });
    expect(recordOf(element.to(value), order, "k", 9)).toMatchObject({ key: "k", timestampMs: 9 });
  });

  test.each([Number.NaN, -1, 1.5, Number.POSITIVE_INFINITY, undefined])("no timestamp of %s", (timestampMs) => {
    const sink = element.to(keyed.record({ value: (o) => o, timestampMs: () => timestampMs as number }));
    expect(() => recordOf(sink, order, "k", 9)).toThrow(
      new MillraceError(
        "author",
        `Topic "keyed": a record's timestamp is a whole number of epoch milliseconds, not ${timestampMs}.`,
      ),
    );
  });
});

describe("a topic", () => {
  const value = text();
  test.each<[string, () => unknown, string]>([
    ["", () => topic("", { value }), "a name is made of letters, digits, '.', '_' and '-', and is not '.' or '..'."],
    [
      "..",
      () => topic("..", { value }),
      "a name is made of letters, digits, '.', '_' and '-', and is not '.' or '..'.",
    ],
    [
      "a b",
      () => topic("a b", { value }),
      "a name is made of letters, digits, '.', '_' and '-', and is not '.' or '..'.",
    ],
    ["a--b", () => topic("a--b", { value }), "'--' is kept for the names of shuffles; use a single '-'."],
    ["t", () => topic("t", {} as never), "it needs a value format: text(), bytes() or json()."],
    ["t", () => topic("t", { value, partitions: 0 }), "partitions is a whole number from 1 to 10000, not 0."],
    ["t", () => topic("t", { value, partitions: 1.5 }), "partitions is a whole number from 1 to 10000, not 1.5."],
    ["t", () => topic("t", { value, retention: seconds(0) }), "retention must be above zero, not 0 ms."],
    [
      "t",
      () => topic("t", { value, compacted: true }),
      "a compacted topic keeps the newest value of each key, so it needs a key format.",
    ],
  ])("%j is refused: case %#", (name, make, sentence) => {
    expect(make).toThrow(refused(`Topic "${name}": ${sentence}`));
  });

  test("has at most 249 characters in its name", () => {
    expect(topic("x".repeat(249), { value }).topicName).toHaveLength(249);
    expect(() => topic("x".repeat(250), { value })).toThrow("a name has at most 249 characters, not 250.");
  });

  test("that is external may be called what others call it", () => {
    expect(topic("crm--orders", { external: true, value }).external).toBe(true);
  });
});

describe("what is refused where it is written", () => {
  const byLine = stream(lines).keyBy((line) => line);
  test.each<[string, () => unknown, string]>([
    [
      "an async function",
      () => stream(lines).map((async () => 1) as never),
      "The function given to map() must not be async: use mapAsync.",
    ],
    [
      "an async generator",
      () => stream(lines).flatMap(async function* () {} as never),
      "The function given to flatMap() must not be async: use mapAsync.",
    ],
    ["no function", () => stream(lines).filter(undefined as never), "filter() takes a function, not undefined."],
    ["a key as a string", () => stream(lines).keyBy("user" as never), "keyBy() takes a function, not string."],
    [
      "a branch called rest",
      () => stream(lines).split({ rest: () => true } as never),
      `split() keeps the name "rest" for what matches no predicate.`,
    ],
    ["union with a topic", () => stream(lines).union(lines as never), "union() takes streams."],
    [
      "to a name",
      () => stream(lines).to("out" as never),
      "to() takes a topic, topic.from(…), topic.record(…), route(…), a dynamoTable(…) or a sink(…).",
    ],
    [
      "a window of seconds",
      () => byLine.window(seconds(5) as never),
      "window() takes an assigner, such as tumbling(seconds(5)).",
    ],
    [
      "maxParallelism that is no power of two",
      () => stream(lines).keyBy((l) => l, { maxParallelism: 100 }),
      "The maxParallelism of a keyBy is a power of two from 1 to 32768, not 100.",
    ],
    [
      "parallelism above maxParallelism",
      () => stream(lines).keyBy((l) => l, { parallelism: 9, maxParallelism: 8 }),
      "The parallelism of a keyBy is a whole number from 1 to its maxParallelism (8), not 9.",
    ],
    [
      "negative lateness",
      () => byLine.window(tumbling(seconds(5))).allowedLateness(seconds(-1)),
      "allowedLateness must not be negative (-1000 ms).",
    ],
    [
      "lateness in processing time",
      () => byLine.window(tumbling(seconds(5), { time: "processing" })).allowedLateness(seconds(1)),
      "allowedLateness is for windows in event time; in processing time nothing is late.",
    ],
    [
      "late elements in processing time",
      () => byLine.window(tumbling(seconds(5), { time: "processing" })).lateTo(out),
      "lateTo is for windows in event time; in processing time nothing is late.",
    ],
    [
      "late elements to nowhere",
      () => byLine.window(tumbling(seconds(5))).lateTo(undefined as never),
      "lateTo() takes a topic.",
    ],
    [
      "windows of no size",
      () => tumbling(seconds(0)),
      "The size of tumbling windows is a whole number of milliseconds above zero, not 0.",
    ],
    [
      "windows of half a millisecond",
      () => tumbling(milliseconds(0.5)),
      "The size of tumbling windows is a whole number of milliseconds above zero, not 0.5.",
    ],
    [
      "an offset as large as the window",
      () => tumbling(seconds(5), { offset: seconds(-5) }),
      "The offset of tumbling windows is a whole number of milliseconds below their size (5000 ms), not -5000.",
    ],
    [
      "another time",
      () => tumbling(seconds(5), { time: "ingestion" as never }),
      `The time of tumbling windows is "event" or "processing", not "ingestion".`,
    ],
  ])("%s", (_, make, sentence) => {
    expect(make).toThrow(refused(sentence));
  });
});

describe("defineOperator", () => {
  const at = { file: "functions/a.ts", line: 3 };
  const sink = stream(lines).to(out);

  test("fills in what is not said", () => {
    expect(defineOperator("a", [sink], at)).toEqual({
      operatorName: "a",
      ...at,
      onError: "dead-letter",
      deadLetterTopic: "a--dead-letters",
      function: {},
      sinks: [sink],
    });
    expect(defineOperator({ name: "a", onError: "fail", function: { memoryMb: 256 } }, [], at)).toMatchObject({
      operatorName: "a",
      onError: "fail",
      function: { memoryMb: 256 },
    });
  });

  test("refuses what is no sink, no name and no option, with its place", () => {
    expect(() => defineOperator("a", [stream(lines) as never], at)).toThrow(
      refused(`Operator "a" (functions/a.ts:3): it takes sinks; a stream becomes one with .to(topic).`),
    );
    expect(() => defineOperator(undefined as never, [], at)).toThrow(
      "Operator undefined (functions/a.ts:3): its name is a string.",
    );
    expect(() => defineOperator({ name: "a", onError: "retry" as never }, [], at)).toThrow(
      `Operator "a" (functions/a.ts:3): onError is "dead-letter" or "fail", not "retry".`,
    );
  });
});

describe("the caller's place", () => {
  function operatorLike() {
    return callerOf(operatorLike);
  }

  test("is the file and line of the call", () => {
    const { file, line } = operatorLike();
    expect(file).toMatch(/\/test\/stream\/builder\.test\.ts$/);
    expect(line).toBeGreaterThan(0);
    expect(operatorLike().line - line).toBe(3);
  });

  test("is found where stacks are turned off", () => {
    const limit = Error.stackTraceLimit;
    try {
      Error.stackTraceLimit = 0;
      expect(operatorLike().line).toBeGreaterThan(0);
      expect(Error.stackTraceLimit).toBe(0);
    } finally {
      Error.stackTraceLimit = limit;
    }
  });

  test.each([
    ["    at file:///app/functions/count%20words.ts:7:24", "/app/functions/count words.ts", 7],
    ["    at file:///app/functions/a.ts?t=17:7:24", "/app/functions/a.ts", 7],
    ["    at Object.<anonymous> (/app/functions/a.js:12:3)", "/app/functions/a.js", 12],
    ["    at async Promise.all (index 0)\n    at async /app/a.ts:1:2", "/app/a.ts", 1],
    ["    at node:internal/modules/esm/module_job:271:25\n    at /app/a.ts:1:2", "/app/a.ts", 1],
    ["    at new Thing (file:///C:/app/a.ts:1:2)", "C:/app/a.ts", 1],
    ["    at C:\\app\\a.ts:1:2", "C:\\app\\a.ts", 1],
    ["    at make (/app/(group)/a.ts:4:2)", "/app/(group)/a.ts", 4],
    ["    at /my app (2)/a.ts:4:2", "/my app (2)/a.ts", 4],
    ["    at eval (eval at b (/app/a.ts:4:2), <anonymous>:1:1)\n    at b (/app/a.ts:4:2)", "/app/a.ts", 4],
    ["Error: at /nowhere:1:2", "", 0],
    ["    at <anonymous>", "", 0],
    ["", "", 0],
  ])("is read from %j", (stack, file, line) => {
    expect(firstLocation(stack)).toEqual({ file, line });
  });
});
