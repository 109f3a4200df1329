/** The keys with the most over all keys: what sorting all of a window's elements gives, and the newest result of each key where results are updated. */

import {
  at,
  boundedOutOfOrderness,
  countTrigger,
  cumulative,
  globalWindow,
  json,
  milliseconds,
  type Operator,
  operator,
  seconds,
  session,
  sliding,
  stream,
  type TimeWindow,
  testDriver,
  topic,
  tumbling,
} from "millrace";
import { describe, expect, test } from "vitest";
import { readOnce } from "./read-once.ts";

type View = { readonly item: string | number; readonly n: number };
type Top = {
  readonly value: readonly { readonly key: string | number; readonly value: number }[];
  readonly window: TimeWindow;
};

const ms = milliseconds;
const views = topic("views", { value: json<View>(), watermark: boundedOutOfOrderness(seconds(1_000)), partitions: 3 });
const out = topic("out", { value: json<Top>(), partitions: 1 });
const byItem = stream(views).keyBy(({ item }) => item, { parallelism: 3 });
const view = (timestampMs: number, item: string | number, n = 1, partition = 0) =>
  at(timestampMs, { item, n }, { partition });

const toLine = ({ value, window }: Top) =>
  `${window.startMs}–${window.endMs}: ${value.map(({ key, value }) => `${key} ${value}`).join(", ")}`;
const told = async (driver: Parameters<typeof readOnce>[0]) => (await readOnce(driver, out)).map(toLine);

const VIEWS = Array.from({ length: 300 }, (_, i) => view((i * 37) % 1_000, (i * i) % 23, ((i * 7) % 11) - 3, i % 3));

/** Sorts all. */
function plainly(n: number, windows: readonly TimeWindow[]): string[] {
  return windows.flatMap((window) => {
    const sums = new Map<number, number>();
    for (const { timestampMs, value } of VIEWS)
      if (timestampMs >= window.startMs && timestampMs < window.endMs)
        sums.set(value.item as number, (sums.get(value.item as number) ?? 0) + value.n);
    const value = [...sums].map(([key, value]) => ({ key, value })).sort((a, b) => b.value - a.value || a.key - b.key);
    return value.length === 0 ? [] : [toLine({ value: value.slice(0, n), window })];
  });
}

const every = (size: number, apart: number, offset: number) =>
  Array.from({ length: 40 }, (_, i) => ({
    startMs: (i - 20) * apart + offset,
    endMs: (i - 20) * apart + offset + size,
  }));

describe.each([
  ["tumbling", tumbling(ms(250), { offset: ms(-40) }), every(250, 250, -40)],
  ["sliding", sliding(ms(250), ms(100), { offset: ms(30) }), every(250, 100, 30)],
  [
    "sliding, size and slide without a common measure",
    sliding(ms(70), ms(30), { offset: ms(-20) }),
    every(70, 30, -20).concat(every(70, 30, 1_180)),
  ],
  ["sliding with gaps", sliding(ms(50), ms(120)), every(50, 120, 0)],
  [
    "cumulative",
    cumulative(ms(100), ms(300), { offset: ms(20) }),
    every(300, 300, 20).flatMap(({ startMs }) => [100, 200, 300].map((size) => ({ startMs, endMs: startMs + size }))),
  ],
] as const)("%s", (_, assigner, windows) => {
  test.each([
    ["results once", 0, 1_000, false],
    ["results once, in small batches, with a new environment after each", 0, 20, true],
    ["results that could be updated", 500, 1_000, false],
    ["results that could be updated, in small batches, with a new environment after each", 500, 20, true],
  ] as const)("%s", async (_, lateness, batchSize, restartAfterEveryBatch) => {
    const handler = operator(
      "tops",
      byItem
        .window(assigner)
        .allowedLateness(ms(lateness))
        .topKeys(
          4,
          (on) => on.sum(({ n }) => n),
          (sum) => sum,
        )
        .to(out as never),
    );
    await using driver = await testDriver(handler, { partitions: "declared", batchSize, restartAfterEveryBatch });
    await driver.send(views, ...VIEWS);
    await driver.advanceWatermark(Number.POSITIVE_INFINITY);
    expect((await told(driver)).sort()).toEqual(plainly(4, windows).sort());
    expect(await driver.deadLetters(handler)).toEqual([]);
    expect(await driver.state(handler)).toEqual([]);
  });
});

const start = (handler: Operator) => testDriver(handler, { partitions: "declared" });

