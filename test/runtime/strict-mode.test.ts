/** Strict mode of the test driver: what would make repeats differ is found out, each with its sentence. */

import { at, json, monotonic, operator, seconds, stream, testDriver, text, topic, tumbling } from "millrace";
import { describe, expect, test } from "vitest";

type Item = { readonly name: string; readonly tags: readonly string[] };

const items = topic("items", { value: json<Item>(), watermark: monotonic() });
const out = topic("out", { value: text() });
const item: Item = { name: "a", tags: ["y", "x"] };

const DIFFERENT =
  /gives different results for the same batch: it uses the clock, chance, or something it keeps outside of its state\. Use ctx\.processingTimeMs instead of Date\.now\(\), and state instead of variables\./;

describe("results that differ for the same batch are refused", () => {
  let seen = 0;
  let clock = 0;
  test.each([
    // The clock ticks too slowly to differ by itself within a test.
    ["the clock", (i: Item) => `${i.name} ${Date.now() + clock++}`],
    ["chance", (i: Item) => `${i.name} ${Math.random()}`],
    ["a variable of the module", (i: Item) => `${i.name} ${seen++}`],
  ])("for %s, before a sink", async (_, fn) => {
    const changing = operator("changing", stream(items).map(fn).to(out));
    await using driver = await testDriver(changing);
    await expect(driver.send(items, item)).rejects.toThrow(DIFFERENT);
    await expect(driver.send(items, item)).rejects.toThrow("Function changing ");
  });

  test("before a shuffle, and in state", async () => {
    const before = operator(
      "before",
      stream(items)
        .keyBy(() => `${Math.random()}`)
        .count()
        .to(out.from(({ key }) => key)),
    );
    await using driver = await testDriver(before);
    await expect(driver.send(items, item)).rejects.toThrow(DIFFERENT);
    const within = operator(
      "within",
      stream(items)
        .keyBy((i) => i.name)
        .window(tumbling(seconds(5)))
        .aggregate((on) => on.custom({ create: () => Math.random(), add: (a) => a, result: (a) => a }))
        .to(out.from(({ value }) => String(value))),
    );
    await using other = await testDriver(within);
    await expect(other.send(items, item)).rejects.toThrow(/^Function within--by-key gives different results/);
  });

  test("for a function that changes its mind about which elements fail", async () => {
    let calls = 0;
    const moody = operator(
      "moody",
      stream(items)
        .map((i) => {
          if (calls++ % 2 === 1) throw new Error("not now");
          return i.name;
        })
        .to(out),
    );
    await using driver = await testDriver(moody);
    await expect(driver.send(items, item, item)).rejects.toThrow(DIFFERENT);
  });

  test("for a timestampOf that uses the clock", async () => {
    let tick = 0;
    const clocked = topic("clocked", {
      value: json<Item>(),
      watermark: monotonic(),
      timestampOf: () => Date.now() + tick++,
    });
    const windows = stream(clocked)
      .keyBy((i) => i.name)
      .window(tumbling(seconds(5)))
      .aggregate((on) => on.custom({ create: () => 0, add: (a) => a + 1, result: (a) => a }));
    await using driver = await testDriver(operator("windows", windows.to(out.from(({ value }) => String(value)))));
    await expect(driver.send(clocked, item)).rejects.toThrow(DIFFERENT);
  });
});

describe("a function that changes its input is refused", () => {
  const SENTENCE = /^Function changing.* changes its input in map\b.*make a copy/;

  test.each([
    ["a property", (i: Item) => Object.assign(i, { name: "b" }).name],
    ["a list inside", (i: Item) => `${(i.tags as string[]).push("y")}`],
    ["by removing", (i: Item) => `${delete (i as { name?: string }).name}`],
    ["by sorting", (i: Item) => (i.tags as string[]).sort().join()],
  ])("%s", async (_, fn) => {
    const changing = operator("changing", stream(items).map(fn).to(out));
    await using driver = await testDriver(changing);
    await expect(driver.send(items, item)).rejects.toThrow(SENTENCE);
  });

  test("behind a shuffle too", async () => {
    const changing = operator(
      "changing",
      stream(items)
        .keyBy((i) => i.name)
        .map((i) => Object.assign(i, { name: "b" }))
        .count()
        .to(out.from(({ value }) => String(value))),
    );
    await using driver = await testDriver(changing);
    await expect(driver.send(items, item)).rejects.toThrow(/changes its input in map\b/);
  });
});

describe("what strict mode lets through", () => {
  test("windows over windows in one function, whose tables come to be in another order than they are read back in", async () => {
    const twice = operator(
      "twice",
      stream(items)
        .keyBy((i) => i.name)
        .window(tumbling(seconds(5)))
        .count()
        .window(tumbling(seconds(10)), { name: "most" })
        .max(({ value }) => value)
        .to(out.from(({ value, window }) => `${window.startMs} ${value}`)),
    );
    await using driver = await testDriver(twice);
    for (const ms of [1_000, 6_000, 7_000, 12_000, 23_000]) await driver.send(items, at(ms, item));
    await driver.advanceWatermark(Number.POSITIVE_INFINITY);
    expect(await driver.read(out)).toEqual(["0 2", "10000 1", "20000 1"]);
  });

  test("the clock of the context", async () => {
    const fine = operator(
      "fine",
      stream(items)
        .map((_, ctx) => String(ctx.processingTimeMs))
        .to(out),
    );
    await using driver = await testDriver(fine, { startMs: 5_000 });
    await driver.send(items, item);
    await driver.advanceClock(seconds(1));
    await driver.send(items, item);
    expect(await driver.read(out)).toEqual(["5000", "6000"]);
  });

  test("a TypeError of the author's own is a dead letter as ever", async () => {
    const failing = operator(
      "failing",
      stream(items)
        .map((i) => (i as unknown as { none: { name: string } }).none.name)
        .to(out),
    );
    await using driver = await testDriver(failing);
    await driver.send(items, item);
    expect((await driver.deadLetters(failing))[0]?.reason).toMatch(/^TypeError: Cannot read properties of undefined/);
  });

  test("everything where it is switched off", async () => {
    const changing = operator(
      "changing",
      stream(items)
        .map((i) => `${Object.assign(i, { name: "b" }).name} ${Math.random() < 2}`)
        .to(out),
    );
    await using driver = await testDriver(changing, { strict: false });
    await driver.send(items, item);
    expect(await driver.read(out)).toEqual(["b true"]);
  });
});
