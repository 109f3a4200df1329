/** Interval joins from topic to topic, rule by rule; the rules and the small intervals are those of Flink. */

import {
  at,
  boundedOutOfOrderness,
  type Duration,
  json,
  milliseconds,
  noWatermark,
  operator,
  seconds,
  stream,
  testDriver,
  text,
  topic,
} from "millrace";
import { describe, expect, test } from "vitest";

type Element = { readonly id: string; readonly n: number };

// The driver says where the watermark is.
const watermark = boundedOutOfOrderness(seconds(1_000_000));
const lefts = topic("lefts", { value: json<Element>(), watermark, partitions: 2 });
const rights = topic("rights", { value: json<Element>(), watermark, partitions: 3 });
const lateLefts = topic("late-lefts", { key: text(), value: json<Element>() });
const lateRights = topic("late-rights", { key: text(), value: json<Element>() });
const out = topic("out", { value: json<string>() });

const leftById = stream(lefts).keyBy((left) => left.id);
const rightById = stream(rights).keyBy((right) => right.id);

function join(lowerMs: number, upperMs: number, options?: { lowerInclusive?: boolean; upperInclusive?: boolean }) {
  return operator(
    "join",
    leftById
      .intervalJoin(rightById)
      .between(milliseconds(lowerMs), milliseconds(upperMs), options)
      .lateTo({ left: lateLefts, right: lateRights })
      .map((left, right, { key, timestampMs }) => `${key} ${left.n} ${right.n} ${timestampMs}`)
      .to(out),
  );
}

const element = (ms: number, id = "a") => at(ms, { id, n: ms });
const sortedPairs = (lines: readonly string[]) => lines.map((line) => line.split(" ").slice(1, 3).join("-")).sort();

describe("a pair is as far apart as the interval says", () => {
  test.each<[number, boolean, number, boolean, string]>([
    [1, true, 3, false, "1-2 1-3 2-3 2-4 3-4"],
    [-3, false, -1, true, "2-1 3-1 3-2 4-2 4-3"],
    [-2, true, -1, true, "2-1 3-1 3-2 4-2 4-3"],
    [-1, true, 1, true, "1-1 1-2 2-1 2-2 2-3 3-2 3-3 3-4 4-3 4-4"],
    [1, true, 2, true, "1-2 1-3 2-3 2-4 3-4"],
    [-3, false, -1, false, "3-1 4-2"],
    [-1, false, 1, false, "1-1 2-2 3-3 4-4"],
    [1, false, 3, false, "1-3 2-4"],
    [0, true, 0, true, "1-1 2-2 3-3 4-4"],
  ])("from %i (inclusive: %s) to %i (inclusive: %s)", async (lower, lowerInclusive, upper, upperInclusive, pairs) => {
    for (const leftFirst of [true, false]) {
      await using driver = await testDriver(join(lower, upper, { lowerInclusive, upperInclusive }));
      for (const ms of [1, 2, 3, 4]) {
        await driver.send(leftFirst ? lefts : rights, element(ms));
        await driver.send(leftFirst ? rights : lefts, element(ms));
        await driver.advanceWatermark(ms - 1);
      }
      expect(sortedPairs(await driver.read(out)).join(" ")).toBe(pairs);
      expect(driver.late).toBe(0);
    }
  });

  test.each<[string, () => unknown, string]>([
    [
      "without anything between its bounds",
      () => join(1, 2, { lowerInclusive: false, upperInclusive: false }),
      "Nothing lies between the bounds of an interval join, 1 ms and 2 ms.",
    ],
    ["the wrong way round", () => join(1, 0), "Nothing lies between the bounds of an interval join, 1 ms and 0 ms."],
    [
      "of no number",
      () => leftById.intervalJoin(rightById).between("5s" as unknown as Duration, seconds(1)),
      "The bounds of an interval join are whole milliseconds, such as minutes(-5), not 5s.",
    ],
    [
      "with what has no key",
      () => leftById.intervalJoin(stream(rights) as unknown as typeof rightById),
      "intervalJoin() takes a keyed stream; put a keyBy before it.",
    ],
  ])("an interval %s is refused", (_, make, sentence) => {
    expect(make).toThrow(sentence);
  });
});

test("only elements of one key meet, each with each", async () => {
  await using driver = await testDriver(join(-10, 10), { partitions: "declared" });
  const of = (n: number, id: string) => at(n, { id, n });
  await driver.send(lefts, of(1, "a"), of(2, "b"), of(3, "a"));
  await driver.send(rights, of(4, "a"), of(5, "c"), of(6, "b"), of(7, "a"));
  expect((await driver.read(out)).sort()).toEqual(["a 1 4 4", "a 1 7 7", "a 3 4 4", "a 3 7 7", "b 2 6 6"]);
});

