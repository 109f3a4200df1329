/** Triggers and early results rule by rule: when windows give what they hold. */

import {
  countTrigger,
  customTrigger,
  eventTimeTrigger,
  globalWindow,
  operator,
  purging,
  session,
  testDriver,
  tumbling,
} from "millrace";
import { describe, expect, test } from "vitest";
import { readOnce } from "./read-once.ts";
import { a, drive, type Item, items, keyed, ms, out, told, write } from "./window-world.ts";

describe("triggers", () => {
  test("purging drops the contents and gives what came since", async () => {
    await using driver = await drive(
      keyed
        .window(tumbling(ms(100)))
        .trigger(purging(countTrigger(2)))
        .sum(({ n }) => n)
        .to(write),
    );
    await driver.send(items, a(1, 1), a(2, 2), a(3, 4), a(4, 8), a(5, 16));
    await driver.advanceWatermark(Number.POSITIVE_INFINITY);
    expect(await told(driver)).toEqual(["a 3 0–100", "a 12 0–100"]);
  });

  test("without purging results accumulate", async () => {
    await using driver = await drive(
      keyed
        .window(tumbling(ms(100)))
        .trigger(countTrigger(2))
        .sum(({ n }) => n)
        .to(write),
    );
    await driver.send(items, a(1, 1), a(2, 2), a(3, 4), a(4, 8));
    expect(await told(driver)).toEqual(["a 3 0–100", "a 15 0–100"]);
  });

  test("a count goes on over merging sessions", async () => {
    await using driver = await drive(
      keyed
        .window(session(ms(10)))
        .trigger(countTrigger(5))
        .count()
        .to(write),
    );
    await driver.send(items, a(0), a(1), a(15), a(9));
    expect(await told(driver)).toEqual([]);
    await driver.send(items, a(3));
    expect(await told(driver)).toEqual(["a 5 0–25"]);
  });

  test("of the author's own have state, timers of both times, and see the window", async () => {
    const everyFiveAfter = customTrigger<Item, { count: number }, { readonly startMs: number }>({
      state: () => ({ count: 0 }),
      onElement(_, context) {
        context.state = { count: context.state.count + 1 };
        context.setEventTimer(context.window.startMs + 5);
        context.setProcessingTimer(context.processingTimeMs + 7);
        return "continue";
      },
      onEventTime: (timeMs, { window }) => (timeMs === window.startMs + 5 ? "fire" : "continue"),
      onProcessingTime: () => "fire-and-purge",
    });
    await using driver = await drive(
      keyed
        .window(tumbling(ms(100)))
        .trigger(everyFiveAfter)
        .count()
        .to(write),
    );
    await driver.send(items, a(1), a(2));
    await driver.advanceWatermark(4);
    expect(await told(driver)).toEqual([]);
    await driver.advanceWatermark(5);
    expect(await told(driver)).toEqual(["a 2 0–100"]);
    await driver.advanceClock(7);
    expect(await told(driver)).toHaveLength(1);
    await driver.advanceClock(1);
    expect(await told(driver)).toEqual(["a 2 0–100", "a 2 0–100"]);
    await driver.advanceWatermark(Number.POSITIVE_INFINITY);
    expect(await told(driver)).toHaveLength(2);
  });

  test("that throw at a timer leave a dead letter, and the window goes on", async () => {
    const broken = customTrigger<Item, number>({
      state: () => 0,
      onElement(_, context) {
        if (context.timestampMs < 5) context.setEventTimer(5);
        return "continue";
      },
      onEventTime(timeMs) {
        if (timeMs === 5) throw new Error("not at five");
        return "fire";
      },
    });
    const handler = operator(
      "rules",
      keyed
        .window(tumbling(ms(100)))
        .trigger(broken)
        .count()
        .to(write),
    );
    await using driver = await testDriver(handler);
    await driver.send(items, a(1));
    await driver.advanceWatermark(5);
    await driver.send(items, a(50));
    await driver.advanceWatermark(Number.POSITIVE_INFINITY);
    expect(await readOnce(driver, out)).toEqual(["a 2 0–100"]);
    expect((await driver.deadLetters(handler)).map(({ reason, step }) => [reason, step])).toEqual([
      ["not at five", "trigger"],
    ]);
  });

  test("that throw or return nonsense at an element make it a dead letter, and nothing of it is left", async () => {
    const picky = customTrigger<Item, number>({
      state: () => 0,
      onElement: ({ n }) => (n < 0 ? ("explode" as never) : "fire"),
    });
    const handler = operator(
      "rules",
      keyed
        .window(tumbling(ms(100)))
        .trigger(picky)
        .count()
        .to(write),
    );
    await using driver = await testDriver(handler);
    await driver.send(items, a(1), a(2, -1), a(3));
    expect(await readOnce(driver, out)).toEqual(["a 1 0–100", "a 2 0–100"]);
    expect((await driver.deadLetters(handler)).map(({ reason }) => reason)).toEqual([
      'onElement of a custom trigger returned "explode"; it returns "continue", "fire", "purge" or "fire-and-purge".',
    ]);
  });

  test("at event time fire the global window at the end of the input, with the clock's time", async () => {
    await using driver = await drive(keyed.window(globalWindow()).trigger(eventTimeTrigger()).count().to(write));
    await driver.send(items, a(1), a(2));
    await driver.advanceWatermark(Number.POSITIVE_INFINITY);
    expect((await driver.readRecords(out)).map(({ value, timestampMs }) => [value, timestampMs])).toEqual([
      ["a 2 global", 1_000],
    ]);
  });
});

describe("emit", () => {
  test("updates: the result so far with every element, and none at the close", async () => {
    await using driver = await drive(
      keyed
        .window(tumbling(ms(10)), { emit: "updates" })
        .count()
        .to(write),
    );
    await driver.send(items, a(1), a(2), a(11));
    await driver.advanceWatermark(Number.POSITIVE_INFINITY);
    expect(await told(driver)).toEqual(["a 1 0–10", "a 2 0–10", "a 1 10–20"]);
  });

  test("as often as said in event time where something changed, and at the end", async () => {
    await using driver = await drive(
      keyed
        .window(tumbling(ms(100)), { emit: { every: ms(10) } })
        .count()
        .to(write),
    );
    await driver.send(items, a(1), a(2));
    await driver.advanceWatermark(9);
    expect(await told(driver)).toEqual([]);
    await driver.advanceWatermark(10);
    expect(await told(driver)).toEqual(["a 2 0–100"]);
    await driver.advanceWatermark(50);
    expect(await told(driver)).toHaveLength(1);
    await driver.send(items, a(95));
    await driver.advanceWatermark(99);
    expect(await told(driver)).toEqual(["a 2 0–100", "a 3 0–100"]);
    await driver.advanceWatermark(Number.POSITIVE_INFINITY);
    expect(await told(driver)).toHaveLength(2);
  });

  test("as often as said by the clock, for windows in event time", async () => {
    await using driver = await drive(
      keyed
        .window(tumbling(ms(100)), { emit: { every: ms(10), time: "processing" } })
        .count()
        .to(write),
    );
    await driver.send(items, a(1), a(2));
    await driver.advanceClock(11);
    expect(await told(driver)).toEqual(["a 2 0–100"]);
    await driver.advanceClock(100);
    await driver.send(items, a(3));
    await driver.advanceWatermark(99);
    expect(await told(driver)).toEqual(["a 2 0–100", "a 3 0–100"]);
    await driver.advanceClock(100);
    expect(await told(driver)).toHaveLength(2);
  });
});
