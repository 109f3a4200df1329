/** Windows rule by rule: which elements are in them, when they fire, what is late, and what is refused. */

import {
  countTrigger,
  cumulative,
  customTrigger,
  customWindows,
  globalWindow,
  json,
  MillraceError,
  operator,
  session,
  sliding,
  testDriver,
  topic,
  tumbling,
} from "millrace";
import { describe, expect, test } from "vitest";
import { readOnce } from "./read-once.ts";
import { a, drive, type Item, items, keyed, late, ms, out, told, write } from "./window-world.ts";

describe("sliding windows", () => {
  test("of a size that is no multiple of the slide hold what Flink's do, newest first down to ts − size", async () => {
    await using driver = await drive(
      keyed
        .window(sliding(ms(10), ms(4)))
        .count()
        .to(write),
    );
    await driver.send(items, a(9));
    await driver.advanceWatermark(Number.POSITIVE_INFINITY);
    expect(await told(driver)).toEqual(["a 1 0–10", "a 1 4–14", "a 1 8–18"]);
  });

  // They shared slices once, whose elements came in the order of time.
  test.each([
    ["sliding", sliding(ms(10), ms(5))],
    ["cumulative", cumulative(ms(5), ms(10))],
  ])("collect in the order of arrival, and know the first and the last: %s", async (_, windows) => {
    const summary = topic("summary", { value: json<readonly number[]>(), partitions: 1 });
    await using driver = await drive(
      keyed
        .window(windows)
        .aggregate((on) => ({ all: on.collect(({ n }) => n), first: on.first(), last: on.last(), count: on.count() }))
        .map(({ value: { all, first, last, count } }) => [...all, first.n, last.n, count])
        .to(summary),
    );
    await driver.send(items, a(6, 6), a(1, 1), a(7, 7), a(2, 2));
    await driver.advanceWatermark(9);
    expect(await readOnce(driver, summary)).toContainEqual([6, 1, 7, 2, 6, 2, 4]);
  });

  test("with a slide longer than their size leave elements in no window, which are no late elements", async () => {
    await using driver = await drive(
      keyed
        .window(sliding(ms(2), ms(5)))
        .count()
        .to(write),
    );
    await driver.send(items, a(1), a(3), a(6));
    await driver.advanceWatermark(Number.POSITIVE_INFINITY);
    expect(await told(driver)).toEqual(["a 1 0–2", "a 1 5–7"]);
    expect(driver.late).toBe(0);
  });

  test("count an element that is late for some of them in the others", async () => {
    await using driver = await drive(
      keyed
        .window(sliding(ms(10), ms(5)))
        .lateTo(late)
        .count()
        .to(write),
    );
    await driver.send(items, a(7));
    await driver.advanceWatermark(9);
    await driver.send(items, a(6), a(4));
    await driver.advanceWatermark(14);
    expect(await told(driver)).toEqual(["a 1 0–10", "a 2 5–15"]);
    expect(await readOnce(driver, late)).toEqual([{ key: "a", n: 1 }]);
  });

  test("fire each window again that a late element is allowed in", async () => {
    await using driver = await drive(
      keyed
        .window(sliding(ms(10), ms(5)))
        .allowedLateness(ms(10))
        .lateTo(late)
        .count()
        .to(write),
    );
    await driver.send(items, a(7));
    await driver.advanceWatermark(14);
    await driver.send(items, a(8));
    expect(await told(driver)).toEqual(["a 1 0–10", "a 1 5–15", "a 2 0–10", "a 2 5–15"]);
  });

  test("are moved by their offset", async () => {
    await using driver = await drive(
      keyed
        .window(sliding(ms(4), ms(2), { offset: ms(-1) }))
        .count()
        .to(write),
    );
    await driver.send(items, a(0));
    await driver.advanceWatermark(Number.POSITIVE_INFINITY);
    expect(await told(driver)).toEqual(["a 1 -3–1", "a 1 -1–3"]);
  });
});