test("the result has the later timestamp of the two, and its key", async () => {
  await using driver = await testDriver(join(-10, 10));
  await driver.send(lefts, element(20));
  await driver.send(rights, element(15), element(25));
  expect(await driver.read(out)).toEqual(["a 20 15 20", "a 20 25 25"]);
  expect((await driver.readRecords(out)).map(({ timestampMs }) => timestampMs)).toEqual([20, 25]);
});

describe("an element is late iff its timestamp is below the watermark, strictly", () => {
  test("at the watermark it joins; below it goes to its side's topic with its key, and joins nothing", async () => {
    await using driver = await testDriver(join(-100, 100));
    await driver.send(lefts, element(50));
    await driver.send(rights, element(51));
    await driver.advanceWatermark(60);
    await driver.send(lefts, element(60), element(59));
    await driver.send(rights, element(59, "b"), element(60));
    expect(sortedPairs(await driver.read(out))).toEqual(["50-51", "50-60", "60-51", "60-60"]);
    expect((await driver.readRecords(lateLefts)).map(({ key, value }) => [key, value.n])).toEqual([["a", 59]]);
    expect((await driver.readRecords(lateRights)).map(({ key, value }) => [key, value.n])).toEqual([["b", 59]]);
    expect(driver.late).toBe(2);
  });

  test("what comes later still meets what was in time: the late one was not kept", async () => {
    await using driver = await testDriver(join(-100, 100));
    await driver.advanceWatermark(60);
    await driver.send(lefts, element(59));
    await driver.send(rights, element(61));
    expect(await driver.read(out)).toEqual([]);
  });
});

describe("a left element is kept until the watermark reaches ts + max(upper, 0), a right one until ts + max(-lower, 0)", () => {
  test.each<[string, number, number, number, boolean]>([
    ["left", -5, 10, 109, true],
    ["left", -5, 10, 110, false],
    ["right", -10, 5, 109, true],
    ["right", -10, 5, 110, false],
  ])(
    "a %s one of 100 in %i to %i meets one at the watermark %i: %s",
    async (side, lower, upper, watermarkMs, meets) => {
      await using driver = await testDriver(join(lower, upper));
      const [first, second] = side === "left" ? [lefts, rights] : [rights, lefts];
      await driver.send(first, element(100));
      await driver.advanceWatermark(watermarkMs);
      await driver.send(second, element(110));
      expect(await driver.read(out)).toHaveLength(meets ? 1 : 0);
      expect(driver.late).toBe(0);
    },
  );

  test("and then nothing is left of it", async () => {
    const joined = join(-seconds(60), seconds(10));
    await using driver = await testDriver(joined);
    for (let n = 0; n < 200; n++) {
      await driver.send(lefts, element(n * 1_000));
      await driver.send(rights, element(n * 1_000));
      await driver.advanceWatermark(n * 1_000);
    }
    const cells = await driver.state(joined);
    const kept = (step: string) =>
      cells.filter((cell) => cell.table.endsWith(step)).reduce((sum, { value }) => sum + (value as []).length / 2, 0);
    // Ten seconds, sixty seconds, and at most a stretch more.
    expect(kept("/left")).toBeLessThanOrEqual(10 + 18);
    expect(kept("/right")).toBeGreaterThanOrEqual(60);
    expect(kept("/right")).toBeLessThanOrEqual(60 + 18);
    await driver.advanceWatermark(Number.POSITIVE_INFINITY);
    expect(await driver.state(joined)).toEqual([]);
  });
});

test("a busy key has several cells, and none is forgotten", async () => {
  await using driver = await testDriver(join(0, 0), { batchSize: 7 });
  await driver.send(lefts, ...Array.from({ length: 150 }, (_, n) => at(500 - (n % 5), { id: "a", n })));
  await driver.restart();
  await driver.send(rights, element(498), element(500));
  expect(await driver.read(out)).toHaveLength(60);
});

test("a stream joined with itself has each element meet itself once", async () => {
  const twice = operator(
    "twice",
    leftById
      .intervalJoin(leftById)
      .between(milliseconds(0), milliseconds(5))
      .map((left, right) => `${left.n}-${right.n}`)
      .to(out),
  );
  await using driver = await testDriver(twice);
  await driver.send(lefts, element(1), element(3), element(9));
  expect((await driver.read(out)).sort()).toEqual(["1-1", "1-3", "3-3", "9-9"]);
});

