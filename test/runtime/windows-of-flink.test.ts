/** What Flink's own tests of its window operators find, with their numbers: WindowOperatorTest and EvictingWindowOperatorTest. */

import {
  at,
  boundedOutOfOrderness,
  json,
  milliseconds,
  noWatermark,
  operator,
  seconds,
  session,
  sliding,
  stream,
  testDriver,
  text,
  topic,
  tumbling,
} from "millrace";
import { describe, expect, test } from "vitest";
import { readOnce } from "./read-once.ts";

type Item = { readonly key: string; readonly n: number };
type Found = { readonly key: string; readonly n: number; readonly from: number; readonly to: number };

// Only the test moves the time.
const items = topic("items", {
  value: json<Item>(),
  watermark: boundedOutOfOrderness(milliseconds(1_000_000)),
  partitions: 1,
});
const sums = topic("sums", { key: text(), value: json<Found>(), partitions: 1 });
const late = topic("late", { value: json<Item>(), partitions: 1 });
const counts = topic("counts", { value: json<{ readonly key: string; readonly n: number }>(), partitions: 1 });

const keyed = stream(items).keyBy(({ key }) => key);
const toFound = ({
  key,
  value,
  window,
}: {
  key: string;
  value: number;
  window: { startMs: number; endMs: number };
}) => ({
  key,
  n: value,
  from: window.startMs,
  to: window.endMs,
});
const element = (key: string, timestampMs: number, n = 1) => at(timestampMs, { key, n });
const lines = (found: readonly Found[]) => found.map(({ key, n, from, to }) => `${key} ${n} ${from}–${to}`);

const EIGHT = [
  element("key2", 3_999),
  element("key2", 3_000),
  element("key1", 20),
  element("key1", 0),
  element("key1", 999),
  element("key2", 1_998),
  element("key2", 1_999),
  element("key2", 1_000),
];

describe.each([false, true])("with a restart after every batch: %s", (restartAfterEveryBatch) => {
  test("sliding windows of three seconds by one", async () => {
    const handler = operator(
      "flink",
      keyed
        .window(sliding(seconds(3), seconds(1)))
        .sum(({ n }) => n)
        .to(sums.from(toFound)),
    );
    await using driver = await testDriver(handler, { restartAfterEveryBatch });
    await driver.send(items, ...EIGHT);
    const fired: string[][] = [];
    let seen = 0;
    for (const watermarkMs of [999, 1_999, 2_999, 3_999, 4_999, 5_999, 6_999]) {
      await driver.advanceWatermark(watermarkMs);
      const all = lines(await readOnce(driver, sums));
      fired.push(all.slice(seen).sort());
      seen = all.length;
    }
    expect(fired).toEqual([
      ["key1 3 -2000–1000"],
      ["key1 3 -1000–2000", "key2 3 -1000–2000"],
      ["key1 3 0–3000", "key2 3 0–3000"],
      ["key2 5 1000–4000"],
      ["key2 2 2000–5000"],
      ["key2 2 3000–6000"],
      [],
    ]);
  });

  test("tumbling windows of three seconds", async () => {
    const handler = operator(
      "flink",
      keyed
        .window(tumbling(seconds(3)))
        .sum(({ n }) => n)
        .to(sums.from(toFound)),
    );
    await using driver = await testDriver(handler, { restartAfterEveryBatch });
    await driver.send(items, ...EIGHT);
    await driver.advanceWatermark(1_999);
    expect(await readOnce(driver, sums)).toEqual([]);
    await driver.advanceWatermark(2_999);
    expect(lines(await readOnce(driver, sums)).sort()).toEqual(["key1 3 0–3000", "key2 3 0–3000"]);
    await driver.advanceWatermark(5_999);
    expect(lines(await readOnce(driver, sums)).slice(2)).toEqual(["key2 2 3000–6000"]);
  });

  test("sessions with a gap of three seconds", async () => {
    const handler = operator(
      "flink",
      keyed
        .window(session(seconds(3)))
        .sum(({ n }) => n)
        .to(sums.from(toFound)),
    );
    await using driver = await testDriver(handler, { restartAfterEveryBatch });
    await driver.send(items, element("key2", 0, 1), element("key2", 1_000, 2), element("key2", 2_500, 3));
    await driver.send(items, element("key1", 10, 1), element("key1", 1_000, 2));
    await driver.restart();
    await driver.send(items, element("key1", 2_500, 3), element("key2", 5_501, 4), element("key2", 6_000, 5));
    await driver.send(items, element("key2", 6_000, 5), element("key2", 6_050, 6));
    await driver.advanceWatermark(12_000);
    expect(lines(await readOnce(driver, sums))).toEqual(["key1 6 10–5500", "key2 6 0–5500", "key2 20 5501–9050"]);
    await driver.send(items, element("key2", 15_000, 10), element("key2", 15_000, 20));
    await driver.advanceWatermark(17_999);
    expect(lines(await readOnce(driver, sums)).slice(3)).toEqual(["key2 30 15000–18000"]);
  });

  test("sessions without lateness drop what is late and meets nothing", async () => {
    const handler = operator(
      "flink",
      keyed
        .window(session(seconds(3)))
        .lateTo(late)
        .sum(({ n }) => n)
        .to(sums.from(toFound)),
    );
    await using driver = await testDriver(handler, { restartAfterEveryBatch });
    await driver.send(items, element("key2", 1_000));
    await driver.advanceWatermark(1_999);
    await driver.send(items, element("key2", 2_000));
    await driver.advanceWatermark(4_998);
    await driver.send(items, element("key2", 4_500));
    await driver.advanceWatermark(8_514);
    expect(lines(await readOnce(driver, sums))).toEqual(["key2 3 1000–7500"]);
    await driver.send(items, element("key1", 4_000));
    expect(await readOnce(driver, late)).toEqual([{ key: "key1", n: 1 }]);
    expect(driver.late).toBe(1);
  });

  test("the last four elements, with every second one", async () => {
    const handler = operator(
      "flink",
      keyed
        .countWindow(4, 2)
        .sum(({ n }) => n)
        .map(({ key, value }) => ({ key, n: value }))
        .to(counts.from((found) => found)),
    );
    await using driver = await testDriver(handler, { restartAfterEveryBatch });
    await driver.send(
      items,
      ...[3_000, 3_999].map((ms) => element("key2", ms)),
      ...[20, 0, 999].map((ms) => element("key1", ms)),
      ...[1_998, 1_999, 1_000].map((ms) => element("key2", ms)),
    );
    const told = async () => (await readOnce(driver, counts)).map(({ key, n }) => `${key} ${n}`);
    expect((await told()).sort()).toEqual(["key1 2", "key2 2", "key2 4"]);
    await driver.send(items, element("key1", 10_999), element("key2", 1_000));
    expect((await told()).slice(3).sort()).toEqual(["key1 4", "key2 4"]);
  });
});

test("windows that count need no event time", async () => {
  const timeless = topic("timeless", { value: json<Item>(), watermark: noWatermark(), partitions: 1 });
  const handler = operator(
    "count",
    stream(timeless)
      .keyBy(({ key }) => key)
      .countWindow(3)
      .sum(({ n }) => n)
      .map(({ key, value }) => ({ key, n: value }))
      .to(counts.from((found) => found)),
  );
  await using driver = await testDriver(handler);
  await driver.send(timeless, ...[1, 2, 3, 4, 5].map((n) => ({ key: "a", n })));
  await driver.restart();
  await driver.send(timeless, { key: "a", n: 6 });
  expect(await readOnce(driver, counts)).toEqual([
    { key: "a", n: 6 },
    { key: "a", n: 15 },
  ]);
});
