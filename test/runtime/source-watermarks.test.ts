/** Watermarks of sources: derived per partition, combined over partitions, never back, kept with the state. */

import { at, boundedOutOfOrderness, milliseconds, monotonic, seconds, testDriver } from "millrace";
import { describe, expect, test } from "vitest";
import { type Click, clicks, clicksTopic, counted, countPerUser, toLines, toSortedLines } from "./clicks.ts";
import { readOnce } from "./read-once.ts";

const ann: Click = { user: "ann" };
const bob: Click = { user: "bob" };

describe("one partition", () => {
  test("bounded out-of-orderness: the watermark is the newest timestamp − bound − 1", async () => {
    const source = clicksTopic(boundedOutOfOrderness(seconds(2)));
    await using driver = await testDriver(countPerUser({ source }));
    await driver.send(source, at(1_000, ann), at(6_999, bob));
    expect(await driver.read(counted)).toEqual([]);
    await driver.send(source, at(7_000, bob));
    expect(toLines(await driver.read(counted))).toEqual(["0 ann 1"]);
  });

  test("bounded out-of-orderness: an element as far behind as the bound is on time", async () => {
    const source = clicksTopic(boundedOutOfOrderness(seconds(2)));
    await using driver = await testDriver(countPerUser({ source }));
    await driver.send(source, at(6_500, bob));
    await driver.send(source, at(4_500, ann));
    await driver.advanceWatermark(Number.POSITIVE_INFINITY);
    expect(toLines(await driver.read(counted))).toEqual(["0 ann 1", "5000 bob 1"]);
    expect(driver.late).toBe(0);
  });

  test("monotonic: equal timestamps are on time, the newest − 1 is the watermark", async () => {
    const source = clicksTopic(monotonic());
    await using driver = await testDriver(countPerUser({ source }));
    await driver.send(source, at(4_999, ann));
    await driver.send(source, at(4_999, ann));
    expect(await driver.read(counted)).toEqual([]);
    await driver.send(source, at(5_000, bob));
    expect(toLines(await driver.read(counted))).toEqual(["0 ann 2"]);
  });

  test("the watermark never goes back, neither by old elements nor by being told", async () => {
    await using driver = await testDriver(countPerUser());
    await driver.send(clicks, at(20_000, bob));
    await driver.send(clicks, at(1_000, ann));
    expect(driver.late).toBe(1);
    await driver.advanceWatermark(0);
    await driver.send(clicks, at(2_000, ann));
    expect(driver.late).toBe(2);
    expect(driver.reports.at(-1)?.watermarkMs).toBe(19_999);
  });

  test("the watermark survives a restart, as in Flink SQL", async () => {
    await using driver = await testDriver(countPerUser());
    await driver.send(clicks, at(20_000, bob));
    await driver.restart();
    await driver.send(clicks, at(1_000, ann));
    expect(driver.late).toBe(1);
    await driver.advanceWatermark(Number.POSITIVE_INFINITY);
    expect(toLines(await readOnce(driver, counted))).toEqual(["20000 bob 1"]);
  });
});

describe("several partitions", () => {
  const source = clicksTopic(boundedOutOfOrderness(milliseconds(0)), 3);
  const counting = () => testDriver(countPerUser({ source }), { partitions: "declared" });

  test("the slowest decides, and one that never had a record holds all back", async () => {
    await using driver = await counting();
    await driver.send(source, at(1_000, ann, { partition: 0 }), at(60_000, bob, { partition: 1 }));
    await driver.send(source, at(61_000, bob, { partition: 0 }));
    expect(await driver.read(counted)).toEqual([]);
    await driver.send(source, at(7_000, ann, { partition: 2 }));
    expect(toLines(await driver.read(counted))).toEqual(["0 ann 1"]);
    await driver.send(source, at(60_000, ann, { partition: 2 }));
    expect(toLines(await driver.read(counted))).toEqual(["0 ann 1", "5000 ann 1"]);
  });

  test("an element of a slow partition is not late by a fast one", async () => {
    await using driver = await counting();
    await driver.send(source, at(60_000, bob, { partition: 1 }));
    await driver.send(source, at(1_000, ann, { partition: 0 }), at(1_500, ann, { partition: 2 }));
    await driver.advanceWatermark(Number.POSITIVE_INFINITY);
    expect(toSortedLines(await driver.read(counted))).toEqual(["0 ann 2", "60000 bob 1"]);
    expect(driver.late).toBe(0);
  });

  test("watermarks alone close the windows of partitions that get no elements", async () => {
    await using driver = await counting();
    const users = Array.from({ length: 20 }, (_, i): Click => ({ user: `user-${i}` }));
    await driver.send(source, ...users.map((user, i) => at(1_000, user, { partition: i % 3 })));
    // One key, and so one partition of the shuffle, gets everything from here on.
    for (const partition of [0, 1, 2]) await driver.send(source, at(9_000, ann, { partition }));
    expect(toSortedLines(await driver.read(counted))).toEqual(users.map(({ user }) => `0 ${user} 1`).sort());
    const partitions = new Set((await driver.readRecords(counted)).map(({ identity }) => identity?.task));
    expect(partitions.size).toBe(3);
  });
});
