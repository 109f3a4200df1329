/** What can be asked of a window: the same whether elements are aggregated before the shuffle, behind it, in one batch or in many. */

import { at, json, milliseconds, monotonic, operator, stream, testDriver, topic, tumbling } from "millrace";
import { describe, expect, test } from "vitest";
import { readOnce } from "./read-once.ts";

type Request = { readonly path: string; readonly ms: number; readonly status: number };

const requests = topic("requests", { value: json<Request>(), watermark: monotonic() });
const results = topic("results", { value: json<unknown>() });
const windows = stream(requests)
  .keyBy((r) => r.path)
  .window(tumbling(milliseconds(5_000)));

const REQUESTS = [
  at(1_000, { path: "/a", ms: 30, status: 200 }),
  at(1_500, { path: "/a", ms: 10, status: 500 }),
  at(2_000, { path: "/b", ms: 5, status: 200 }),
  at(4_999, { path: "/a", ms: 20, status: 200 }),
];

async function run(operator: Parameters<typeof testDriver>[0], batchSize: number, restartAfterEveryBatch: boolean) {
  await using driver = await testDriver(operator, { batchSize, restartAfterEveryBatch });
  await driver.send(requests, ...REQUESTS);
  await driver.advanceWatermark(Number.POSITIVE_INFINITY);
  const read = (await readOnce(driver, results)) as { key: string; value: unknown }[];
  return Object.fromEntries(read.map(({ key, value }) => [key, value]));
}

describe.each([
  ["count", operator("asked", windows.count().to(results)), 3, 1],
  ["sum", operator("asked", windows.sum((r) => r.ms).to(results)), 60, 5],
  ["min", operator("asked", windows.min((r) => r.ms).to(results)), 10, 5],
  ["max", operator("asked", windows.max((r) => r.ms).to(results)), 30, 5],
  [
    "reduce, in the order of arrival",
    operator("asked", windows.reduce((a, b) => ({ ...b, ms: a.ms * 100 + b.ms })).to(results)),
    { path: "/a", ms: 301_020, status: 200 },
    { path: "/b", ms: 5, status: 200 },
  ],
  [
    "an object of aggregates",
    operator(
      "asked",
      windows
        .aggregate((on) => ({
          n: on.count(),
          errors: on.count((r) => r.status >= 500),
          mean: on.average((r) => r.ms),
          first: on.first(),
          last: on.last(),
          top: on.topN(2, (r) => r.ms),
          all: on.collect((r) => r.ms),
        }))
        .to(results),
    ),
    {
      n: 3,
      errors: 1,
      mean: 20,
      first: { path: "/a", ms: 30, status: 200 },
      last: { path: "/a", ms: 20, status: 200 },
      top: [
        { path: "/a", ms: 30, status: 200 },
        { path: "/a", ms: 20, status: 200 },
      ],
      all: [30, 10, 20],
    },
    {
      n: 1,
      errors: 0,
      mean: 5,
      first: { path: "/b", ms: 5, status: 200 },
      last: { path: "/b", ms: 5, status: 200 },
      top: [{ path: "/b", ms: 5, status: 200 }],
      all: [5],
    },
  ],
  [
    "an author's own aggregate that can be merged",
    operator(
      "asked",
      windows
        .aggregate((on) =>
          on.custom({
            create: () => ({ sum: 0n, seen: [] as number[] }),
            add: (a, r) => ({ sum: a.sum + BigInt(r.ms), seen: [...a.seen, r.status] }),
            merge: (a, b) => ({ sum: a.sum + b.sum, seen: [...a.seen, ...b.seen] }),
            result: (a) => [String(a.sum), a.seen],
          }),
        )
        .to(results),
    ),
    ["60", [200, 500, 200]],
    ["5", [200]],
  ],
  [
    "an author's own aggregate that cannot",
    operator(
      "asked",
      windows
        .aggregate((on) =>
          on.custom({
            create: () => [] as number[],
            add: (a, r) => {
              a.push(r.ms);
              return a;
            },
            result: (a) => a.join("+"),
          }),
        )
        .to(results),
    ),
    "30+10+20",
    "5",
  ],
  [
    "null as an accumulator, which means what the author says",
    operator(
      "asked",
      windows
        .aggregate((on) =>
          on.custom({
            create: (): number[] | null => [],
            // Whatever comes after an error is not to be counted.
            add: (a, r) => (a === null || r.status === 500 ? null : [...a, r.ms]),
            result: (a) => a,
          }),
        )
        .to(results),
    ),
    null,
    [5],
  ],
])("%s", (_, asked, a, b) => {
  test.each([
    [1_000, false],
    [1, false],
    [3, true],
    [1, true],
  ])("batches of %i, restarting after each: %s", async (batchSize, restarting) => {
    expect(await run(asked, batchSize, restarting)).toEqual({ "/a": a, "/b": b });
  });
});

test("mergeable aggregates send one partial result per key, window and batch through the shuffle", async () => {
  await using driver = await testDriver(operator("asked", windows.count().to(results)));
  await driver.send(requests, ...Array.from({ length: 500 }, (_, i) => at(i, { path: `/${i % 2}`, ms: 1, status: 1 })));
  const behind = driver.reports.filter(({ functionName }) => functionName === "asked--by-key");
  expect(behind.map(({ records, elements, changedCells }) => ({ records, elements, changedCells }))).toEqual([
    { records: 1, elements: 500, changedCells: 2 },
  ]);
});

test("a merge that returns nothing makes a dead letter of what it was given, and loses nothing else", async () => {
  const forgetful = operator(
    "asked",
    windows
      .aggregate((on) =>
        on.custom({
          create: () => [] as number[],
          add: (a, r) => [...a, r.ms],
          merge: ((a: number[], b: number[]) => void a.push(...b)) as never,
          result: (a) => a,
        }),
      )
      .to(results),
  );
  await using driver = await testDriver(forgetful);
  await driver.send(requests, at(1_000, { path: "/a", ms: 1, status: 200 }));
  await driver.send(requests, at(2_000, { path: "/a", ms: 2, status: 200 }));
  await driver.advanceWatermark(Number.POSITIVE_INFINITY);
  expect(await driver.read(results)).toEqual([{ key: "/a", value: [1], window: { startMs: 0, endMs: 5_000 } }]);
  const letters = await driver.deadLetters(forgetful);
  expect(letters.map(({ reason }) => reason)).toEqual([
    "the accumulator is undefined: add and merge return it; use null for nothing.",
  ]);
});
