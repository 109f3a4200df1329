/** Runs a query over generated events in the test driver, and compares all its results with those of its reference. */

import { milliseconds, seconds, type TestDriver, type Topic, testDriver } from "millrace";
import { compareResults } from "../../examples/compare-results.ts";
import { expectIn } from "../../examples/example.ts";
import { nexmark } from "./functions/topics.ts";
import { type GeneratorOptions, nexmarkEvents } from "./generate.ts";
import type { Query } from "./queries.ts";

/** A thousand a second, so that there are windows and sessions enough, in groups out of order, and over midnight. */
const VERIFIED: Required<GeneratorOptions> = {
  eventsPerSecond: 1_000,
  outOfOrderGroup: 1_500,
  startMs: Date.UTC(2025, 6, 15, 23, 59, 45),
};

/** Sent at a time, at one time of the clock. */
const BATCH = 1_000;

export type VerifyOptions = {
  readonly events: number;
  /** Forgets everything but topics and logs after every batch. Default false. */
  readonly restarts?: boolean;
  /** Of every topic. Default 1. */
  readonly partitions?: number;
  readonly progress?: (done: number, of: number) => void;
};

export type Verified = {
  readonly results: number;
  /** What differs, the first few as sentences. */
  readonly problems: readonly string[];
};

export async function verifyQuery(query: Query, options: VerifyOptions): Promise<Verified> {
  const { events: count, restarts = false, partitions = 1, progress } = options;
  const generated = [...nexmarkEvents(0, count, VERIFIED)];
  const events = generated.map(({ event }) => event);
  const clockMsOf = (index: number) => VERIFIED.startMs + batchOf(index) * BATCH;
  const driver = await testDriver(query.operator, {
    strict: false,
    startMs: VERIFIED.startMs,
    batchSize: BATCH,
    partitions,
    restartAfterEveryBatch: restarts,
  });
  if (query.results.kind === "outside-sink") driver.replaceSink(query.results);
  try {
    for (let from = 0; from < count; from += BATCH) {
      progress?.(from, count);
      await driver.advanceClock(milliseconds(clockMsOf(from) - driver.nowMs));
      await driver.send(nexmark, ...events.slice(from, from + BATCH));
    }
    await driver.advanceWatermark(Number.POSITIVE_INFINITY);
    await driver.advanceClock(seconds(30));
    progress?.(count, count);
    const all = await readResults(driver, query);
    const actual = query.replacedBy === undefined ? all : lastOf(all, query.replacedBy);
    const expected = expectIn(
      { topicName: query.name } as Topic<never, unknown, never, unknown>,
      query.reference(events, clockMsOf),
    );
    const letters = await driver.deadLetters(query.operator);
    const refused = letters.length === 0 ? [] : [`${letters.length} dead letters, the first: ${letters[0]?.reason}`];
    return { results: all.length, problems: [...refused, ...compareResults(expected, actual)] };
  } finally {
    await driver[Symbol.asyncDispose]();
  }
}

async function readResults(driver: TestDriver, { results }: Query): Promise<readonly unknown[]> {
  if (results.kind === "outside-sink") return driver.written(results).map(({ value }) => value);
  return driver.read(results as Topic<never, unknown, never, unknown>);
}

function batchOf(index: number): number {
  return Math.floor(index / BATCH);
}

function lastOf(rows: readonly unknown[], replacedBy: readonly string[]): unknown[] {
  const last = new Map<string, unknown>();
  for (const row of rows as readonly Readonly<Record<string, unknown>>[])
    last.set(JSON.stringify(replacedBy.map((field) => row[field])), row);
  return [...last.values()];
}
