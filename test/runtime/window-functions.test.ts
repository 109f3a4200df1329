/** Functions of all elements of a window, and windows over all keys. */

import { at, operator, testDriver, tumbling } from "millrace";
import { describe, expect, test } from "vitest";
import { readOnce } from "./read-once.ts";
import { a, drive, type Item, items, keyed, ms, out, told, write } from "./window-world.ts";

describe("a function of all elements", () => {
  test("gets them in the order of their arrival, or of event time, with their timestamps", async () => {
    const describe = (
      elements: readonly Item[],
      {
        key,
        window,
        timestampMs,
        timestampsMs,
      }: { key: string; window: { startMs: number }; timestampMs: number; timestampsMs: readonly number[] },
    ) => [`${key} ${elements.map(({ n }) => n)} ${timestampsMs} ${window.startMs} ${timestampMs}`];
    for (const [order, line] of [
      ["arrival", "a 1,2,3 5,3,3 0 9"],
      ["event-time", "a 2,3,1 3,3,5 0 9"],
    ] as const) {
      await using driver = await drive(
        keyed
          .window(tumbling(ms(10)))
          .process(describe, { order })
          .to(out),
      );
      await driver.send(items, a(5, 1), a(3, 2), a(3, 3));
      await driver.advanceWatermark(9);
      expect(await told(driver)).toEqual([line]);
    }
  });

  test("keeps a thousand elements in blocks, so that a commit holds what it touched", async () => {
    const handler = operator(
      "rules",
      keyed
        .window(tumbling(ms(10_000)))
        .process((all) => [String(all.length)])
        .to(out),
    );
    await using driver = await testDriver(handler);
    await driver.send(items, ...Array.from({ length: 1_000 }, (_, i) => a(i)));
    const before = driver.reports.length;
    await driver.send(items, a(1));
    const touched = driver.reports.slice(before).filter(({ functionName }) => functionName === "rules--by-key");
    expect(Math.max(...touched.map(({ changedCells }) => changedCells))).toBeLessThanOrEqual(4);
    expect(Math.max(...touched.map(({ entryBytes }) => entryBytes))).toBeLessThan(3_000);
    await driver.advanceWatermark(Number.POSITIVE_INFINITY);
    expect(await readOnce(driver, out)).toEqual(["1001"]);
    expect(await driver.state(handler)).toEqual([]);
  });

  test("that throws makes the window's result a dead letter, which can be redriven", async () => {
    let broken = true;
    const handler = operator(
      "rules",
      keyed
        .window(tumbling(ms(10)))
        .process((all) => {
          if (broken && all.length > 1) throw new Error("too many");
          return [String(all.length)];
        })
        .to(out),
    );
    await using driver = await testDriver(handler);
    await driver.send(items, a(1), a(2), at(3, { key: "b", n: 1 }));
    await driver.advanceWatermark(9);
    expect(await readOnce(driver, out)).toEqual(["1"]);
    expect((await driver.deadLetters(handler)).map(({ reason }) => reason)).toEqual(["too many"]);
    broken = false;
    expect((await driver.redrive(handler)).map(({ outcome }) => outcome)).toEqual(["redriven"]);
    expect(await readOnce(driver, out)).toEqual(["1", "2"]);
  });
});

test("a function of an aggregate's result is told the key and the window, and keeps nothing else", async () => {
  const handler = operator(
    "rules",
    keyed
      .window(tumbling(ms(10)))
      .aggregateAndProcess(
        (on) => ({ count: on.count(), most: on.max(({ n }) => n) }),
        ({ count, most }, { key, window, timestampMs }) =>
          count > 1 ? [`${key} ${count} ${most} ${window.startMs} ${timestampMs}`] : [],
      )
      .to(out),
  );
  await using driver = await testDriver(handler);
  await driver.send(items, a(1, 5), a(2, 7), at(3, { key: "b", n: 1 }));
  expect((await driver.state(handler, "a")).map(({ value }) => value)).toEqual([[2, 7]]);
  await driver.advanceWatermark(9);
  expect(await readOnce(driver, out)).toEqual(["a 2 7 0 9"]);
});

describe("windows over all keys", () => {
  test("have one result for all, in one task, with a warning", async () => {
    await using driver = await drive(
      keyed
        .windowAll(tumbling(ms(10)))
        .sum(({ n }) => n)
        .to(write),
    );
    await driver.send(items, a(1, 1), at(2, { key: "b", n: 10 }), a(12, 100));
    await driver.advanceWatermark(Number.POSITIVE_INFINITY);
    expect(await told(driver)).toEqual(["null 11 0–10", "null 100 10–20"]);
  });

  test("of the results of windows per key are the top n over all keys", async () => {
    await using driver = await drive(
      keyed
        .window(tumbling(ms(10)))
        .count()
        .windowAll(tumbling(ms(10)))
        .topN(2, ({ value }) => value)
        .map(({ value, ...rest }) => ({ ...rest, value: value.map(({ key, value }) => `${key}${value}`) }))
        .to(write),
    );
    const of = (key: string, count: number) => Array.from({ length: count }, () => at(1, { key, n: 1 }));
    await driver.send(items, ...of("a", 2), ...of("b", 5), ...of("c", 3));
    await driver.advanceWatermark(Number.POSITIVE_INFINITY);
    expect(await told(driver)).toEqual(['null ["b5","c3"] 0–10']);
  });
});
