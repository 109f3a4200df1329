/** Timestamps that are missing, odd or far ahead, and keys that are none: each has its rule. */

import { at, json, milliseconds, monotonic, operator, stream, testDriver, text, topic, tumbling } from "millrace";
import { describe, expect, test } from "vitest";
import { counted, countPerUser, toLines } from "./clicks.ts";

type Event = { readonly user: string; readonly at?: unknown };

const DAY_MS = 86_400_000;
const NOW_MS = Date.UTC(2030, 0, 1);

const stamped = topic("stamped", { value: json<Event>(), watermark: monotonic(), timestampOf: (e) => e.at as number });
const untimed = topic("untimed", { value: json<Event>() });
const plain = topic("plain", { value: json<Event>(), watermark: monotonic() });
const out = topic("out", { value: text() });

const perUser = (source: typeof stamped) =>
  operator(
    "per-user",
    stream(source)
      .keyBy((e) => e.user)
      .window(tumbling(milliseconds(5_000)))
      .count()
      .to(out.from(({ key, value, window }) => `${window.startMs} ${key} ${value}`)),
  );

describe("a timestamp that timestampOf gives", () => {
  test.each([
    ["undefined", undefined],
    ["null", null],
    ["a string", "2030-01-01"],
    ["an object", { ms: 5 }],
  ])("as %s is a dead letter that says so", async (_, odd) => {
    const operator = perUser(stamped);
    await using driver = await testDriver(operator);
    await driver.send(stamped, { user: "a", at: 1_000 }, { user: "b", at: odd }, { user: "a", at: 2_000 });
    await driver.advanceWatermark(Number.POSITIVE_INFINITY);
    expect(await driver.read(out)).toEqual(["0 a 2"]);
    const [letter] = await driver.deadLetters(operator);
    expect(letter?.step).toBe("timestampOf of topic stamped");
    expect(letter?.reason).toMatch(/^timestampOf returned .*, not a number of epoch milliseconds\.$/);
  });

  test.each([
    ["NaN", Number.NaN],
    ["∞", Number.POSITIVE_INFINITY],
    ["−∞", Number.NEGATIVE_INFINITY],
  ])("as %s is a dead letter, and does not touch the watermark", async (_, odd) => {
    const source = topic("stamped", {
      value: json<Event>(),
      watermark: monotonic(),
      timestampOf: (e) => (e.user === "b" ? odd : (e.at as number)),
    });
    const operator = perUser(source);
    await using driver = await testDriver(operator);
    await driver.send(source, { user: "a", at: 1_000 }, { user: "b" });
    await driver.send(source, { user: "a", at: 2_000 });
    await driver.advanceWatermark(Number.POSITIVE_INFINITY);
    expect(await driver.read(out)).toEqual(["0 a 2"]);
    expect(await driver.deadLetters(operator)).toHaveLength(1);
  });

  test.each([1e300, -1e300, 2 ** 53])(
    "as %d, which no record can carry, is a dead letter and stops nothing",
    async (far) => {
      for (const operator_ of [
        perUser(stamped),
        operator("passing", stream(stamped).to(out.from(({ user }) => `0 ${user} 2`))),
      ]) {
        await using driver = await testDriver(operator_);
        await driver.send(stamped, { user: "b", at: far }, { user: "a", at: 1_000 }, { user: "a", at: 2_000 });
        await driver.advanceWatermark(Number.POSITIVE_INFINITY);
        expect(new Set(await driver.read(out))).toEqual(new Set(["0 a 2"]));
        const letters = await driver.deadLetters(operator_);
        expect(letters.map(({ step, offset }) => [step, offset])).toEqual([["timestampOf of topic stamped", "0"]]);
        expect(letters[0]?.reason).toBe(`the timestamp ${far} is too large for a number of epoch milliseconds`);
      }
    },
  );

  test("may be the last that a number can tell: its window's result, which lies behind it, is a dead letter", async () => {
    const operator_ = perUser(stamped);
    await using driver = await testDriver(operator_);
    await driver.send(stamped, { user: "b", at: Number.MAX_SAFE_INTEGER }, { user: "a", at: 1_000 });
    await driver.advanceWatermark(Number.POSITIVE_INFINITY);
    expect(await driver.read(out)).toEqual(["0 a 1"]);
    const letters = await driver.deadLetters(operator_);
    expect(letters.map(({ offset }) => offset)).toEqual(["timer"]);
    expect(letters[0]?.reason).toMatch(/^The record for topic out has the timestamp \d+, which is too large/);
  });

  test("may be negative: before 1970", async () => {
    const operator = perUser(stamped);
    await using driver = await testDriver(operator);
    await driver.send(stamped, { user: "a", at: -1 }, { user: "a", at: -5_000 }, { user: "a", at: -5_001 });
    await driver.advanceWatermark(Number.POSITIVE_INFINITY);
    expect((await driver.read(out)).sort()).toEqual(["-10000 a 1", "-5000 a 2"]);
    expect(await driver.deadLetters(operator)).toEqual([]);
  });

  test("with a fraction counts as the millisecond that it lies in", async () => {
    await using driver = await testDriver(perUser(stamped));
    await driver.send(stamped, { user: "a", at: 4_999.9 }, { user: "a", at: -0.5 });
    await driver.advanceWatermark(Number.POSITIVE_INFINITY);
    expect((await driver.read(out)).sort()).toEqual(["-5000 a 1", "0 a 1"]);
  });
});

