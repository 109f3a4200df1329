import {
  at,
  boundedOutOfOrderness,
  json,
  operator,
  seconds,
  stream,
  testDriver,
  text,
  topic,
  tumbling,
} from "millrace";
import { describe, expect, test } from "vitest";

type WordCount = { readonly word: string; readonly count: number; readonly windowStartMs: number };

const lines = topic("lines", {
  value: text(),
  watermark: boundedOutOfOrderness(seconds(1), { idleAfter: seconds(3) }),
  partitions: 4,
});
const wordCounts = topic("word-counts", { key: text(), value: json<WordCount>(), partitions: 2 });

const countWords = operator(
  "count-words",
  stream(lines)
    .flatMap((line) =>
      line
        .toLowerCase()
        .split(/\W+/)
        .filter((word) => word !== ""),
    )
    .keyBy((word) => word)
    .window(tumbling(seconds(5)))
    .count()
    .to(wordCounts.from(({ key, value, window }) => ({ word: key, count: value, windowStartMs: window.startMs }))),
);

const sorted = (counts: readonly WordCount[]) => counts.map((c) => `${c.windowStartMs} ${c.word} ${c.count}`).sort();

describe("the windowed word count", () => {
  test("counts words per window of five seconds and emits when the watermark passes its end", async () => {
    await using driver = await testDriver(countWords);
    await driver.send(lines, at(1_000, "to be or not"), at(4_999, "to be"), at(5_000, "be"));
    expect(await driver.read(wordCounts)).toEqual([]);
    await driver.send(lines, at(6_000, "that is"));
    expect(sorted(await driver.read(wordCounts))).toEqual(["0 be 2", "0 not 1", "0 or 1", "0 to 2"]);
  });

  test("closes a quiet window when its partitions are idle and the clock has passed it", async () => {
    await using driver = await testDriver(countWords, { partitions: "declared", startMs: 0 });
    await driver.send(lines, at(1_000, "to be or not"), at(2_000, "to be"));
    await driver.advanceClock(seconds(3));
    expect(await driver.read(wordCounts)).toEqual([]);
    await driver.advanceClock(seconds(10));
    expect(sorted(await driver.read(wordCounts))).toEqual(["0 be 2", "0 not 1", "0 or 1", "0 to 2"]);
  });

  test("gives the same results with every batch in a new environment", async () => {
    const run = async (restartAfterEveryBatch: boolean) => {
      await using driver = await testDriver(countWords, { partitions: "declared", restartAfterEveryBatch });
      for (let i = 0; i < 200; i++)
        await driver.send(lines, at(i * 500, `a b${i % 7} c${i % 3}`), at(i * 500 - 700, `a x${i}`));
      await driver.advanceWatermark(Number.POSITIVE_INFINITY);
      return sorted(await driver.read(wordCounts));
    };
    const straight = await run(false);
    expect(straight.length).toBeGreaterThan(100);
    expect(await run(true)).toEqual(straight);
  });
});
