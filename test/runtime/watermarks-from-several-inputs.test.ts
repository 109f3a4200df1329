/** The rules of watermarks from several inputs, one by one, through every step that waits for them: partitions, topics, and the sides of a shuffle. */

import {
  at,
  boundedOutOfOrderness,
  json,
  type KeyedStream,
  milliseconds,
  operator,
  type Sink,
  seconds,
  stream,
  table,
  testDriver,
  text,
  topic,
  tumbling,
} from "millrace";
import { describe, expect, test } from "vitest";

type Element = { readonly id: string; readonly n: number };
type Keyed = KeyedStream<Element, string>;

const START_MS = 1_000_000;
const IDLE_MS = 2_000;
const patient = boundedOutOfOrderness(milliseconds(0));
const quiet = boundedOutOfOrderness(milliseconds(0), { idleAfter: milliseconds(IDLE_MS), whenIdle: "wait" });
const out = topic("out", { value: json<string>(), partitions: 1 });

/** What every step here does with an element at 5: something that waits for the watermark 9. */
const STEPS: Readonly<Record<string, (left: Keyed, right: Keyed, watermark: typeof quiet) => Sink>> = {
  "a window": (left, right) =>
    left
      .union(right)
      .keyBy(() => "a", { name: "again" })
      .window(tumbling(milliseconds(10)))
      .count()
      .to(out.from(() => "fired")),
  "a timer of two streams": (left, right) =>
    left
      .connect(right)
      .process({
        onLeft: (_, { timers, timestampMs }) => timers.eventTime(timestampMs === 5 ? 9 : timestampMs + 1_000),
        onRight() {},
        onTimer: () => ["fired"],
      })
      .to(out.from((line) => line)),
  "a timer beside a broadcast stream": (left, right) =>
    left
      .connect(right.broadcast())
      .process({
        onElement: (_, { timers, timestampMs }) => timers.eventTime(timestampMs === 5 ? 9 : timestampMs + 1_000),
        onBroadcast() {},
        onTimer: () => ["fired"],
      })
      .to(out.from((line) => line)),
  "a coGroup": (left, right) =>
    left
      .coGroup(right)
      .window(tumbling(milliseconds(10)))
      .flatMap(() => ["fired"])
      .to(out.from((line) => line)),
  "a join with a table": (left, _, watermark) =>
    left
      .map(({ n }) => n)
      .leftJoin(
        table(topic("rights", { key: text(), value: json<Element>(), watermark, compacted: true, partitions: 1 })),
      )
      .map((n) => `${n}`)
      .filter((n) => n === "9")
      .to(out.from(() => "fired")),
  "a second shuffle": (left, right) =>
    left
      .union(right)
      .keyBy(() => "a", { name: "again" })
      .window(tumbling(milliseconds(5)))
      .count()
      .keyBy(() => "b", { name: "once-more" })
      .window(tumbling(milliseconds(10)))
      .count()
      .to(out.from(() => "fired")),
};

/** The two partitions of one topic, and the only one of another. */
const INPUTS = [
  ["lefts", 0],
  ["lefts", 1],
  ["rights", 0],
] as const;

async function start(step: string, watermark: typeof quiet) {
  const lefts = topic("lefts", { value: json<Element>(), watermark, partitions: 2 });
  // As the table of the one step declares it, for all.
  const rights = topic("rights", { key: text(), value: json<Element>(), watermark, compacted: true, partitions: 1 });
  const keyed = (source: typeof lefts) => stream(source).keyBy(({ id }) => id);
  const right = stream(rights)
    .filter((element) => element !== null)
    .keyBy(({ id }) => id);
  const handler = operator("rules", (STEPS[step] as (typeof STEPS)[string])(keyed(lefts), right, watermark));
  const driver = await testDriver(handler, { partitions: "declared", startMs: START_MS });
  const send = ([name, partition]: (typeof INPUTS)[number], ms: number, n = ms) =>
    name === "lefts"
      ? driver.send(lefts, at(ms, { id: "a", n }, { partition }))
      : driver.send(rights, at(ms, { id: "a", n }, { key: "a", partition }));
  return {
    driver,
    send,
    /** What waits for the watermark 9. The element's number tells a table join that it is meant. */
    begin: () => send(INPUTS[0], step === "a join with a table" ? 9 : 5, step === "a join with a table" ? 9 : 5),
    hasFired: async () => (await driver.read(out)).includes("fired"),
  };
}

