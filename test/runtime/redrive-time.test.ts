/** Dead letters that are processed again are of their own time, and time does not move by them. */

import {
  at,
  boundedOutOfOrderness,
  json,
  milliseconds,
  operator,
  stream,
  testDriver,
  text,
  topic,
  tumbling,
} from "millrace";
import { beforeEach, describe, expect, test } from "vitest";
import { breakJobs, type Job, jobs, out, repair, work } from "./broken-jobs.ts";

beforeEach(() => breakJobs("bad"));

describe("time", () => {
  const windowed = operator(
    "windowed",
    stream(jobs)
      .map(work)
      .keyBy(() => "all")
      .window(tumbling(milliseconds(1_000)))
      .sum(({ n }) => n)
      .to(out.from(({ value, window }) => `${window.startMs} ${value}`)),
  );

  test("stands still: a redriven record fires nothing and makes nothing late", async () => {
    await using driver = await testDriver(windowed);
    await driver.send(jobs, at(1_000, { name: "a", n: 1 }), at(90_000, { name: "bad", n: 10 }));
    repair();
    await driver.redrive(windowed);
    expect(await driver.read(out)).toEqual([]);
    await driver.send(jobs, at(1_500, { name: "a", n: 2 }));
    await driver.advanceWatermark(Number.POSITIVE_INFINITY);
    expect(await driver.read(out)).toEqual(["1000 3", "90000 10"]);
    expect(driver.late).toBe(0);
    const ofReader = driver.reports.filter(({ functionName }) => functionName === "windowed");
    expect(ofReader.map(({ checkpoint }) => checkpoint)).toEqual([-1, 1, 1, 1, 2, 2]);
  });

  test("has gone on: a record whose window has closed is late", async () => {
    await using driver = await testDriver(windowed);
    await driver.send(jobs, at(1_000, { name: "bad", n: 10 }), at(90_000, { name: "a", n: 1 }));
    repair();
    expect(await driver.redrive(windowed)).toMatchObject([{ outcome: "redriven" }]);
    await driver.advanceWatermark(Number.POSITIVE_INFINITY);
    expect(await driver.read(out)).toEqual(["90000 1"]);
    expect(driver.late).toBe(1);
  });

  test("by the clock: a redriven record is of the window of now, which closes by itself", async () => {
    const clocked = operator(
      "clocked",
      stream(jobs)
        .map(work)
        .keyBy(() => "all")
        .window(tumbling(milliseconds(1_000), { time: "processing" }))
        .sum(({ n }) => n)
        .to(out.from(({ value }) => `${value}`)),
    );
    await using driver = await testDriver(clocked);
    await driver.send(jobs, { name: "bad", n: 10 });
    await driver.advanceClock(5_000);
    repair();
    await driver.redrive(clocked);
    expect(await driver.read(out)).toEqual([]);
    await driver.advanceClock(1_000);
    expect(await driver.read(out)).toEqual(["10"]);
  });
});

describe("a redrive while the input is idle and the watermark follows the clock", () => {
  const idle = topic("idle", {
    key: text(),
    value: json<Job>(),
    watermark: boundedOutOfOrderness(milliseconds(1_000), { idleAfter: milliseconds(2_000), whenIdle: "follow-clock" }),
  });
  const summing = stream(idle).map(work);
  const closing = (keyed: ReturnType<typeof summing.keyBy<string>>) =>
    keyed
      .window(tumbling(milliseconds(5_000)))
      .sum(({ n }) => n)
      .to(out.from(({ value }) => `${value}`));

  test.each([
    ["in the function that reads it", operator("within", closing(summing.keyedByTopicKey())), ["1"]],
    // There it is an element like any other, and the clock closes what it may.
    ["behind a shuffle", operator("across", closing(summing.keyBy(() => "all"))), ["1", "100"]],
  ])("opens windows %s, which the clock closes and not the redrive", async (_, tested, atOnce) => {
    await using driver = await testDriver(tested);
    const startMs = driver.nowMs;
    await driver.send(idle, at(startMs, { name: "a", n: 1 }, { key: "all" }));
    await driver.send(idle, at(startMs + 60_000, { name: "bad", n: 10 }, { key: "all" }));
    await driver.send(idle, at(startMs + 20_000, { name: "bad", n: 100 }, { key: "all" }));
    await driver.advanceClock(40_000);
    expect(await driver.read(out)).toEqual(["1"]);
    repair();
    await driver.redrive(tested);
    expect(await driver.read(out)).toEqual(atOnce);
    await driver.advanceClock(1);
    expect(await driver.read(out)).toEqual(["1", "100"]);
    await driver.advanceClock(25_000);
    expect(await driver.read(out)).toEqual(["1", "100"]);
    await driver.advanceClock(2_000);
    expect(await driver.read(out)).toEqual(["1", "100", "10"]);
  });

  test("of what failed behind a shuffle opens a window that the next tick closes", async () => {
    const there = operator(
      "there",
      closing(
        stream(idle)
          .keyBy(() => "all")
          .map(work),
      ),
    );
    await using driver = await testDriver(there);
    await driver.send(idle, at(driver.nowMs, { name: "bad", n: 10 }, { key: "all" }));
    await driver.advanceClock(40_000);
    repair();
    await driver.redrive(there);
    expect(await driver.read(out)).toEqual([]);
    await driver.advanceClock(1);
    expect(await driver.read(out)).toEqual(["10"]);
  });
});