test("both sides may come from one source", async () => {
  const parity = stream(lefts).split({ even: ({ n }) => n % 2 === 0 });
  const both = operator(
    "both",
    parity.even
      .keyBy(({ id }) => id)
      .intervalJoin(parity.rest.keyBy(({ id }) => id))
      .between(milliseconds(-1), milliseconds(1))
      .map((even, odd) => `${even.n}-${odd.n}`)
      .to(out),
  );
  await using driver = await testDriver(both, { partitions: "declared" });
  await driver.send(lefts, ...[1, 2, 3, 4, 5].map((n) => element(n)));
  expect((await driver.read(out)).sort()).toEqual(["2-1", "2-3", "4-3", "4-5"]);
});

test("a join may be joined again on its key, without another shuffle, and keyed state may follow", async () => {
  const thirds = topic("thirds", { value: json<Element>(), watermark, partitions: 2 });
  const three = operator(
    "three",
    leftById
      .intervalJoin(rightById)
      .between(milliseconds(-5), milliseconds(5))
      .map((left, right) => [left.n, right.n] as const, { name: "first" })
      .intervalJoin(stream(thirds).keyBy(({ id }) => id))
      .between(milliseconds(-5), milliseconds(5))
      .map(([a, b], third) => `${a}-${b}-${third.n}`, { name: "second" })
      .reduce((a, b) => `${a} ${b}`)
      .map(({ value }) => value)
      .to(out),
  );
  await using driver = await testDriver(three, { partitions: "declared" });
  await driver.send(thirds, element(3), element(20));
  await driver.send(lefts, element(1));
  await driver.send(rights, element(2), element(9));
  expect(await driver.read(out)).toEqual(["1-2-3"]);
  await driver.send(lefts, element(6));
  expect((await driver.read(out)).sort()).toEqual(["1-2-3", "1-2-3 6-2-3"]);
  expect(new Set(driver.reports.map(({ functionName }) => functionName))).toEqual(new Set(["three", "three--by-key"]));
});

test("without event time it is refused", async () => {
  const timeless = topic("timeless", { value: json<Element>(), watermark: noWatermark() });
  const joined = operator(
    "timeless-join",
    leftById
      .intervalJoin(stream(timeless).keyBy(({ id }) => id))
      .between(milliseconds(0), milliseconds(1))
      .map(() => "")
      .to(out),
  );
  await expect(testDriver(joined)).rejects.toThrow(
    'the interval join is in event time, but the topic "timeless" has none; give the topic a watermark, such as boundedOutOfOrderness(seconds(5)).',
  );
});

test("what the function throws is the dead letter of the element that came last, and nothing is left of it", async () => {
  let broken = true;
  const fragile = operator(
    "fragile",
    leftById
      .intervalJoin(rightById)
      .between(milliseconds(-5), milliseconds(5))
      .map((left, right) => {
        if (broken && right.n === 3) throw new Error("not three");
        return `${left.n}-${right.n}`;
      })
      .to(out),
  );
  await using driver = await testDriver(fragile);
  await driver.send(lefts, element(1), element(2));
  await driver.send(rights, element(3), element(4));
  expect(sortedPairs((await driver.read(out)).map((line) => `a ${line.replace("-", " ")}`))).toEqual(["1-4", "2-4"]);
  expect((await driver.deadLetters(fragile)).map(({ reason, kind, step }) => [reason, kind, step])).toEqual([
    ["not three", "element", "intervalJoin"],
  ]);
  broken = false;
  await driver.redrive(fragile);
  expect((await driver.read(out)).sort()).toEqual(["1-3", "1-4", "2-3", "2-4"]);
});

test("an element that cannot be kept is a dead letter, where the join meets it", async () => {
  const dates = operator(
    "dates",
    leftById
      .map(({ id, n }) => (n === 2 ? ({ id, n, at: new Date(n) } as Element) : { id, n }))
      .intervalJoin(rightById)
      .between(milliseconds(-5), milliseconds(5))
      .map((left, right) => `${left.n}-${right.n}`)
      .to(out),
  );
  await using driver = await testDriver(dates);
  await driver.send(lefts, element(1), element(2));
  await driver.send(rights, element(3));
  expect(await driver.read(out)).toEqual(["1-3"]);
  expect((await driver.deadLetters(dates)).map(({ reason }) => reason)).toEqual([
    expect.stringMatching(/^the element\.at is a Date /),
  ]);
});