describe.each(Object.keys(STEPS))("%s", (step) => {
  test("waits for the minimum over the inputs, in whatever order they get there", async () => {
    for (const last of INPUTS) {
      const { driver, send, begin, hasFired } = await start(step, patient);
      await using _ = driver;
      await begin();
      for (const input of INPUTS) if (input !== last) await send(input, 50);
      expect(await hasFired()).toBe(false);
      await send(last, 9);
      expect(await hasFired()).toBe(false);
      await send(last, 10);
      expect(await hasFired()).toBe(true);
    }
  });

  test("does not wait for an input that is idle, once it is idle for longer than the bound", async () => {
    const { driver, send, begin, hasFired } = await start(step, quiet);
    await using _ = driver;
    await begin();
    await driver.advanceClock(IDLE_MS - 1);
    for (const input of INPUTS.slice(0, 2)) await send(input, 50);
    expect(await hasFired()).toBe(false);
    // The others were active just now.
    await driver.advanceClock(2);
    expect(await hasFired()).toBe(true);
  });

  test("does not wait for an input that comes back from idleness, before it has reached the last watermark; and waits for it from then on", async () => {
    const { driver, send, begin, hasFired } = await start(step, quiet);
    await using _ = driver;
    for (const input of INPUTS.slice(0, 2)) await send(input, 3);
    await driver.advanceClock(IDLE_MS + 1);
    for (const input of INPUTS.slice(0, 2)) await send(input, 4);
    // The third is behind 3, so that the others go on; then it has caught up, and holds them back.
    await send(INPUTS[2], 1);
    await send(INPUTS[2], 6);
    await begin();
    for (const input of INPUTS.slice(0, 2)) await send(input, 50);
    expect(await hasFired()).toBe(false);
    await send(INPUTS[2], 10);
    expect(await hasFired()).toBe(true);
  });

  test("goes to the maximum when all inputs go idle", async () => {
    const { driver, send, begin, hasFired } = await start(step, quiet);
    await using _ = driver;
    await begin();
    await send(INPUTS[1], 10);
    expect(await hasFired()).toBe(false);
    await driver.advanceClock(2 * IDLE_MS);
    expect(await hasFired()).toBe(true);
  });
});

describe("any element ends idleness", () => {
  /** Partition 1 is idle, and partition 0 alone decides, until `wake` is sent to partition 1. */
  const afterWaking = async (wake: { readonly ms: number; readonly n: number }) => {
    const lefts = topic("lefts", { value: json<Element>(), watermark: quiet, partitions: 2 });
    const handler = operator(
      "rules",
      stream(lefts)
        .filter(({ n }) => n !== 7)
        .keyBy(({ id, n }) => (n === 8 ? null : id))
        .window(tumbling(milliseconds(10)))
        .count()
        .to(out.from(({ window }) => `${window.startMs}`)),
    );
    await using driver = await testDriver(handler, { partitions: "declared", startMs: START_MS });
    const send = (ms: number, partition: number, n = 0) => driver.send(lefts, at(ms, { id: "a", n }, { partition }));
    await send(1, 0);
    await send(1, 1);
    await driver.advanceClock(IDLE_MS + 1);
    // Both are idle now, and the second stays so.
    await send(2, 0);
    await send(wake.ms, 1, wake.n);
    await send(50, 0);
    return (await driver.read(out)).length > 0 ? "the others went on" : "it is waited for";
  };

  test.each([
    ["one that counts", { ms: 3, n: 1 }, "it is waited for"],
    ["one that is filtered out", { ms: 3, n: 7 }, "it is waited for"],
    ["one without a key", { ms: 3, n: 8 }, "it is waited for"],
    [
      "one that is late, but its partition is behind the last watermark, and so not aligned",
      { ms: -5, n: 1 },
      "the others went on",
    ],
  ])("%s", async (_, wake, expected) => {
    expect(await afterWaking(wake)).toBe(expected);
  });
});

test("idleness is measured from the first look without activity, strictly longer than the bound", async () => {
  const lefts = topic("lefts", { value: json<Element>(), watermark: quiet, partitions: 2 });
  const handler = operator(
    "rules",
    stream(lefts)
      .keyBy(({ id }) => id)
      .window(tumbling(milliseconds(10)))
      .count()
      .to(out.from(({ window }) => `${window.startMs}`)),
  );
  await using driver = await testDriver(handler, { partitions: "declared", startMs: START_MS });
  // The second partition has never had a record: it is looked at from the beginning.
  await driver.advanceClock(500);
  await driver.send(lefts, at(1, { id: "a", n: 1 }, { partition: 0 }), at(10, { id: "a", n: 1 }, { partition: 0 }));
  await driver.advanceClock(IDLE_MS - 500);
  expect(await driver.read(out)).toEqual([]);
  await driver.advanceClock(1);
  expect(await driver.read(out)).toEqual(["0"]);
});

test("the watermark is a part of the state: after a restart it is where it was, and not at −∞", async () => {
  const lefts = topic("lefts", { value: json<Element>(), watermark: patient, partitions: 2 });
  const handler = operator(
    "rules",
    stream(lefts)
      .keyBy(({ id }) => id)
      .window(tumbling(milliseconds(10)))
      .count()
      .to(out.from(({ window, value }) => `${window.startMs}: ${value}`)),
  );
  await using driver = await testDriver(handler, { partitions: "declared" });
  const both = (ms: number) =>
    driver.send(lefts, ...[0, 1].map((partition) => at(ms, { id: "a", n: 1 }, { partition })));
  await both(20);
  await driver.restart();
  await both(5);
  expect(driver.late).toBe(2);
  await driver.send(lefts, at(seconds(1), { id: "a", n: 1 }, { partition: 0 }));
  expect(driver.reports.filter(({ functionName }) => functionName === "rules--by-key").at(-1)?.watermarkMs).toBe(19);
});