test("cumulative windows share a start, and each holds those before it", async () => {
  await using driver = await drive(
    keyed
      .window(cumulative(ms(10), ms(30)))
      .sum(({ n }) => n)
      .to(write),
  );
  await driver.send(items, a(1, 1), a(25, 10), a(31, 100));
  await driver.advanceWatermark(Number.POSITIVE_INFINITY);
  expect(await told(driver)).toEqual([
    "a 1 0–10",
    "a 1 0–20",
    "a 11 0–30",
    "a 100 30–40",
    "a 100 30–50",
    "a 100 30–60",
  ]);
});

describe("sessions", () => {
  test("two elements exactly a gap apart are one session; a millisecond more makes two", async () => {
    await using driver = await drive(
      keyed
        .window(session(ms(10)))
        .count()
        .to(write),
    );
    await driver.send(items, a(0), a(10), a(21));
    await driver.advanceWatermark(Number.POSITIVE_INFINITY);
    expect(await told(driver)).toEqual(["a 2 0–20", "a 1 21–31"]);
  });

  test("an old element that bridges into a live session counts: lateness is judged on the merged window", async () => {
    await using driver = await drive(
      keyed
        .window(session(ms(10)))
        .lateTo(late)
        .count()
        .to(write),
    );
    await driver.send(items, a(18));
    await driver.advanceWatermark(19);
    await driver.send(items, a(9), a(7));
    await driver.advanceWatermark(Number.POSITIVE_INFINITY);
    expect(await told(driver)).toEqual(["a 3 7–28"]);
    expect(driver.late).toBe(0);
  });

  test("an element between two sessions makes them one", async () => {
    await using driver = await drive(
      keyed
        .window(session(ms(10)))
        .collect()
        .map(({ value, ...rest }) => ({ ...rest, value: value.map(({ n }) => n) }))
        .to(write),
    );
    await driver.send(items, a(0, 1), a(20, 2), a(10, 3));
    await driver.advanceWatermark(Number.POSITIVE_INFINITY);
    expect(await told(driver)).toEqual(["a [1,2,3] 0–30"]);
  });

  test("of a batch that overlap or touch cross the shuffle as one, and are late only together", async () => {
    await using driver = await drive(
      keyed
        .window(session(ms(10)))
        .count()
        .to(write),
    );
    await driver.advanceWatermark(19);
    await driver.send(items, a(2), a(3));
    // Element by element 8 would be late.
    await driver.send(items, a(8), a(18));
    await driver.advanceWatermark(Number.POSITIVE_INFINITY);
    expect(await told(driver)).toEqual(["a 2 8–28"]);
    expect(driver.late).toBe(2);
    const behind = driver.reports.filter(({ functionName, elements }) => functionName.includes("--") && elements > 0);
    expect(behind.map(({ elements, changedCells }) => [elements, changedCells])).toEqual([
      [2, 0],
      [2, 1],
    ]);
  });

  test("of a batch, allowed though late, fire once together; each where they cross one by one", async () => {
    const sessions = keyed.window(session(ms(10))).allowedLateness(ms(100));
    const once = async (results: Parameters<typeof drive>[0]) => {
      await using driver = await drive(results);
      await driver.advanceWatermark(50);
      await driver.send(items, a(1), a(5), a(30));
      return told(driver);
    };
    expect(await once(sessions.count().to(write))).toEqual(["a 2 1–15", "a 1 30–40"]);
    expect(await once(sessions.lateTo(late).count().to(write))).toEqual(["a 1 1–11", "a 2 1–15", "a 1 30–40"]);
  });

  test("a gap per element ends with the one that reaches furthest", async () => {
    await using driver = await drive(
      keyed
        .window(session(({ n }) => ms(n)))
        .count()
        .to(write),
    );
    await driver.send(items, a(0, 20), a(5, 2), a(19, 3), a(30, 1));
    await driver.advanceWatermark(Number.POSITIVE_INFINITY);
    expect(await told(driver)).toEqual(["a 3 0–22", "a 1 30–31"]);
  });

  test("an element whose gap is none is a dead letter", async () => {
    const handler = operator(
      "rules",
      keyed
        .window(session(({ n }) => ms(n)))
        .count()
        .to(write),
    );
    await using driver = await testDriver(handler);
    await driver.send(items, a(0, 0), a(1, 5));
    await driver.advanceWatermark(Number.POSITIVE_INFINITY);
    expect(await readOnce(driver, out)).toEqual(["a 1 1–6"]);
    expect((await driver.deadLetters(handler)).map(({ reason, step }) => [reason, step])).toEqual([
      ["The function given to session returned 0; a gap is a whole number of milliseconds above zero.", "window (gap)"],
    ]);
  });

  test("keep nothing in state after they closed", async () => {
    const handler = operator(
      "rules",
      keyed
        .window(session(ms(10)))
        .count()
        .to(write),
    );
    await using driver = await testDriver(handler);
    await driver.send(items, a(0), a(100));
    await driver.advanceWatermark(50);
    expect(await driver.state(handler)).toHaveLength(1);
    await driver.advanceWatermark(109);
    expect(await driver.state(handler)).toEqual([]);
  });
});

