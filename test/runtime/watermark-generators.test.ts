/** Watermarks that stand in elements or are made by functions of the author: per partition, kept with the state, and bounded as all are. */

import {
  at,
  boundedOutOfOrderness,
  customWatermark,
  days,
  type GeneratedWatermarkOptions,
  json,
  milliseconds,
  minutes,
  operator,
  punctuated,
  records,
  seconds,
  stream,
  type TestDriverOptions,
  testDriver,
  topic,
  tumbling,
  type WatermarkStrategy,
} from "millrace";
import { describe, expect, test } from "vitest";
import { readOnce } from "./read-once.ts";

type Reading = { readonly n: number; readonly mark?: number };

const START_MS = 1_000_000;
const out = topic("out", { value: json<string>(), partitions: 1 });

function counting(watermark: WatermarkStrategy<Reading>, partitions = 1) {
  const readings = topic("readings", { value: json<Reading>(), watermark, partitions });
  const handler = operator(
    "counting",
    stream(readings)
      .keyBy(() => "all")
      .window(tumbling(milliseconds(10)))
      .count()
      .to(out.from(({ value, window }) => `${window.startMs}: ${value}`)),
  );
  const start = (options: TestDriverOptions = {}) =>
    testDriver(handler, { partitions: "declared", startMs: START_MS, ...options });
  return { readings, handler, start };
}

const marked = (options?: GeneratedWatermarkOptions) => punctuated<Reading>(({ mark }) => mark, options);

describe("punctuated", () => {
  test("the watermark is what an element says, not less, and closes windows that end with it", async () => {
    const { readings, start } = counting(marked());
    await using driver = await start();
    await driver.send(readings, at(5, { n: 1 }), at(50, { n: 2 }), at(12, { n: 3, mark: 8 }));
    expect(await driver.read(out)).toEqual([]);
    await driver.send(readings, at(1, { n: 4, mark: 9 }));
    expect(await driver.read(out)).toEqual(["0: 2"]);
    expect(driver.late).toBe(0);
  });

  test("never goes back, is kept over restarts, and waits for the slowest partition", async () => {
    const { readings, start } = counting(marked(), 2);
    await using driver = await start({ restartAfterEveryBatch: true });
    await driver.send(readings, at(5, { n: 1, mark: 30 }, { partition: 0 }));
    await driver.send(readings, at(5, { n: 1, mark: 3 }, { partition: 0 }));
    await driver.send(readings, at(5, { n: 1, mark: 8 }, { partition: 1 }));
    expect(await driver.read(out)).toEqual([]);
    await driver.send(readings, at(5, { n: 1, mark: 19 }, { partition: 1 }));
    expect(await readOnce(driver, out)).toEqual(["0: 4"]);
  });

  test("is given the timestamp too, and is asked of each element once, strict mode aside", async () => {
    const seen: string[] = [];
    const { readings, start } = counting(
      punctuated<Reading>(({ n }, timestampMs) => {
        seen.push(`${n} ${timestampMs}`);
        return undefined;
      }),
    );
    await using driver = await start({ strict: false });
    await driver.send(readings, at(5, { n: 1 }), at(7, { n: 2 }));
    expect(seen).toEqual(["1 5", "2 7"]);
  });

  test("where records are read, the topic's own looks at their values, one of the operator's at records", async () => {
    const readings = topic("readings", { value: json<Reading>(), watermark: marked(), partitions: 1 });
    const by = (watermark?: Parameters<typeof records<Reading, null>>[1]) =>
      operator(
        "of-records",
        records(readings, watermark)
          .keyBy(({ value }) => value.n)
          .window(tumbling(milliseconds(10)))
          .count()
          .to(out.from(({ key, value }) => `${key}: ${value}`)),
      );
    for (const handler of [
      by(),
      by({ watermark: punctuated(({ value, offset }) => value.mark && Number(offset) * 9) }),
    ]) {
      await using driver = await testDriver(handler);
      await driver.send(readings, at(5, { n: 1 }));
      await driver.send(readings, at(15, { n: 1, mark: 9 }));
      expect(await driver.read(out)).toEqual(["1: 1"]);
    }
  });
});

