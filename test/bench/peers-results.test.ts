/** The check of what the sides of the comparison write: it finds what is wrong, twice or missing. */

import { Buffer } from "node:buffer";
import { expect, test } from "vitest";
import { type Promised, Results } from "../../bench/peers/read-results.ts";
import { resultKey, writeViews } from "../../bench/peers/views.ts";
import { MemoryBroker } from "../../lib/local/memory-broker.ts";

const EXPECTED = new Map([
  [resultKey("ada", 0), 2],
  [resultKey("bob", 0), 1],
]);

async function read(promised: Promised, written: readonly { user: string; count: number }[]): Promise<Results> {
  const broker = new MemoryBroker();
  await broker.ensureTopics([{ name: "counts", partitions: 1, compacted: false, retentionMs: undefined }]);
  const results = new Results(broker, "counts", promised, EXPECTED);
  for (const { user, count } of written) {
    const value = Buffer.from(JSON.stringify({ user, count, startMs: 0 }));
    await broker.produce([
      { topic: "counts", partition: 0, records: [{ key: null, value, timestampMs: 0, headers: [] }] },
    ]);
    await results.readOn();
  }
  return results;
}

const ada = { user: "ada", count: 2 };
const bob = { user: "bob", count: 1 };

test.each(["each once", "each, perhaps repeated", "updates"] as const)(
  "%s: all results are all there is to come",
  async (promised) => {
    expect((await read(promised, [ada])).share).toBe(0.5);
    expect((await read(promised, [ada, bob])).share).toBe(1);
  },
);

test.each(["each once", "each, perhaps repeated", "updates"] as const)(
  "%s: a count that is too high is wrong",
  async (promised) => {
    await expect(read(promised, [{ user: "ada", count: 3 }])).rejects.toThrow("is wrong");
  },
);

test.each(["each once", "each, perhaps repeated"] as const)(
  "%s: a count that is too low is wrong",
  async (promised) => {
    await expect(read(promised, [{ user: "ada", count: 1 }])).rejects.toThrow("is wrong");
  },
);

test("a result of nobody's is wrong", async () => {
  await expect(read("updates", [{ user: "eve", count: 1 }])).rejects.toThrow("is wrong");
});

test("a repeat is wrong where each result is promised once, and only there", async () => {
  await expect(read("each once", [ada, ada])).rejects.toThrow("is wrong");
  expect((await read("each, perhaps repeated", [ada, ada, bob])).share).toBe(1);
});

test("of updates the last one counts", async () => {
  expect((await read("updates", [{ user: "ada", count: 1 }, bob])).share).toBe(0.5);
  expect((await read("updates", [ada, bob, { user: "ada", count: 1 }])).share).toBe(0.5);
  expect((await read("updates", [{ user: "ada", count: 1 }, bob, ada])).share).toBe(1);
});

test("what is written is what is expected, and each partition has users of all kinds", async () => {
  const broker = new MemoryBroker();
  await broker.ensureTopics([{ name: "views", partitions: 4, compacted: false, retentionMs: undefined }]);
  const expected = await writeViews(broker, 8_000, () => {});
  expect([...expected.values()].reduce((sum, count) => sum + count, 0)).toBe(8_000);
  for (const partition of [0, 1, 2, 3]) {
    const { records } = await broker.fetch("views", partition, 0, { bytesMax: 2 ** 24, recordsMax: 10_000 });
    const users = new Set<string>();
    for (let i = 0; i < records.count; i += 1)
      users.add(
        JSON.parse(Buffer.from(records.bytes.subarray(records.valueStart[i], records.valueEnd[i])).toString()).user,
      );
    // Of the 2,000 records in it; taken in turn, a partition would have a quarter of the users.
    expect(users.size).toBeGreaterThan(900);
  }
});
