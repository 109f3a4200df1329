/** Tumbling windows: when they fire, what their results say, and what becomes of windows without elements. */

import { at, milliseconds, seconds, testDriver } from "millrace";
import { describe, expect, test } from "vitest";
import { type Click, clicks, counted, countPerUser, toLines, toSortedLines } from "./clicks.ts";

const ann: Click = { user: "ann" };
const bob: Click = { user: "bob" };

describe("an event-time window", () => {
  test("fires when the watermark reaches end − 1, and not at end − 2", async () => {
    await using driver = await testDriver(countPerUser());
    await driver.send(clicks, at(1_000, ann));
    await driver.advanceWatermark(4_998);
    expect(await driver.read(counted)).toEqual([]);
    await driver.advanceWatermark(4_999);
    expect(toLines(await driver.read(counted))).toEqual(["0 ann 1"]);
  });

  test("gives results with the timestamp end − 1", async () => {
    await using driver = await testDriver(countPerUser());
    await driver.send(clicks, at(1_000, ann), at(12_000, bob));
    await driver.advanceWatermark(Number.POSITIVE_INFINITY);
    const records = await driver.readRecords(counted);
    expect(records.map(({ key, timestampMs }) => [key, timestampMs])).toEqual([
      ["ann", 4_999],
      ["bob", 14_999],
    ]);
  });

  test("holds start inclusive, end exclusive", async () => {
    await using driver = await testDriver(countPerUser());
    await driver.send(clicks, at(0, ann), at(4_999, ann), at(5_000, ann), at(9_999, ann), at(10_000, ann));
    await driver.advanceWatermark(Number.POSITIVE_INFINITY);
    expect(toLines(await driver.read(counted))).toEqual(["0 ann 2", "5000 ann 2", "10000 ann 1"]);
  });

  test.each([
    { offset: 1_000, lines: ["-4000 ann 1", "1000 ann 2", "6000 ann 1"] },
    { offset: -1_000, lines: ["-1000 ann 2", "4000 ann 2"] },
  ])("begins at its offset ($offset)", async ({ offset, lines }) => {
    await using driver = await testDriver(countPerUser({ offset: milliseconds(offset) }));
    await driver.send(clicks, at(999, ann), at(1_000, ann), at(5_999, ann), at(6_000, ann));
    await driver.advanceWatermark(Number.POSITIVE_INFINITY);
    expect(toLines(await driver.read(counted))).toEqual(lines);
  });

  test("with an offset that is no full second fires at its own end, whatever was told before", async () => {
    await using driver = await testDriver(countPerUser({ offset: milliseconds(300) }));
    await driver.send(clicks, at(1_000, ann));
    await driver.advanceWatermark(5_100);
    expect(await driver.read(counted)).toEqual([]);
    await driver.advanceWatermark(5_299);
    expect(toLines(await driver.read(counted))).toEqual(["300 ann 1"]);
  });

  test("shorter than a second fires at its own end", async () => {
    await using driver = await testDriver(countPerUser({ size: 100 }));
    await driver.send(clicks, at(1_010, ann), at(1_120, bob), at(1_230, bob));
    expect(toLines(await driver.read(counted))).toEqual(["1000 ann 1", "1100 bob 1"]);
    await driver.advanceWatermark(1_299);
    expect(toLines(await driver.read(counted))).toEqual(["1000 ann 1", "1100 bob 1", "1200 bob 1"]);
  });

  test("fires once per key, in order of time, when the watermark passes many at once", async () => {
    await using driver = await testDriver(countPerUser());
    await driver.send(clicks, at(1_000, bob), at(1_000, ann), at(2_000, ann), at(31_000, ann), at(32_000, bob));
    await driver.advanceWatermark(100_000);
    const lines = toLines(await driver.read(counted));
    expect(lines.slice(0, 2).sort()).toEqual(["0 ann 2", "0 bob 1"]);
    expect(lines.slice(2).sort()).toEqual(["30000 ann 1", "30000 bob 1"]);
  });

  test("without elements emits nothing", async () => {
    await using driver = await testDriver(countPerUser());
    await driver.send(clicks, at(1_000, ann), at(61_000, ann));
    expect(toLines(await driver.read(counted))).toEqual(["0 ann 1"]);
    expect(driver.reports.reduce((sum, report) => sum + report.windowsClosed, 0)).toBe(1);
  });

  test("fires at the end of the input", async () => {
    await using driver = await testDriver(countPerUser());
    await driver.send(clicks, at(1_000, ann), at(86_400_000_000, bob));
    await driver.advanceWatermark(Number.POSITIVE_INFINITY);
    expect(toSortedLines(await driver.read(counted))).toEqual(["0 ann 1", "86400000000 bob 1"]);
  });

  test("keeps nothing in state after it closed", async () => {
    const operator = countPerUser();
    await using driver = await testDriver(operator);
    await driver.send(clicks, at(1_000, ann), at(6_000, bob));
    expect((await driver.state(operator)).map(({ namespace, key, value }) => [namespace, key, value])).toEqual([
      [5_000, "bob", 1],
    ]);
    await driver.advanceWatermark(9_999);
    expect(await driver.state(operator)).toEqual([]);
  });
});

describe("a processing-time window", () => {
  const inProcessingTime = () => countPerUser({ time: "processing" });

  test("holds what is processed before its end by the clock, whatever the timestamps", async () => {
    await using driver = await testDriver(inProcessingTime(), { startMs: 11_000 });
    await driver.send(clicks, at(1_000, ann), at(99_000, ann));
    await driver.advanceClock(seconds(3));
    await driver.send(clicks, at(1_000, ann));
    expect(await driver.read(counted)).toEqual([]);
    await driver.advanceClock(seconds(2));
    expect(toLines(await driver.read(counted))).toEqual(["10000 ann 3"]);
    expect((await driver.readRecords(counted))[0]?.timestampMs).toBe(14_999);
  });

  test("fires by the clock alone, at its end and not before", async () => {
    await using driver = await testDriver(inProcessingTime(), { startMs: 11_000 });
    await driver.send(clicks, at(1_000, ann));
    await driver.advanceClock(3_998);
    expect(await driver.read(counted)).toEqual([]);
    await driver.advanceClock(2);
    expect(toLines(await driver.read(counted))).toEqual(["10000 ann 1"]);
  });

  test("counts what is processed in its last millisecond, also after a restart", async () => {
    await using driver = await testDriver(inProcessingTime(), { startMs: 14_999 });
    await driver.send(clicks, at(1_000, ann));
    await driver.send(clicks, at(1_000, ann));
    await driver.restart();
    await driver.advanceClock(seconds(5));
    expect(toLines(await driver.read(counted))).toEqual(["10000 ann 2"]);
  });

  test("has no late elements", async () => {
    await using driver = await testDriver(inProcessingTime(), { startMs: 11_000 });
    await driver.send(clicks, at(50_000, ann));
    await driver.advanceClock(seconds(10));
    await driver.send(clicks, at(1_000, ann));
    await driver.advanceClock(seconds(10));
    expect(toLines(await driver.read(counted))).toEqual(["10000 ann 1", "20000 ann 1"]);
    expect(driver.late).toBe(0);
  });
});
