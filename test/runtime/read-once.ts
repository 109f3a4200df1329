/** Reads topics as a consumer does that drops repeats by their identity, and makes sure that repeats are what they should be. */

import type { TestDriver, Topic } from "millrace";
import { expect } from "vitest";

type Drivers = Pick<TestDriver, "readRecords">;

/** The records of a topic without repeats. O2: a repeat has the same identity and the same key, value, timestamp and headers. */
export async function readRecordsOnce<Out, KeyOut>(driver: Drivers, topic: Topic<never, Out, never, KeyOut>) {
  const first = new Map<string, Awaited<ReturnType<typeof driver.readRecords<Out, KeyOut>>>[number]>();
  for (const record of await driver.readRecords(topic)) {
    const { offset: _, ...content } = record;
    const identity = JSON.stringify(record.identity);
    const before = first.get(identity);
    if (record.identity === undefined || before === undefined) first.set(identity ?? `${record.offset}`, record);
    else expect(content).toEqual({ ...before, offset: undefined });
  }
  return [...first.values()];
}

/** The values of a topic without repeats. */
export async function readOnce<Out>(driver: Drivers, topic: Topic<never, Out, never, unknown>): Promise<Out[]> {
  return (await readRecordsOnce(driver, topic)).map(({ value }) => value);
}
