/** Window joins and coGroups from topic to topic, rule by rule. */

import {
  at,
  boundedOutOfOrderness,
  cumulative,
  json,
  milliseconds,
  operator,
  seconds,
  session,
  sliding,
  stream,
  testDriver,
  text,
  topic,
  tumbling,
} from "millrace";
import { describe, expect, test } from "vitest";

type Element = { readonly id: string; readonly n: number; readonly gap?: number };

// The driver says where the watermark is.
const watermark = boundedOutOfOrderness(seconds(1_000_000));
const lefts = topic("lefts", { value: json<Element>(), watermark, partitions: 2 });
const rights = topic("rights", { value: json<Element>(), watermark, partitions: 3 });
const lateLefts = topic("late-lefts", { key: text(), value: json<Element>() });
const lateRights = topic("late-rights", { key: text(), value: json<Element>() });
const out = topic("out", { value: json<string>() });

const leftById = stream(lefts).keyBy((left) => left.id);
const rightById = stream(rights).keyBy((right) => right.id);
const ten = tumbling(milliseconds(10));
const of = (ms: number, id = "a") => at(ms, { id, n: ms });
const allOf = (elements: readonly Element[]) => elements.map(({ n }) => n).join(",");

const pairs = operator(
  "pairs",
  leftById
    .join(rightById)
    .window(ten)
    .map((left, right, { key, window, timestampMs }) => `${window.startMs} ${key} ${left.n}-${right.n} ${timestampMs}`)
    .to(out),
);
const groups = operator(
  "groups",
  leftById
    .coGroup(rightById)
    .window(ten)
    .flatMap((some, others, { key, window }) => [`${window.startMs} ${key} ${allOf(some)}|${allOf(others)}`])
    .to(out),
);

describe("a window join", () => {
  test("gives every pair with the same key and window, with the timestamp maxTimestamp, when the window closes", async () => {
    await using driver = await testDriver(pairs, { partitions: "declared" });
    await driver.send(lefts, of(1), of(9), of(10), of(3, "b"));
    await driver.send(rights, of(2), of(0), of(11), of(12, "c"));
    await driver.advanceWatermark(8);
    expect(await driver.read(out)).toEqual([]);
    await driver.advanceWatermark(9);
    expect((await driver.read(out)).sort()).toEqual(["0 a 1-0 9", "0 a 1-2 9", "0 a 9-0 9", "0 a 9-2 9"]);
    await driver.advanceWatermark(19);
    const records = await driver.readRecords(out);
    expect(
      records
        .map(({ value, timestampMs }) => `${value}, ${timestampMs}`)
        .sort()
        .slice(4),
    ).toEqual(["10 a 10-11 19, 19"]);
    expect(driver.late).toBe(0);
  });

  test("leaves nothing behind", async () => {
    await using driver = await testDriver(pairs);
    await driver.send(lefts, of(1));
    await driver.send(rights, of(2), of(3, "b"));
    expect(await driver.state(pairs)).not.toEqual([]);
    await driver.advanceWatermark(Number.POSITIVE_INFINITY);
    expect(await driver.state(pairs)).toEqual([]);
  });

  test("sends what is late for every window to its side's topic", async () => {
    const late = operator(
      "late",
      leftById
        .join(rightById)
        .window(ten)
        .lateTo({ left: lateLefts, right: lateRights })
        .map((left, right) => `${left.n}-${right.n}`)
        .to(out),
    );
    await using driver = await testDriver(late);
    await driver.advanceWatermark(9);
    await driver.send(lefts, of(9), of(10));
    await driver.send(rights, of(8, "b"), of(11));
    await driver.advanceWatermark(100);
    expect(await driver.read(out)).toEqual(["10-11"]);
    expect((await driver.readRecords(lateLefts)).map(({ key, value }) => [key, value.n])).toEqual([["a", 9]]);
    expect((await driver.readRecords(lateRights)).map(({ key, value }) => [key, value.n])).toEqual([["b", 8]]);
    expect(driver.late).toBe(2);
  });

  test("gives all pairs of a window again for what is late but allowed", async () => {
    const patient = operator(
      "patient",
      leftById
        .join(rightById)
        .window(ten)
        .allowedLateness(milliseconds(5))
        .map((left, right) => `${left.n}-${right.n}`)
        .to(out),
    );
    await using driver = await testDriver(patient);
    await driver.send(lefts, of(1));
    await driver.send(rights, of(2));
    await driver.advanceWatermark(9);
    await driver.send(rights, of(3));
    await driver.advanceWatermark(14);
    await driver.send(rights, of(4));
    await driver.advanceWatermark(30);
    expect((await driver.read(out)).sort()).toEqual(["1-2", "1-2", "1-3"]);
    expect(driver.late).toBe(1);
  });
});

