/** Lateness: an element is late where the watermark has passed the clean-up time of its window, and nowhere else. */

import { at, testDriver } from "millrace";
import { describe, expect, test } from "vitest";
import { type Click, clicks, counted, countPerUser, lateClicks, toLines } from "./clicks.ts";
import { readOnce } from "./read-once.ts";

const ann: Click = { user: "ann" };
const bob: Click = { user: "bob" };

describe("without allowed lateness", () => {
  test("an element behind the watermark counts while its window is open", async () => {
    await using driver = await testDriver(countPerUser());
    await driver.send(clicks, at(4_000, ann));
    await driver.send(clicks, at(1_000, ann));
    await driver.advanceWatermark(4_999);
    expect(toLines(await driver.read(counted))).toEqual(["0 ann 2"]);
    expect(driver.late).toBe(0);
  });

  test("an element of a window that has fired is counted as late and dropped", async () => {
    await using driver = await testDriver(countPerUser());
    await driver.send(clicks, at(1_000, ann));
    await driver.advanceWatermark(4_999);
    await driver.send(clicks, at(4_999, ann), at(2_000, bob));
    await driver.advanceWatermark(Number.POSITIVE_INFINITY);
    expect(toLines(await driver.read(counted))).toEqual(["0 ann 1"]);
    expect(driver.late).toBe(2);
  });

  test("one millisecond of watermark decides", async () => {
    await using driver = await testDriver(countPerUser());
    await driver.advanceWatermark(4_998);
    await driver.send(clicks, at(100, ann));
    expect(driver.late).toBe(0);
    await driver.advanceWatermark(4_999);
    await driver.send(clicks, at(100, ann));
    expect(driver.late).toBe(1);
    expect(toLines(await driver.read(counted))).toEqual(["0 ann 1"]);
  });

  test("late elements go to their topic with key and timestamp, and are counted", async () => {
    await using driver = await testDriver(countPerUser({ late: "to topic" }));
    await driver.send(clicks, at(1_000, ann));
    await driver.advanceWatermark(4_999);
    await driver.send(clicks, at(3_000, { user: "bob", n: 7 }), at(6_000, ann));
    const records = await driver.readRecords(lateClicks);
    expect(records.map(({ key, value, timestampMs }) => ({ key, value, timestampMs }))).toEqual([
      { key: "bob", value: { user: "bob", n: 7 }, timestampMs: 3_000 },
    ]);
    expect(driver.late).toBe(1);
    await driver.advanceWatermark(Number.POSITIVE_INFINITY);
    expect(toLines(await driver.read(counted))).toEqual(["0 ann 1", "5000 ann 1"]);
  });
});

describe("with allowed lateness", () => {
  // lateTo has the elements of a batch sent one by one; without it they arrive as one partial result.
  const settings = { allowedLateness: 2_000 };

  test("a late element that is allowed fires again at once, with the updated result", async () => {
    await using driver = await testDriver(countPerUser(settings));
    await driver.send(clicks, at(1_000, ann), at(2_000, bob));
    await driver.advanceWatermark(5_000);
    await driver.send(clicks, at(3_000, ann));
    await driver.send(clicks, at(4_000, ann));
    const lines = toLines(await driver.read(counted));
    expect(lines.slice(0, 2).sort()).toEqual(["0 ann 1", "0 bob 1"]);
    expect(lines.slice(2)).toEqual(["0 ann 2", "0 ann 3"]);
    expect(driver.late).toBe(0);
  });

  test("each of several late elements fires, where they are not aggregated before the shuffle", async () => {
    await using driver = await testDriver(countPerUser({ ...settings, late: "to topic" }));
    await driver.send(clicks, at(1_000, ann));
    await driver.advanceWatermark(5_000);
    await driver.send(clicks, at(3_000, ann), at(4_000, ann));
    expect(toLines(await driver.read(counted))).toEqual(["0 ann 1", "0 ann 2", "0 ann 3"]);
  });

  test("elements of one batch that were aggregated before the shuffle fire once, together", async () => {
    await using driver = await testDriver(countPerUser(settings));
    await driver.send(clicks, at(1_000, ann));
    await driver.advanceWatermark(5_000);
    await driver.send(clicks, at(3_000, ann), at(4_000, ann));
    expect(toLines(await driver.read(counted))).toEqual(["0 ann 1", "0 ann 3"]);
  });

  test("a late element of a key that had none fires its window for the first time", async () => {
    await using driver = await testDriver(countPerUser(settings));
    await driver.advanceWatermark(5_000);
    await driver.send(clicks, at(3_000, bob));
    expect(toLines(await driver.read(counted))).toEqual(["0 bob 1"]);
    await driver.advanceWatermark(Number.POSITIVE_INFINITY);
    expect(toLines(await driver.read(counted))).toEqual(["0 bob 1"]);
  });

  test("clean-up is at end − 1 + lateness: one below it counts, at it the element is late", async () => {
    const operator = countPerUser({ ...settings, late: "to topic" });
    await using driver = await testDriver(operator);
    await driver.send(clicks, at(1_000, ann));
    await driver.advanceWatermark(6_998);
    await driver.send(clicks, at(2_000, ann));
    expect(toLines(await driver.read(counted))).toEqual(["0 ann 1", "0 ann 2"]);
    expect(await driver.state(operator)).toHaveLength(1);
    await driver.advanceWatermark(6_999);
    expect(await driver.state(operator)).toEqual([]);
    await driver.send(clicks, at(2_000, ann));
    expect(await driver.read(lateClicks)).toEqual([ann]);
    expect(toLines(await driver.read(counted))).toHaveLength(2);
  });

  test("a window that was cleaned up does not fire again at the end", async () => {
    await using driver = await testDriver(countPerUser(settings));
    await driver.send(clicks, at(1_000, ann));
    await driver.advanceWatermark(5_500);
    await driver.advanceWatermark(6_500);
    await driver.advanceWatermark(Number.POSITIVE_INFINITY);
    expect(toLines(await driver.read(counted))).toEqual(["0 ann 1"]);
  });

  test("a window that fired is kept over a restart for its late elements, and fires no second time by itself", async () => {
    await using driver = await testDriver(countPerUser(settings));
    await driver.send(clicks, at(1_000, ann));
    await driver.advanceWatermark(5_500);
    await driver.restart();
    await driver.send(clicks, at(2_000, ann));
    await driver.restart();
    await driver.advanceWatermark(Number.POSITIVE_INFINITY);
    expect(toLines(await readOnce(driver, counted))).toEqual(["0 ann 1", "0 ann 2"]);
  });

  test("elements that arrive before the watermark of their own batch are not late by it", async () => {
    await using driver = await testDriver(countPerUser(settings));
    await driver.send(clicks, at(50_000, ann), at(1_000, bob));
    expect(toLines(await driver.read(counted))).toEqual(["0 bob 1"]);
    expect(driver.late).toBe(0);
  });
});
