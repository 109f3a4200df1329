/** From every operator the same comes out, whatever is forgotten between its batches, and however its input is cut into them. */

import {
  at,
  milliseconds as ms,
  operator,
  type Pattern,
  type PatternStart,
  type Sink,
  stream,
  testDriver,
  tumbling,
} from "millrace";
import { describe, expect, test } from "vitest";
import type { EvictorSpec } from "../../lib/stream/evictor.ts";
import { graphOf, topicsWrittenBy } from "../../lib/stream/graph.ts";
import type { Node, SinkTarget, WindowNode } from "../../lib/stream/node.ts";
import type { TriggerSpec } from "../../lib/stream/trigger.ts";
import type { WindowAssignerSpec } from "../../lib/stream/window-spec.ts";
import {
  aside,
  given,
  type Item,
  items,
  type Kind,
  keyed,
  OPERATORS,
  other,
  others,
  out,
  rows,
  versions,
} from "./operators-of-all-kinds.ts";
import { readRecordsOnce } from "./read-once.ts";
import { WINDOWS } from "./windows-of-all-kinds.ts";

const KINDS = [...OPERATORS, ...WINDOWS];

const toOperator = ([, sinks]: Kind) => operator("job", ...([sinks()].flat() as readonly Sink[]));

const item = (timestampMs: number, key: string, n: number) => at(timestampMs, { key, n }, { key });

/** Elements out of order and late, times of both kinds between them. */
const STEPS = [
  [item(1, "a", 1), item(3, "b", 2), item(2, "a", 3), item(8, "a", 4), item(7, "b", 5)],
  [item(12, "a", 6), item(11, "b", 7), item(25, "a", 8), item(4, "a", 9)],
  [item(14, "b", 10), item(26, "a", 11), item(31, "b", 12), item(13, "a", 14)],
  [item(40, "a", 15), item(41, "a", 16), item(45, "b", 18), item(5, "b", 21)],
] as const;

/** Runs an operator on them; returns all that can be seen of it from outside. */
async function run(kind: Kind, batchSize: number, restartAfterEveryBatch: boolean) {
  const handler = toOperator(kind);
  const { nodes, sources } = graphOf(handler.definition);
  const reads = (name: string) => sources.some(({ topic }) => topic.topicName === name);
  const targets = nodes.flatMap((node) => (node.kind === "sink" ? [node.target.kind] : []));
  const written = topicsWrittenBy(nodes).map(({ topicName }) => topicName);
  await using driver = await testDriver(handler, { batchSize, restartAfterEveryBatch, startMs: 1_000 });
  for (const [i, elements] of STEPS.entries()) {
    // Some of it stands in the other topics too.
    if (reads("others")) await driver.send(others, ...elements.filter((_, j) => (i + j) % 3 !== 0));
    if (reads("versions")) await driver.send(versions, ...elements.filter((_, j) => (i + j) % 3 === 0));
    await driver.send(items, ...elements);
    await driver.advanceClock(ms(7));
    await driver.advanceWatermark([5, 9, 24, 38][i] as number);
  }
  await driver.advanceWatermark(Number.POSITIVE_INFINITY);
  await driver.advanceClock(ms(100));
  const records = async (topic: typeof out | typeof aside) =>
    written.includes(topic.topicName)
      ? (await readRecordsOnce(driver, topic)).map(({ key, value, timestampMs }) => ({ key, value, timestampMs }))
      : [];
  return {
    out: await records(out),
    aside: await records(aside),
    rows: targets.includes("table") ? await driver.readTable(rows) : [],
    given: driver.written(given).map(({ key, value, timestampMs }) => ({ key, value, timestampMs })),
    late: driver.late,
    left: await driver.state(handler),
    letters: await driver.deadLetters(handler),
  };
}

describe.each(KINDS.map((kind) => ({ name: kind[0], kind })))("$name", ({ kind }) => {
  test("with a new environment after every batch", async () => {
    const straight = await run(kind, 3, false);
    expect(straight.letters).toEqual([]);
    expect([...straight.out, ...straight.rows, ...straight.given]).not.toEqual([]);
    expect(await run(kind, 3, true)).toEqual(straight);
  });

  test("with a new environment after every element, and as with all at once", async () => {
    const [, , differs] = kind;
    const straight = await run(kind, differs === "by batch" ? 1 : 100, false);
    const restarted = await run(kind, 1, true);
    expect(inAnyOrder(restarted)).toEqual(inAnyOrder(straight));
  });
});