describe("a watermark of one's own", () => {
  /** The newest timestamp but two: out-of-orderness counted in elements. */
  const thirdNewest = () =>
    customWatermark<Reading, { newest: number[] }>({
      create: () => ({ newest: [] }),
      onEvent(_, { state, timestampMs }) {
        state.newest = [...state.newest, timestampMs].sort((a, b) => b - a).slice(0, 3);
      },
      onPeriodic: ({ state }) => state.newest[2],
    });

  test("remembers per partition what it likes, over restarts, and speaks at the end of a batch", async () => {
    for (const restartAfterEveryBatch of [false, true]) {
      const { readings, start } = counting(thirdNewest());
      await using driver = await start({ restartAfterEveryBatch });
      await driver.send(readings, at(9, { n: 1 }));
      await driver.send(readings, at(20, { n: 2 }));
      expect(await driver.read(out)).toEqual([]);
      await driver.send(readings, at(30, { n: 3 }));
      expect(await readOnce(driver, out)).toEqual(["0: 1"]);
    }
  });

  test("is asked with ticks too: as often as it wants, until the partition is idle", async () => {
    const behindTheClock = (options: GeneratedWatermarkOptions) =>
      counting(
        customWatermark<Reading>(
          { onPeriodic: ({ processingTimeMs }) => processingTimeMs - 5_000, every: seconds(1) },
          options,
        ),
      );
    const { readings, start } = behindTheClock({});
    await using driver = await start({ restartAfterEveryBatch: true });
    await driver.send(readings, at(START_MS, { n: 1 }));
    await driver.advanceClock(5_000);
    expect(await readOnce(driver, out)).toEqual([]);
    await driver.advanceClock(1_000);
    expect(await readOnce(driver, out)).toEqual([`${START_MS}: 1`]);

    const idle = behindTheClock({ idleAfter: seconds(2), whenIdle: "wait" });
    await using quiet = await idle.start();
    await quiet.send(idle.readings, at(START_MS, { n: 1 }));
    await quiet.advanceClock(minutes(5));
    // A tick that comes for another reason.
    await quiet.advanceWatermark(0);
    expect(await quiet.read(out)).toEqual([]);
  });

  test("follows the clock when all is idle, at the bound's distance", async () => {
    const { readings, start } = counting(marked({ idleAfter: seconds(2), bound: seconds(3) }));
    await using driver = await start();
    await driver.send(readings, at(START_MS + 1, { n: 1 }));
    await driver.advanceClock(3_009);
    expect(await driver.read(out)).toEqual([]);
    await driver.advanceClock(1);
    expect(await driver.read(out)).toEqual([`${START_MS}: 1`]);
  });

  test("commits what a tick made it remember", async () => {
    const { readings, start } = counting(
      customWatermark<Reading, { ticks: number }>({
        create: () => ({ ticks: 0 }),
        onPeriodic({ state }) {
          state.ticks++;
          return state.ticks >= 4 ? 1_000 : undefined;
        },
        every: seconds(1),
      }),
    );
    await using driver = await start({ restartAfterEveryBatch: true });
    // One look when the driver began, one with the batch, and one a second.
    await driver.send(readings, at(5, { n: 1 }));
    await driver.advanceClock(1_000);
    expect(await readOnce(driver, out)).toEqual([]);
    await driver.advanceClock(1_000);
    expect(await readOnce(driver, out)).toEqual(["0: 1"]);
  });

  test("sees no dead letter that is redriven: that is of its own time", async () => {
    let broken = true;
    const readings = topic("readings", { value: json<Reading>(), watermark: marked(), partitions: 1 });
    const handler = operator(
      "mending",
      stream(readings)
        .map((reading) => {
          if (broken && reading.n === 13) throw new Error("thirteen");
          return reading;
        })
        .keyBy(() => "all")
        .window(tumbling(milliseconds(10)))
        .count()
        .to(out.from(({ value, window }) => `${window.startMs}: ${value}`)),
    );
    await using driver = await testDriver(handler);
    await driver.send(readings, at(5, { n: 1 }), at(6, { n: 13, mark: 500 }));
    expect(await driver.deadLetters(handler)).toHaveLength(1);
    broken = false;
    await driver.redrive(handler);
    expect(await driver.read(out)).toEqual([]);
    await driver.send(readings, at(7, { n: 1, mark: 9 }));
    expect(await driver.read(out)).toEqual(["0: 3"]);
  });
});

