/** Records that cannot be decoded: dead letters with everything that is needed to look at them, and nothing else of the batch is harmed. */

import { at, json, monotonic, operator, stream, testDriver, text, topic } from "millrace";
import { describe, expect, test } from "vitest";
import { z } from "zod";

const Reading = z.object({ sensor: z.string(), celsius: z.number() });

const readings = topic("readings", { key: text(), value: json(Reading), watermark: monotonic() });
const lines = topic("lines", { value: text(), watermark: monotonic() });
const prices = topic("prices", { key: text(), value: json<number>(), compacted: true });
const out = topic("out", { key: text(), value: json<unknown>() });

const utf8 = (string: string) => new TextEncoder().encode(string);
const fromUtf8 = (bytes: Uint8Array | null | undefined) => (bytes ? new TextDecoder().decode(bytes) : bytes);

/** Counts per sensor: behind a shuffle, so that everything passes a commit. */
const counting = operator(
  "counting",
  stream(readings)
    .keyBy((r) => r.sensor)
    .count()
    .to(out),
);
/** The same without state: nothing is committed, outputs are identified by their input. */
const passing = operator("passing", stream(readings).to(out.from((r) => r.sensor)));

const good = (sensor: string) => ({ sensor, celsius: 20 });

describe.each([
  [
    "with a log",
    counting,
    [
      { key: "a", value: 1 },
      { key: "b", value: 1 },
      { key: "a", value: 2 },
    ],
  ],
  ["without a log", passing, ["a", "b", "a"]],
])("%s", (_, bad, expected) => {
  test("a value that fails its schema is a dead letter with original bytes, key, headers, position and reason", async () => {
    await using driver = await testDriver(bad);
    await driver.send(readings, good("a"));
    const value = '{"sensor": "x",  "celsius": "warm"}';
    await driver.sendBroken(readings, value, {
      key: utf8("k"),
      timestampMs: 77,
      headers: [
        ["trace", new Uint8Array([0, 255])],
        ["trace", utf8("two")],
      ],
    });
    await driver.send(readings, good("b"), good("a"));
    const letters = await driver.deadLetters(bad);
    expect(letters).toHaveLength(1);
    const [letter] = letters;
    expect(fromUtf8(letter?.value)).toBe(value);
    expect(fromUtf8(letter?.key)).toBe("k");
    expect(letter?.headers).toEqual([
      ["trace", new Uint8Array([0, 255])],
      ["trace", utf8("two")],
    ]);
    expect(letter).toMatchObject({
      topic: "readings",
      partition: 0,
      offset: "1",
      functionName: bad.operatorName,
      timestampMs: 77,
      step: "value of topic readings",
    });
    expect(letter?.reason).toMatch(/^The value does not fit its schema: celsius: /);
    expect(await driver.read(out)).toEqual(expected);
  });

  test("in one batch with good ones, every good one is processed once and in order", async () => {
    await using driver = await testDriver(bad);
    const json = (sensor: string) => utf8(JSON.stringify(good(sensor)));
    const values = [json("a"), utf8("{"), json("b"), utf8("[1,2"), utf8("3]"), null, utf8(""), json("a")];
    for (const value of values) await driver.sendBroken(readings, value);
    expect(await driver.read(out)).toEqual(expected);
    expect((await driver.deadLetters(bad)).map(({ offset, value }) => [offset, fromUtf8(value)])).toEqual([
      ["1", "{"],
      ["3", "[1,2"],
      ["4", "3]"],
      ["5", null],
      ["6", ""],
    ]);
    expect(driver.reports.reduce((sum, { deadLetters }) => sum + deadLetters, 0)).toBe(5);
  });
});

describe("the reason says what is wrong", () => {
  const reading = operator("reading", stream(lines).to(topic("copies", { value: text() })));

  test("for bytes that are not UTF-8", async () => {
    await using driver = await testDriver(reading);
    await driver.send(lines, "good");
    await driver.sendBroken(lines, new Uint8Array([0x68, 0xff]));
    const [letter] = await driver.deadLetters(reading);
    expect(letter?.reason).toBe("The bytes are not valid UTF-8.");
    expect(letter?.value).toEqual(new Uint8Array([0x68, 0xff]));
  });

  test("for what is not JSON", async () => {
    await using driver = await testDriver(passing);
    await driver.sendBroken(readings, "hello");
    expect((await driver.deadLetters(passing))[0]?.reason).toMatch(/^The bytes are not JSON: /);
  });

  test("for a tombstone where elements are wanted", async () => {
    await using driver = await testDriver(reading);
    await driver.sendBroken(lines, null);
    const [letter] = await driver.deadLetters(reading);
    expect(letter?.value).toBeNull();
    expect(letter?.reason).toContain("no value (a tombstone)");
  });

  test("for a key that does not fit its format, where the key is used", async () => {
    const keyed = operator("keyed", stream(readings).keyedByTopicKey().count().to(out));
    await using driver = await testDriver(keyed);
    await driver.sendBroken(readings, '{"sensor":"a","celsius":1}', { key: new Uint8Array([0xff]) });
    const [letter] = await driver.deadLetters(keyed);
    expect(letter).toMatchObject({ step: "key of topic readings", reason: "The bytes are not valid UTF-8." });
  });
});

describe("a null value of a compacted topic", () => {
  test("is an element", async () => {
    const table = operator("table", stream(prices).to(out.from((price) => ({ price }))));
    await using driver = await testDriver(table);
    await driver.send(prices, at(1_000, 5, { key: "a" }), at(2_000, null, { key: "a" }));
    expect(await driver.read(out)).toEqual([{ price: 5 }, { price: null }]);
    expect(await driver.deadLetters(table)).toEqual([]);
  });

  test("has the record's timestamp, and timestampOf is not asked", async () => {
    const timed = topic("timed", {
      key: text(),
      value: json<{ readonly ms: number }>(),
      compacted: true,
      timestampOf: (value) => value.ms,
    });
    const table = operator(
      "table",
      stream(timed)
        .map((_, ctx) => ctx.timestampMs)
        .to(out),
    );
    await using driver = await testDriver(table);
    await driver.send(timed, at(1_000, { ms: 50 }, { key: "a" }), at(2_000, null, { key: "a" }));
    expect(await driver.read(out)).toEqual([50, 2_000]);
  });
});