test("ties are decided by the key, not by what came first: numbers by size, texts by their units", async () => {
  for (const [items, expected] of [
    [[10, 9, 100, -1], "-1 1, 9 1, 10 1"],
    [["b", "a", "\u{1f600}", "B"], "B 1, a 1, b 1"],
  ] as const) {
    const handler = operator(
      "tops",
      byItem
        .window(tumbling(ms(10)))
        .topKeys(
          3,
          (on) => on.count(),
          (n) => n,
        )
        .to(out as never),
    );
    await using driver = await start(handler);
    await driver.send(views, ...items.map((item, i) => view(1, item, 1, i % 3)));
    await driver.advanceWatermark(10);
    expect(await told(driver)).toEqual([`0–10: ${expected}`]);
  }
});

test("a late element gives the updated keys at once; a result that is less now lets the next one in", async () => {
  const handler = operator(
    "tops",
    byItem
      .window(tumbling(ms(10)))
      .allowedLateness(ms(100))
      .topKeys(
        2,
        (on) => on.sum(({ n }) => n),
        (sum) => sum,
      )
      .to(out as never),
  );
  await using driver = await start(handler);
  await driver.send(views, view(1, "a", 5), view(2, "b", 4), view(3, "c", 3), view(4, "d", 2));
  await driver.advanceWatermark(50);
  await driver.send(views, view(5, "a", -4));
  await driver.send(views, view(6, "d", 9));
  await driver.advanceWatermark(109);
  await driver.send(views, view(7, "d", 1));
  expect(await told(driver)).toEqual(["0–10: a 5, b 4", "0–10: b 4, c 3", "0–10: d 11, b 4"]);
});

test("emit tells them in between", async () => {
  const handler = operator(
    "tops",
    byItem
      .window(tumbling(ms(10)), { emit: "updates" })
      .topKeys(
        1,
        (on) => on.count(),
        (n) => n,
      )
      .to(out as never),
  );
  await using driver = await start(handler);
  await driver.send(views, view(1, "b"));
  await driver.send(views, view(1, "a"));
  await driver.send(views, view(1, "b"));
  expect(await told(driver)).toEqual(["0–10: b 1", "0–10: a 1", "0–10: b 2"]);
});

test("a trigger of the author's: the newest result of each key counts when the window ends", async () => {
  const handler = operator(
    "tops",
    byItem
      .window(tumbling(ms(10)))
      .trigger(countTrigger(2))
      .topKeys(
        5,
        (on) => on.count(),
        (n) => n,
      )
      .to(out as never),
  );
  await using driver = await start(handler);
  await driver.send(views, ...["a", "a", "a", "b", "b", "b", "b", "c"].map((item) => view(1, item)));
  await driver.advanceWatermark(10);
  expect(await told(driver)).toEqual(["0–10: b 4, a 2"]);
});

test("what is ranked by no number is a dead letter, and the others are ranked", async () => {
  const handler = operator(
    "tops",
    byItem
      .window(tumbling(ms(10)))
      .topKeys(
        5,
        (on) => on.sum(({ n }) => n),
        (sum) => (sum === 2 ? Number.NaN : sum),
      )
      .to(out as never),
  );
  await using driver = await start(handler);
  await driver.send(views, view(1, "a", 1), view(1, "b", 2), view(1, "__proto__", 3), view(1, "", 4));
  await driver.advanceWatermark(10);
  expect(await told(driver)).toEqual(["0–10:  4, __proto__ 3, a 1"]);
  expect((await driver.deadLetters(handler)).map(({ reason }) => reason)).toEqual([
    "The function given to topKeys returned NaN, not a number.",
  ]);
});

describe("refused", () => {
  const count = (on: { count(): never }) => on.count();
  const only =
    "topKeys is for tumbling, sliding and cumulative windows in event time: only these are the same for all keys.";

  test.each([
    ["sessions", () => byItem.window(session(ms(5))).topKeys(1, count as never, Number), only],
    [
      "windows by the clock",
      () => byItem.window(tumbling(ms(5), { time: "processing" })).topKeys(1, count as never, Number),
      only,
    ],
    [
      "the global window",
      () =>
        byItem
          .window(globalWindow())
          .trigger(countTrigger(1))
          .topKeys(1, count as never, Number),
      only,
    ],
    [
      "none",
      () => byItem.window(tumbling(ms(5))).topKeys(0, count as never, Number),
      "topKeys takes a whole number from 1 to 10000, not 0.",
    ],
  ])("%s", (_, build, sentence) => expect(build).toThrow(sentence));
});