/** Keys of one batch have no order among themselves; state is cut by batches. */
function inAnyOrder({ out, aside, given, left, ...rest }: Awaited<ReturnType<typeof run>>) {
  const sorted = (list: readonly unknown[]) => list.map((one) => JSON.stringify(one)).sort();
  return { ...rest, out: sorted(out), aside: sorted(aside), given: sorted(given), left: left.length };
}

describe("every operator is among them", () => {
  const patterns: unknown[] = [];
  const remember = <S>(p: PatternStart<Item>, pattern: Pattern<S>) => {
    patterns.push(p, pattern);
    return pattern;
  };
  const windows = keyed().window(tumbling(ms(10)));
  const builders: Record<string, object> = {
    stream: stream(items),
    windows,
    intervalJoin: keyed().intervalJoin(other()).between(ms(1), ms(2)),
    windowJoin: keyed()
      .join(other())
      .window(tumbling(ms(10))),
    matches: keyed().pattern((p) => remember(p, p.begin("a"))),
    pattern: patterns[1] as object,
  };

  test.each(Object.entries(builders))("each method of a %s is called", (_, builder) => {
    const prototype = Object.getPrototypeOf(builder) as Record<string, (...args: unknown[]) => unknown>;
    const methods = Object.entries(Object.getOwnPropertyDescriptors(prototype)).filter(
      ([name, { value }]) => name !== "constructor" && typeof value === "function",
    );
    const called = new Set<string>();
    for (const [name, { value }] of methods)
      prototype[name] = function (this: unknown, ...args) {
        called.add(name);
        return value.apply(this, args);
      };
    try {
      for (const kind of KINDS) toOperator(kind);
    } finally {
      for (const [name, descriptor] of methods) Object.defineProperty(prototype, name, descriptor);
    }
    expect(methods.map(([name]) => name).filter((name) => !called.has(name))).toEqual([]);
    expect(methods.length).toBeGreaterThan(1);
  });

  const nodes = KINDS.flatMap((kind) => graphOf(toOperator(kind).definition).nodes);
  const windowNodes = nodes.filter((node): node is WindowNode => node.kind === "window");

  test("each kind of node", () => {
    const kinds: Record<Exclude<Node["kind"], "source">, true> = {
      map: true,
      filter: true,
      flatMap: true,
      peek: true,
      mapAsync: true,
      split: true,
      branch: true,
      union: true,
      keyBy: true,
      window: true,
      rolling: true,
      process: true,
      pattern: true,
      intervalJoin: true,
      windowJoin: true,
      tableJoin: true,
      connect: true,
      broadcast: true,
    };
    expect(nodes.map(({ kind }) => kind)).toEqual(expect.arrayContaining(Object.keys(kinds)));
  });

  test("each kind of target", () => {
    const kinds: Record<SinkTarget["kind"], true> = { topic: true, route: true, table: true, outside: true };
    const found = nodes.flatMap((node) => (node.kind === "sink" ? [node.target.kind] : []));
    expect(found).toEqual(expect.arrayContaining(Object.keys(kinds)));
  });

  test("each kind of windows, in both times", () => {
    const kinds: Record<WindowAssignerSpec["kind"], true> = {
      tumbling: true,
      sliding: true,
      cumulative: true,
      session: true,
      global: true,
      custom: true,
    };
    const found = windowNodes.map(({ assigner }) => assigner);
    expect(found.map(({ kind }) => kind)).toEqual(expect.arrayContaining(Object.keys(kinds)));
    for (const kind of ["tumbling", "sliding", "cumulative", "session"])
      expect(found.filter((one) => one.kind === kind).map(({ time }) => time)).toEqual(
        expect.arrayContaining(["event", "processing"]),
      );
  });

  test("each kind of trigger and evictor", () => {
    // "never" is what a global window has without one.
    const triggers: Record<Exclude<TriggerSpec["kind"], "never">, true> = {
      "event-time": true,
      "processing-time": true,
      each: true,
      count: true,
      "continuous-event-time": true,
      "continuous-processing-time": true,
      throttled: true,
      delta: true,
      purging: true,
      custom: true,
    };
    const evictors: Record<EvictorSpec["kind"], true> = { count: true, time: true, delta: true, custom: true };
    expect(windowNodes.map(({ trigger }) => trigger?.kind)).toEqual(expect.arrayContaining(Object.keys(triggers)));
    expect(windowNodes.map(({ evictor }) => evictor?.kind)).toEqual(expect.arrayContaining(Object.keys(evictors)));
  });
});