describe("a record without a timestamp (−1)", () => {
  test("is a dead letter where event time is asked for", async () => {
    const operator = perUser(plain);
    await using driver = await testDriver(operator);
    await driver.send(plain, at(1_000, { user: "a" }), at(-1, { user: "b" }), at(2_000, { user: "a" }));
    await driver.advanceWatermark(Number.POSITIVE_INFINITY);
    expect(await driver.read(out)).toEqual(["0 a 2"]);
    const [letter] = await driver.deadLetters(operator);
    expect(letter).toMatchObject({ step: "timestamp of topic plain", timestampMs: -1, offset: "1" });
    expect(letter?.reason).toMatch(/^the record has no timestamp; give the topic a timestampOf/);
  });

  test("has the clock's time where there is no event time", async () => {
    const operator_ = operator(
      "clocked",
      stream(untimed)
        .map((_, ctx) => String(ctx.timestampMs))
        .to(out),
    );
    await using driver = await testDriver(operator_, { startMs: NOW_MS });
    await driver.send(untimed, at(-1, { user: "a" }));
    expect(await driver.read(out)).toEqual([String(NOW_MS)]);
  });
});

describe("a timestamp a year ahead", () => {
  test("does not drag the watermark, is counted, and the element is kept", async () => {
    const source = topic("clicks", { key: text(), value: json<Event & { user: string }>(), watermark: monotonic() });
    await using driver = await testDriver(countPerUser({ source: source as never }), { startMs: NOW_MS });
    await driver.send(source, at(NOW_MS, { user: "a" }), at(NOW_MS + 365 * DAY_MS, { user: "z" }));
    await driver.send(source, at(NOW_MS + 1_000, { user: "a" }));
    expect(await driver.read(counted)).toEqual([]);
    expect(driver.late).toBe(0);
    expect(driver.reports.reduce((sum, { future }) => sum + future, 0)).toBe(1);
    await driver.send(source, at(NOW_MS + 5_000, { user: "a" }));
    expect(toLines(await driver.read(counted))).toEqual([`${NOW_MS} a 2`]);
    await driver.advanceWatermark(Number.POSITIVE_INFINITY);
    expect(toLines(await driver.read(counted))).toContain(`${NOW_MS + 365 * DAY_MS} z 1`);
  });

  test("a day ahead is not yet too far", async () => {
    const source = topic("clicks", { key: text(), value: json<Event & { user: string }>(), watermark: monotonic() });
    await using driver = await testDriver(countPerUser({ source: source as never }), { startMs: NOW_MS });
    await driver.send(source, at(NOW_MS, { user: "a" }), at(NOW_MS + DAY_MS, { user: "z" }));
    expect(toLines(await driver.read(counted))).toEqual([`${NOW_MS} a 1`]);
  });
});

describe("a key", () => {
  const keyed = (key: unknown) =>
    operator(
      "keyed",
      stream(untimed)
        .keyBy((e) => (e.user === "bad" ? (key as string) : e.user))
        .count()
        .to(out.from(({ key: k, value }) => `${String(k)} ${value}`)),
    );

  test.each([
    ["undefined", undefined, "A key is undefined"],
    ["an object", { a: 1 }, "A key is an object"],
    ["a date", new Date(0), "A key is an object (Date)"],
    ["a function", () => 1, "A key is a function"],
    ["a tuple with null", ["a", null], "A key's tuple contains null"],
    ["a tuple in a tuple", ["a", ["b"]], "A key's tuple contains a tuple inside a tuple"],
  ])("that is %s is a dead letter of that element alone", async (_, key, sentence) => {
    const operator = keyed(key);
    await using driver = await testDriver(operator);
    await driver.send(untimed, { user: "a" }, { user: "bad" }, { user: "a" });
    expect(await driver.read(out)).toEqual(["a 1", "a 2"]);
    const letters = await driver.deadLetters(operator);
    expect(letters.map(({ step, topic: name, offset }) => [step, name, offset])).toEqual([["keyBy", "untimed", "1"]]);
    expect(letters[0]?.reason).toContain(sentence);
  });

  test("that is null drops the element and counts it", async () => {
    const operator = keyed(null);
    await using driver = await testDriver(operator);
    await driver.send(untimed, { user: "a" }, { user: "bad" });
    expect(await driver.read(out)).toEqual(["a 1"]);
    expect(await driver.deadLetters(operator)).toEqual([]);
    expect(driver.reports.reduce((sum, { nullKeys }) => sum + nullKeys, 0)).toBe(1);
  });

  test.each([Number.NaN, -0, 5n, true, ""])("that is %s counts like any other", async (key) => {
    await using driver = await testDriver(keyed(key));
    await driver.send(untimed, { user: "bad" }, { user: "bad" });
    expect(await driver.read(out)).toEqual([`${String(key)} 1`, `${String(key)} 2`]);
  });
});
