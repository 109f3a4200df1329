/** Units are what a DynamoDB reports with each answer, per log and per task; what it does not report is computed as it computes it. */

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Item, itemBytesOf } from "../../lib/state-log/dynamodb-items.ts";
import type { DynamoDbStateLog } from "../../lib/state-log/dynamodb-state-log.ts";
import { append, openLog } from "../../lib/state-log/workflow.ts";
import { appendUpTo, entry, newTask, utf8 } from "../state-log/entries.ts";

/** A request that was answered, as it was sent, and the units that the answer reports. */
export type Charged = { readonly operation: string; readonly item: Item | undefined; readonly units: number };

type Opened = {
  readonly log: DynamoDbStateLog;
  /** All so far, in order. */
  readonly charged: () => readonly Charged[];
  readonly close: () => Promise<void>;
};

const WRITES = ["PutItem", "UpdateItem", "DeleteItem"];
const sumOf = (charged: readonly Charged[]) => charged.reduce((sum, { units }) => sum + units, 0);

export function testUnits(title: string, open: () => Promise<Opened>): void {
  describe(title, () => {
    let log: DynamoDbStateLog;
    let opened: Opened;
    beforeAll(async () => {
      opened = await open();
      log = opened.log;
    });
    afterAll(() => opened?.close());
    const chargedSince = (from: number) => opened.charged().slice(from);

    test("every call's units are counted as DynamoDB reports them, for the task that they were for", async () => {
      const before = log.units;
      const from = opened.charged().length;
      const [one, two] = [newTask(), newTask()];
      await appendUpTo(log, one, 40);
      await append(log, two, entry(1, { changes: new Uint8Array(3_000_000), selfContained: true }));
      await log.putChunk(two, { range: "0-0", asOf: 1, bytes: new Uint8Array(900_000) });
      await log.putChunk(two, { range: "0-0", asOf: 2, bytes: new Uint8Array(10) });
      const ofOne = log.takeUnits(one);
      await openLog(log, one);
      await log.readEntries(two);
      const readOne = log.takeUnits(one);
      const ofTwo = log.takeUnits(two);
      const calls = chargedSince(from);
      const write = sumOf(calls.filter(({ operation }) => WRITES.includes(operation)));
      const read = sumOf(calls.filter(({ operation }) => !WRITES.includes(operation)));
      expect(log.units).toEqual({
        read: before.read + read,
        write: before.write + write,
        calls: before.calls + calls.length,
        retries: before.retries,
        refused: before.refused,
      });
      expect(ofOne.write + ofTwo.write).toBe(write);
      expect(ofOne.read + readOne.read + ofTwo.read).toBe(read);
      // Forty entries of less than a kilobyte, two chunks, and the listing.
      expect(ofOne).toEqual({ read: 0, write: 43 });
      expect(readOne.write).toBe(0);
      expect(readOne.read).toBeGreaterThan(0);
      expect(log.takeUnits(one)).toEqual({ read: 0, write: 0 });
    });

    test("an item is as large as we compute it", async () => {
      const from = opened.charged().length;
      for (let length = 500; length < 1_000; length += 1)
        await log.putEntry(newTask(), entry(2, { changes: new Uint8Array(length), meta: "é".repeat(length % 40) }));
      const calls = chargedSince(from);
      expect(calls).toHaveLength(500);
      for (const { item, units } of calls) expect(units).toBe(Math.ceil(itemBytesOf(item!) / 1_024));
    });

    test("a refused put costs what the larger of the two items does, although nobody reports it", async () => {
      const task = newTask();
      await append(log, task, entry(1, { changes: utf8("x".repeat(5_000)) }));
      log.takeUnits(task);
      const { refused } = log.units;
      await append(log, task, entry(1, {}, "b"));
      expect(log.takeUnits(task)).toEqual({ read: 0, write: 6 + 1 });
      expect(log.units.refused - refused).toBe(6);
    });
  });
}