test("custom windows hold what the author says, in as many windows as that", async () => {
  const byParity = customWindows<Item>({
    assign: ({ n }, timeMs) =>
      n % 2 === 0
        ? []
        : [
            { startMs: timeMs, endMs: timeMs + n },
            { startMs: 0, endMs: 50 },
          ],
  });
  await using driver = await drive(keyed.window(byParity).count().to(write));
  await driver.send(items, a(1, 3), a(1, 4), a(2, 5));
  await driver.advanceWatermark(Number.POSITIVE_INFINITY);
  expect(await told(driver)).toEqual(["a 1 1–4", "a 1 2–7", "a 2 0–50"]);
});

describe("refused with a sentence", () => {
  const noMerge = { create: () => 0, add: (n: number) => n + 1, result: (n: number) => n };
  test.each([
    ["a global window without a trigger", () => keyed.window(globalWindow()).count(), /never ends/],
    [
      "sessions with a trigger that cannot merge",
      () =>
        keyed
          .window(session(ms(1)))
          .trigger(customTrigger({ state: () => 0, onElement: () => "fire" }))
          .count(),
      /without onMerge/,
    ],
    [
      "sessions with an aggregate that cannot",
      () => keyed.window(session(ms(1))).aggregate((on) => on.custom(noMerge)),
      /give on.custom\(\) a merge/,
    ],
    [
      "emit beside a trigger",
      () => keyed.window(tumbling(ms(1)), { emit: "updates" }).trigger(countTrigger(1)),
      /leave one of them out/,
    ],
    [
      "updates by event time in processing time",
      () => keyed.window(tumbling(ms(1), { time: "processing" }), { emit: { every: ms(1), time: "event" } }),
      /processing time/,
    ],
    ["a slide of nothing", () => sliding(ms(5), ms(0)), /slide of sliding windows/],
    ["an offset as long as the slide", () => sliding(ms(5), ms(2), { offset: ms(2) }), /below their slide \(2 ms\)/],
    ["a size that is no multiple of the step", () => cumulative(ms(3), ms(10)), /multiple of their step/],
    ["a gap below zero", () => session(ms(-1)), /gap of sessions/],
    ["a count of one and a half", () => countTrigger(1.5), /count trigger/],
    ["lateness of a global window", () => keyed.window(globalWindow()).allowedLateness(ms(1)), /nothing is late/],
  ])("%s", (_, define, sentence) => {
    expect(define).toThrow(MillraceError);
    expect(define).toThrow(sentence);
  });
});
