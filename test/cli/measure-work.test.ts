/** Measured work: batches as Lambda makes them, wake-ups as the queue brings them, and everything that is paid for counted once. */

import { boundedOutOfOrderness, json, operator, seconds, stream, text, topic, tumbling } from "millrace";
import { expect, test } from "vitest";
import { measureWork } from "../../lib/cli/cost/measure-work.ts";
import { openSample } from "../../lib/cli/cost/sample.ts";
import { ASSUMED_MS } from "../../lib/cost/assumed.ts";
import type { FunctionWork } from "../../lib/cost/work.ts";
import { buildTopology } from "../../lib/stream/topology.ts";

type Order = { readonly id: number; readonly at: number };

const lines = topic("lines", {
  value: text(),
  watermark: boundedOutOfOrderness(seconds(1), { idleAfter: seconds(1) }),
  partitions: 1,
});
const orders = topic("orders", { value: json<Order>(), timestampOf: (order) => order.at, partitions: 1 });

const copying = operator("copy", stream(lines).to(topic("copies", { value: text() })));
const counting = operator(
  "count",
  stream(lines)
    .keyBy((line) => line)
    .window(tumbling(seconds(2)))
    .count()
    .to(topic("counts", { key: text(), value: json<number>(), partitions: 1 }).from(({ value }) => value)),
);
const taking = operator("take", stream(orders).to(topic("taken", { value: json<Order>() })));

const SIZE = { memoryMb: 1_024, maxRecords: 100, windowSeconds: 0.5 };

type Options = { readonly rate: number; readonly size?: Partial<typeof SIZE>; readonly seconds?: number };

async function measure(
  one: typeof copying | typeof counting | typeof taking,
  { rate, size = {}, seconds: span = 5 }: Options,
) {
  const topology = buildTopology("test", [one.definition]);
  const made = Array.from({ length: 100 }, (_, id) => ({
    key: null,
    value: Buffer.from(JSON.stringify({ id, at: id })),
    timestampMs: 0,
    headers: [],
  }));
  const source = await openSample(topology, [], new Map([["orders", made]]), "");
  const { work, seconds: measured } = await measureWork({
    topology,
    sample: source.open(),
    sizeOf: () => ({ ...SIZE, ...size }),
    recordsPerSecond: rate,
    seconds: span,
  });
  const of = (name: string) => work.functions.find((fn) => fn.name === name) as FunctionWork;
  return { work, measured, of };
}

test("records are gathered for the window, or until a batch is full", async () => {
  const gathered = (await measure(copying, { rate: 20 })).of("copy");
  // Half a second from the first record on, and the time of an invocation.
  expect(gathered.invocations).toBeGreaterThanOrEqual(8);
  expect(gathered.invocations).toBeLessThanOrEqual(10);
  const full = (await measure(copying, { rate: 2_000 })).of("copy");
  expect(full.records / full.invocations).toBe(100);
  expect(full.invocations).toBeGreaterThanOrEqual(90);
});

test("without a window each batch is what came while the one before it was processed", async () => {
  const { invocations, records } = (await measure(copying, { rate: 1_000, size: { windowSeconds: 0 } })).of("copy");
  const busyMs = ASSUMED_MS.rest + ASSUMED_MS.send;
  expect(invocations).toBeLessThanOrEqual(5_000 / busyMs);
  expect(records / invocations).toBeGreaterThanOrEqual(busyMs);
});

test("who waits for silence is woken every other second while there is none, by messages that are sent, received and deleted", async () => {
  const { queueRequests, invocations, commits } = (await measure(counting, { rate: 10 })).of("count");
  // One task, whose message comes a second after its wish and finds that records came meanwhile.
  expect(queueRequests).toBeGreaterThanOrEqual(3 * 2);
  expect(queueRequests).toBeLessThanOrEqual(3 * 4);
  expect(invocations).toBeGreaterThan(commits);
  const copies = (await measure(copying, { rate: 10 })).of("copy");
  expect(copies.queueRequests).toBe(0);
});

test("what one function writes into a shuffle the next one reads, but for what is on its way", async () => {
  const { of } = await measure(counting, { rate: 50, seconds: 20 });
  const written = of("count").bytesWritten;
  expect(Math.abs(of("count--by-key").bytesRead - written)).toBeLessThan(written / 10);
  expect(of("count--by-key").cells).toBeGreaterThan(0);
  expect(of("count").writeUnits).toBeGreaterThanOrEqual(of("count").commits);
});

test("a sample with times of its own is given once: what is counted ends with it", async () => {
  const { work, measured } = await measure(taking, { rate: 10, seconds: 12 });
  // 100 records are ten seconds, of which six warm up.
  expect(work.inputRecords).toBe(40);
  expect(measured).toBeCloseTo(4, 0);
});