describe("what throws", () => {
  test("in onEvent leaves nothing behind and makes a dead letter of the element", async () => {
    const { readings, handler, start } = counting(
      customWatermark<Reading, { sum: number }>({
        create: () => ({ sum: 0 }),
        onEvent({ n }, { state }) {
          state.sum += n;
          if (n === 13) throw new Error("thirteen");
          return state.sum;
        },
      }),
    );
    await using driver = await start();
    await driver.send(readings, at(5, { n: 4 }), at(6, { n: 13 }), at(7, { n: 4 }));
    expect(await driver.read(out)).toEqual([]);
    await driver.send(readings, at(7, { n: 1 }));
    expect(await driver.read(out)).toEqual(["0: 3"]);
    expect((await driver.deadLetters(handler)).map(({ step, reason }) => [step, reason])).toEqual([
      ["watermark of topic readings", "thirteen"],
    ]);
  });

  test("a watermark that is no number makes a dead letter too", async () => {
    const { readings, handler, start } = counting(
      punctuated<Reading>(({ mark }) => (mark === 7 ? ("7" as never) : mark)),
    );
    await using driver = await start();
    await driver.send(readings, at(5, { n: 4, mark: 7 }), at(6, { n: 1, mark: 9 }));
    expect(await driver.read(out)).toEqual(["0: 1"]);
    expect((await driver.deadLetters(handler)).map(({ reason }) => reason)).toEqual([
      "the watermark is a number of epoch milliseconds, or undefined, not a value of type string",
    ]);
  });

  test("in onPeriodic stops the partition with a sentence, as there is no element to blame", async () => {
    const { readings, start } = counting(
      customWatermark<Reading, { seen: number }>({
        create: () => ({ seen: 0 }),
        onEvent: (_, { state }) => void state.seen++,
        onPeriodic({ state }) {
          if (state.seen > 0) throw new Error("on purpose");
        },
      }),
    );
    await using driver = await start();
    await expect(driver.send(readings, at(5, { n: 1 }))).rejects.toThrow(
      "Task test/counting/readings-0/0 stopped: onPeriodic of the watermark of topic readings failed: on purpose",
    );
  });

  test("remembering what cannot be kept stops it too", async () => {
    const { readings, start } = counting(
      customWatermark<Reading, { seen: Map<string, number> | undefined }>({
        create: () => ({ seen: undefined }),
        onEvent: (_, { state }) => {
          state.seen = new Map();
        },
      }),
    );
    await using driver = await start();
    await expect(driver.send(readings, at(5, { n: 1 }))).rejects.toThrow(
      "What the watermark of topic readings remembers.seen is a Map and cannot",
    );
  });

  test("a generator that is not a function of its input is found out", async () => {
    let calls = 0;
    const { readings, start } = counting(punctuated<Reading>(() => calls++));
    await using driver = await start();
    await expect(driver.send(readings, at(5, { n: 1 }))).rejects.toThrow(/twice|not the same|differ/);
  });
});

describe("one timestamp of the year 2100 closes no windows", () => {
  const FAR_MS = Date.UTC(2100, 0, 1);
  const futureBound = minutes(10);
  const idle = { idleAfter: seconds(2), whenIdle: "wait" } as const;

  test.each<[string, () => WatermarkStrategy<Reading>]>([
    ["bounded out-of-orderness", () => boundedOutOfOrderness(milliseconds(0), { futureBound, ...idle })],
    ["punctuated, in the element's timestamp", () => punctuated<Reading>((_, ms) => ms - 1, { futureBound, ...idle })],
    ["punctuated, in what it says", () => marked({ futureBound, ...idle })],
    [
      "a generator that remembers the newest",
      () =>
        customWatermark<Reading, { newestMs: number }>(
          {
            create: () => ({ newestMs: 0 }),
            onEvent(_, { state, timestampMs }) {
              state.newestMs = Math.max(state.newestMs, timestampMs);
            },
            onPeriodic: ({ state }) => state.newestMs - 1,
          },
          { futureBound, ...idle },
        ),
    ],
  ])("%s", async (_, strategy) => {
    const { readings, start } = counting(strategy(), 2);
    await using driver = await start();
    const send = (ms: number, partition: number, mark = ms - 1) =>
      driver.send(readings, at(ms, { n: 1, mark }, { partition }));
    await send(START_MS, 0);
    await send(FAR_MS, 1);
    // The other partition is idle by now, and the broken one alone decides.
    await driver.advanceClock(minutes(1));
    await send(START_MS + 5, 1, FAR_MS);
    expect(await driver.read(out)).toEqual([]);
    await send(START_MS + 20, 1);
    expect(await driver.read(out)).toEqual([`${START_MS}: 2`]);
    expect(driver.late).toBe(0);
    expect(driver.reports.reduce((sum, { future }) => sum + future, 0)).toBeGreaterThan(0);
    // It is an element as any other, whose window waits for its time.
    await driver.advanceWatermark(FAR_MS + days(1));
    expect((await driver.read(out)).at(-1)).toBe(`${FAR_MS}: 1`);
  });
});

test("while all is quiet, a window of the year 2100 holds up no window behind another shuffle; and it is waited for when its time comes", async () => {
  const FAR_MS = Date.UTC(2100, 0, 1);
  const watermark = boundedOutOfOrderness(milliseconds(0), { idleAfter: seconds(2) });
  const readings = topic("readings", { value: json<Reading>(), watermark, partitions: 2 });
  const handler = operator(
    "two-steps",
    stream(readings)
      .keyBy(({ n }) => n)
      .window(tumbling(seconds(10)))
      .count()
      .keyBy(() => "all", { name: "all" })
      .window(tumbling(seconds(20)))
      .count()
      .to(out.from(({ window, value }) => `${window.startMs}: ${value}`)),
  );
  await using driver = await testDriver(handler, { partitions: "declared", startMs: START_MS });
  for (const [n, ms] of [
    [1, FAR_MS],
    [1, START_MS],
    [2, START_MS],
    [3, START_MS],
  ] as const)
    await driver.send(readings, at(ms, { n }));
  await driver.advanceClock(minutes(1));
  expect(await driver.read(out)).toEqual([`${START_MS}: 3`]);
  await driver.advanceClock(FAR_MS + days(2) - driver.nowMs);
  expect((await driver.read(out)).slice(1)).toEqual([`${FAR_MS}: 1`]);
  expect(driver.late).toBe(0);
});