describe("over other windows", () => {
  type Assigner = Parameters<ReturnType<typeof leftById.coGroup<Element, string>>["window"]>[0];
  const over = (assigner: unknown) =>
    operator(
      "over",
      leftById
        .coGroup(rightById)
        .window(assigner as Assigner)
        .flatMap((some, others, { window }) => {
          const { startMs, endMs } = window as { startMs: number; endMs: number };
          return [`${startMs}-${endMs} ${allOf(some)}|${allOf(others)}`];
        })
        .to(out),
    );

  test.each<[string, unknown, readonly string[]]>([
    [
      "sliding",
      sliding(milliseconds(10), milliseconds(5)),
      ["-5-5 1|2", "0-10 1|2,7", "5-15 |7", "20-30 |26", "25-35 |26"],
    ],
    ["cumulative", cumulative(milliseconds(5), milliseconds(10)), ["0-10 1|2,7", "0-5 1|2", "20-30 |26"]],
    ["session", session(milliseconds(6)), ["1-13 1|2,7", "26-32 |26"]],
  ])("%s ones", async (_, assigner, results) => {
    await using driver = await testDriver(over(assigner));
    await driver.send(lefts, of(1));
    await driver.send(rights, of(2), of(7), of(26));
    await driver.advanceWatermark(Number.POSITIVE_INFINITY);
    expect((await driver.read(out)).sort()).toEqual([...results].sort());
  });

  test("sessions have the gap that an author's function says of an element of either side", async () => {
    await using driver = await testDriver(over(session((element: Element) => milliseconds(element.gap ?? 1))));
    await driver.send(lefts, at(1, { id: "a", n: 1, gap: 20 }));
    await driver.send(rights, of(15), of(21), of(23));
    await driver.advanceWatermark(Number.POSITIVE_INFINITY);
    expect((await driver.read(out)).sort()).toEqual(["1-22 1|15,21", "23-24 |23"]);
  });

  test("in processing time", async () => {
    await using driver = await testDriver(over(tumbling(milliseconds(10), { time: "processing" })), { startMs: 0 });
    await driver.send(lefts, of(1_000));
    await driver.send(rights, of(5_000));
    await driver.advanceClock(9);
    expect(await driver.read(out)).toEqual([]);
    await driver.advanceClock(1);
    expect(await driver.read(out)).toEqual(["0-10 1000|5000"]);
  });
});

describe("a coGroup", () => {
  test("gets both sides of a window, of which one may be empty, in order of arrival", async () => {
    await using driver = await testDriver(groups);
    await driver.send(lefts, of(3), of(1), of(12), of(5, "b"));
    await driver.send(rights, of(9), of(4), of(25));
    await driver.advanceWatermark(Number.POSITIVE_INFINITY);
    expect((await driver.read(out)).sort()).toEqual(["0 a 3,1|9,4", "0 b 5|", "10 a 12|", "20 a |25"]);
  });

  test("makes left, right and full outer joins", async () => {
    const orNone = <T>(elements: readonly T[]) => (elements.length > 0 ? elements : [undefined]);
    const full = operator(
      "full",
      leftById
        .coGroup(rightById)
        .window(ten)
        .flatMap((some, others) =>
          orNone(some).flatMap((left) => orNone(others).map((right) => `${left?.n ?? "-"}:${right?.n ?? "-"}`)),
        )
        .to(out),
    );
    await using driver = await testDriver(full);
    await driver.send(lefts, of(1), of(2), of(11));
    await driver.send(rights, of(3), of(21));
    await driver.advanceWatermark(Number.POSITIVE_INFINITY);
    expect((await driver.read(out)).sort()).toEqual(["-:21", "11:-", "1:3", "2:3"]);
  });

  test("that fails is a dead letter of its window alone, and can be redriven", async () => {
    let broken = true;
    const fragile = operator(
      "fragile",
      leftById
        .coGroup(rightById)
        .window(ten)
        .flatMap((some, others, { key }) => {
          if (broken && key === "b") throw new Error("not b");
          return [`${key} ${allOf(some)}|${allOf(others)}`];
        })
        .to(out),
    );
    await using driver = await testDriver(fragile);
    await driver.send(lefts, of(1), of(2, "b"));
    await driver.send(rights, of(3, "b"), of(4, "c"));
    await driver.advanceWatermark(9);
    expect((await driver.read(out)).sort()).toEqual(["a 1|", "c |4"]);
    expect((await driver.deadLetters(fragile)).map(({ reason, kind, step }) => [reason, kind, step])).toEqual([
      ["not b", "result", "coGroup"],
    ]);
    broken = false;
    await driver.redrive(fragile);
    expect((await driver.read(out)).sort()).toEqual(["a 1|", "b 2|3", "c |4"]);
  });
});

test.each<[string, () => unknown, string]>([
  ["no windows", () => leftById.join(rightById).window(5 as never), "window() takes an assigner"],
  ["no stream", () => leftById.join(5 as never), "join() takes a keyed stream or a table; put a keyBy before it."],
  ["no key", () => leftById.coGroup(stream(rights) as never), "coGroup() takes a keyed stream; put a keyBy before it."],
  [
    "lateness of the clock",
    () =>
      leftById
        .join(rightById)
        .window(tumbling(seconds(1), { time: "processing" }))
        .lateTo({ left: lateLefts }),
    "lateTo is for windows in event time; in processing time nothing is late.",
  ],
  [
    "no topic",
    () => leftById.join(rightById).window(ten).lateTo({}),
    "lateTo() takes topics: { left, right }, or one of them.",
  ],
  [
    "negative lateness",
    () => leftById.join(rightById).window(ten).allowedLateness(milliseconds(-1)),
    "allowedLateness must not be negative (-1 ms).",
  ],
  [
    "a flatMap of pairs",
    () => (leftById.join(rightById).window(ten) as unknown as { flatMap(fn: unknown): unknown }).flatMap(() => []),
    "A join ends in map(), which gets pairs; a coGroup in flatMap(), which gets both sides.",
  ],
])("%s: refused with a sentence", (_, make, sentence) => {
  expect(make).toThrow(sentence);
});
