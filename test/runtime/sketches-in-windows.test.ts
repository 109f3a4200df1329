/** Quantiles and distinct values of windows of every kind: the same from any batches, restarts and ways of merging, and as near as they say. */

import {
  at,
  countTrigger,
  cumulative,
  json,
  milliseconds,
  monotonic,
  type On,
  operator,
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

type Request = { readonly path: string; readonly ms: number; readonly user: number | null };
type Asked = {
  readonly n: number;
  readonly p: readonly [number, number];
  readonly max: number;
  readonly users: number;
};
type Windowed = { readonly key: string; readonly value: Asked; readonly window: TimeWindow };

const requests = topic("requests", { value: json<Request>(), watermark: monotonic(), partitions: 2 });
const results = topic("results", { value: json<Windowed>() });
const byPath = stream(requests).keyBy((r) => r.path, { parallelism: 2 });
const asked = (on: On<Request>) => ({
  n: on.count(),
  p: on.quantile([0.5, 0.95], (r) => r.ms),
  max: on.quantile(1, (r) => r.ms),
  users: on.distinct((r) => r.user),
});

const SENT = Array.from({ length: 400 }, (_, i) => ({
  timestampMs: i * 25 + (i > 300 ? 3_000 : 0),
  value: {
    path: i % 4 === 0 ? "/b" : "/a",
    ms: ((i * 7_919) % 1_000) ** 2 / 50 - 200,
    user: i % 10 === 0 ? null : (i * 31) % 57,
  },
}));

function expectWithin(actual: number, exact: number): void {
  expect(Math.abs(actual - exact)).toBeLessThanOrEqual(Math.abs(exact) * 0.0100001);
}

/** What a plain computation over the elements of each window says. */
function check(found: readonly Windowed[]): void {
  for (const { key, value, window } of found) {
    const inside = SENT.filter(
      ({ timestampMs: ms, value }) => value.path === key && ms >= window.startMs && ms < window.endMs,
    ).map(({ value }) => value);
    const sorted = inside.map(({ ms }) => ms).sort((a, b) => a - b);
    expect(value.n).toBe(inside.length);
    expectWithin(value.p[0], sorted[Math.ceil(sorted.length / 2) - 1] as number);
    expectWithin(value.p[1], sorted[Math.ceil(sorted.length * 0.95 - 1e-9) - 1] as number);
    expect(value.max).toBe(sorted.at(-1));
    expect(value.users).toBe(new Set(inside.flatMap(({ user }) => user ?? [])).size);
  }
}

describe.each([
  ["tumbling, aggregated before the shuffle", tumbling(milliseconds(5_000)), 6],
  ["sliding, merged from slices", sliding(milliseconds(5_000), milliseconds(1_000)), 34],
  ["cumulative, merged from slices", cumulative(milliseconds(1_000), milliseconds(5_000)), 30],
  ["sessions that merge", session(milliseconds(1_000)), 4],
] as const)("%s", (_, assigner, windows) => {
  const handler = operator("asked", byPath.window(assigner).aggregate(asked).to(results));

  test.each([
    [1_000, false],
    [7, false],
    [50, true],
    [1, true],
  ] as const)("in batches of %d, with a new environment after each: %s", async (batchSize, restartAfterEveryBatch) => {
    await using driver = await testDriver(handler, { partitions: "declared", batchSize, restartAfterEveryBatch });
    const part = batchSize === 1 ? SENT.slice(0, 60) : SENT;
    for (let i = 0; i < part.length; i += 100)
      await driver.send(
        requests,
        ...part.slice(i, i + 100).map((one, j) => at(one.timestampMs, one.value, { partition: j % 2 })),
      );
    await driver.advanceWatermark(Number.POSITIVE_INFINITY);
    const found = await readOnce(driver, results);
    if (part === SENT) {
      expect(found.length).toBe(windows);
      check(found);
    } else expect(found.length).toBeGreaterThan(0);
    expect(await driver.deadLetters(handler)).toEqual([]);
  });
});

test("with a trigger, so that results come while the sketch goes on", async () => {
  const handler = operator(
    "asked",
    byPath
      .window(tumbling(milliseconds(60_000)))
      .trigger(countTrigger(50))
      .aggregate(asked)
      .to(results),
  );
  await using driver = await testDriver(handler, { restartAfterEveryBatch: true, batchSize: 60 });
  await driver.send(requests, ...SENT.map(({ timestampMs, value }) => at(timestampMs, value)));
  const counts = (await readOnce(driver, results)).map(({ key, value }) => [key, value.n, value.max] as const);
  const greatest = (path: string, n: number) =>
    Math.max(
      ...SENT.filter(({ value }) => value.path === path)
        .slice(0, n)
        .map(({ value }) => value.ms),
    );
  expect(counts.filter(([key]) => key === "/a")).toEqual(
    [50, 100, 150, 200, 250, 300].map((n) => ["/a", n, greatest("/a", n)]),
  );
});

describe("rolling", () => {
  const rolling = topic("rolling", { value: json<{ key: string; value: unknown }>() });

  test("a quantile, distinct values, and what else is asked, after each element", async () => {
    const handler = operator("asked", byPath.aggregate(asked).to(rolling));
    await using driver = await testDriver(handler, { restartAfterEveryBatch: true, batchSize: 150 });
    await driver.send(requests, ...SENT.map(({ timestampMs, value }) => at(timestampMs, value)));
    const found = (await readOnce(driver, rolling)) as { key: string; value: Asked }[];
    expect(found).toHaveLength(400);
    check([
      { ...(found.findLast(({ key }) => key === "/a") as (typeof found)[0]), window: { startMs: 0, endMs: 1e9 } },
    ]);
  });
});

describe("what is no number, or no key", () => {
  const handler = operator(
    "asked",
    byPath
      .window(tumbling(milliseconds(5_000)))
      .aggregate(asked)
      .to(results),
  );
  const bad = (value: unknown) => value as never;

  test.each([
    ["NaN", { ms: Number.NaN }, "The function given to quantile returned NaN, not a number."],
    ["∞", { ms: Number.POSITIVE_INFINITY }, "The function given to quantile returned Infinity"],
    ["−∞", { ms: Number.NEGATIVE_INFINITY }, "The function given to quantile returned -Infinity"],
    ["a text", { ms: bad("5") }, "The function given to quantile returned a string, not a number."],
    ["null", { ms: bad(null) }, "The function given to quantile returned null, not a number."],
    ["a bigint", { ms: bad(5n) }, "The function given to quantile returned a bigint, not a number."],
    [
      "undefined as a key",
      { user: bad(undefined) },
      "The function given to distinct returned what is no key: A key is undefined",
    ],
    [
      "an object as a key",
      { user: bad({}) },
      "The function given to distinct returned what is no key: A key is an object",
    ],
  ] as const)("%s is a dead letter, and nothing else of its element is counted", async (_, part, reason) => {
    const marked = operator(
      "asked",
      stream(requests)
        .map((r) => (r.user === 13 ? { ...r, ...part } : r))
        .keyBy((r) => r.path)
        .window(tumbling(milliseconds(5_000)))
        .aggregate(asked)
        .to(results),
    );
    await using driver = await testDriver(marked);
    const one = (ms: number, user: number) => at(1_000, { path: "/a", ms, user });
    await driver.send(requests, one(1, 1), one(1_000, 13), one(3, 2));
    await driver.advanceWatermark(Number.POSITIVE_INFINITY);
    const [letter, ...others] = await driver.deadLetters(marked);
    expect(letter?.reason).toContain(reason);
    expect(others).toEqual([]);
    const [{ value }] = (await readOnce(driver, results)) as [Windowed];
    expect(value).toEqual({ n: 2, p: [1, 3], max: 3, users: 2 });
  });

  test("−0, the largest number, and 2^53 are numbers like others", async () => {
    await using driver = await testDriver(handler);
    const numbers = [-0, Number.MAX_VALUE, -Number.MAX_VALUE, 2 ** 53, 5e-324];
    await driver.send(requests, ...numbers.map((ms, i) => at(1_000 + i, { path: "/a", ms, user: ms })));
    await driver.advanceWatermark(Number.POSITIVE_INFINITY);
    const [{ value }] = (await readOnce(driver, results)) as [Windowed];
    expect(value).toEqual({ n: 5, p: [5e-324, Number.MAX_VALUE], max: Number.MAX_VALUE, users: 5 });
  });
});
