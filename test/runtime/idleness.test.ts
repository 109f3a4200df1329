/** Idle inputs: left out only where there was nothing to read for longer than idleAfter, and back only once they are aligned. */

import { at, boundedOutOfOrderness, milliseconds, seconds, testDriver, type WatermarkOptions } from "millrace";
import { describe, expect, test } from "vitest";
import { type Click, clicksTopic, counted, countPerUser, toLines, toSortedLines } from "./clicks.ts";

const ann: Click = { user: "ann" };
const bob: Click = { user: "bob" };

const START_MS = 1_000_000;

function counting(options: WatermarkOptions, partitions = 2, boundMs = 0) {
  const source = clicksTopic(boundedOutOfOrderness(milliseconds(boundMs), options), partitions);
  const operator = countPerUser({ source });
  return { source, start: () => testDriver(operator, { partitions: "declared", startMs: START_MS }) };
}

describe("a partition with nothing to read", () => {
  test("holds the watermark back for idleAfter, and not a millisecond longer than that", async () => {
    const { source, start } = counting({ idleAfter: seconds(3), whenIdle: "wait" });
    await using driver = await start();
    await driver.advanceClock(seconds(1));
    await driver.send(source, at(1_000, ann, { partition: 0 }));
    // Partition 1 was first looked at when the driver began, one second ago: its time is over one second earlier.
    await driver.send(source, at(60_000, bob, { partition: 0 }));
    await driver.advanceClock(2_000);
    expect(await driver.read(counted)).toEqual([]);
    await driver.advanceClock(1);
    expect(toLines(await driver.read(counted))).toEqual(["0 ann 1"]);
  });

  test("holds it back for ever without idleAfter", async () => {
    const { source, start } = counting({});
    await using driver = await start();
    await driver.send(source, at(1_000, ann, { partition: 0 }), at(60_000, bob, { partition: 0 }));
    await driver.advanceClock(seconds(100_000));
    expect(await driver.read(counted)).toEqual([]);
  });

  test("that gets elements all the time is never idle", async () => {
    const { source, start } = counting({ idleAfter: seconds(3), whenIdle: "wait" });
    await using driver = await start();
    for (let i = 0; i < 5; i++) {
      await driver.send(source, at(1_000, ann, { partition: 1 }), at(60_000 + i, bob, { partition: 0 }));
      await driver.advanceClock(seconds(3));
    }
    expect(await driver.read(counted)).toEqual([]);
  });
});

describe("a partition that comes back from idleness", () => {
  test("counts again once it has reached the watermark, and holds nothing back before", async () => {
    const { source, start } = counting({ idleAfter: seconds(3), whenIdle: "wait" });
    await using driver = await start();
    await driver.send(source, at(1_000, ann, { partition: 0 }));
    await driver.advanceClock(seconds(2));
    await driver.send(source, at(10_000, ann, { partition: 0 }));
    await driver.advanceClock(seconds(2));
    expect(toLines(await driver.read(counted))).toEqual(["0 ann 1"]);
    // Behind the watermark 9,999: its own element is late, and the others go on.
    await driver.send(source, at(2_000, bob, { partition: 1 }));
    expect(driver.late).toBe(1);
    await driver.send(source, at(20_000, ann, { partition: 0 }));
    expect(toLines(await driver.read(counted))).toEqual(["0 ann 1", "10000 ann 1"]);
    // Reached: from here on it holds the watermark back as everybody does.
    await driver.send(source, at(21_000, bob, { partition: 1 }));
    await driver.send(source, at(40_000, ann, { partition: 0 }));
    expect(toLines(await driver.read(counted))).toHaveLength(2);
    await driver.send(source, at(26_000, bob, { partition: 1 }));
    expect(toSortedLines(await driver.read(counted)).slice(2)).toEqual(["20000 ann 1", "20000 bob 1"]);
  });
});

describe("when all partitions are idle", () => {
  test('with "wait" the watermark goes to the greatest of them and stands still', async () => {
    const { source, start } = counting({ idleAfter: seconds(3), whenIdle: "wait" });
    await using driver = await start();
    await driver.send(source, at(1_000, ann, { partition: 0 }), at(7_000, bob, { partition: 1 }));
    await driver.advanceClock(seconds(1_000));
    expect(toLines(await driver.read(counted))).toEqual(["0 ann 1"]);
    expect(driver.reports.at(-1)?.watermarkMs).toBe(6_999);
  });

  test('with "follow-clock" the watermark follows the clock at the bound\'s distance', async () => {
    const { source, start } = counting({ idleAfter: seconds(3), whenIdle: "follow-clock" }, 2, 2_000);
    await using driver = await start();
    await driver.send(source, at(START_MS + 1_000, ann, { partition: 0 }));
    // The window ends at START + 5 s, and so the clock has to pass START + 7 s.
    await driver.advanceClock(6_999);
    expect(await driver.read(counted)).toEqual([]);
    await driver.advanceClock(1);
    expect(toLines(await driver.read(counted))).toEqual([`${START_MS} ann 1`]);
  });

  test('with "follow-clock" an element that comes behind the clock is late', async () => {
    const { source, start } = counting({ idleAfter: seconds(3) });
    await using driver = await start();
    await driver.send(source, at(START_MS, ann, { partition: 0 }));
    await driver.advanceClock(seconds(20));
    expect(toLines(await driver.read(counted))).toEqual([`${START_MS} ann 1`]);
    await driver.send(source, at(START_MS + 100, ann, { partition: 0 }));
    expect(driver.late).toBe(1);
  });

  test("over a restart all the same", async () => {
    const { source, start } = counting({ idleAfter: seconds(3) });
    await using driver = await start();
    await driver.send(source, at(START_MS, ann, { partition: 0 }));
    await driver.restart();
    await driver.advanceClock(seconds(3));
    await driver.restart();
    await driver.advanceClock(seconds(20));
    expect(toLines(await driver.read(counted))).toEqual([`${START_MS} ann 1`]);
  });
});
