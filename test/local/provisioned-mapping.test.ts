/** What Lambda's provisioned mode adds: retry limits, record age, bisecting, partial responses, destinations for what is given up. */

import { describe, expect, test } from "vitest";
import type { Discarded } from "../../lib/local/mapping-options.ts";
import { newWorld, numbered, type Seen } from "./mapping-world.ts";

const PROVISIONED = { mode: "provisioned", backoffFirstMs: 10, backoffMaxMs: 10 } as const;

const all = ({ values }: Seen) => Object.values(values).flat();
const deliveries = (seen: readonly Seen[]) => seen.map((one) => all(one).join(" "));

function refuse(...poison: string[]) {
  return (seen: Seen) => {
    const found = all(seen).find((value) => poison.includes(value));
    if (found !== undefined) throw new Error(`refused ${found}`);
  };
}

describe("retry attempts", () => {
  test.each([
    [0, 1],
    [2, 3],
  ])(
    "of %d mean %d invocations, then the batch goes to the destination and the next comes",
    async (maximumRetryAttempts, invocations) => {
      const discarded: Discarded[] = [];
      const world = await newWorld(
        { ...PROVISIONED, maximumRetryAttempts, batchSize: 2, onFailure: (one) => void discarded.push(one) },
        refuse("a0"),
      );
      await world.produce(0, "a0", "a1", "a2");
      const mapping = world.newMapping();
      await world.runUntil(mapping);
      expect(deliveries(world.seen)).toEqual([...Array(invocations).fill("a0 a1"), "a2"]);
      expect(discarded).toMatchObject([
        {
          condition: "RetryAttemptsExhausted",
          functionName: "function",
          topic: "in",
          invocations,
          error: { message: "refused a0" },
          partitions: [{ partition: 0, firstOffset: 0, lastOffset: 1, records: 2 }],
        },
      ]);
      expect(JSON.parse(discarded[0]?.eventText ?? "")).toEqual(world.seen[0]?.event);
      expect(mapping.counters).toMatchObject({ discarded: 2, records: 1 });
      expect(await world.committed()).toEqual([3]);
    },
  );

  test("are ten where there is a destination and no limit, in on-demand mode too", async () => {
    const discarded: Discarded[] = [];
    const world = await newWorld({ onFailure: (one) => void discarded.push(one) }, refuse("a0"));
    await world.produce(0, "a0");
    await world.runUntil(world.newMapping());
    expect([world.seen.length, discarded.length]).toEqual([11, 1]);
  });

  test("without a destination drop the batch when they are used up", async () => {
    const world = await newWorld({ ...PROVISIONED, maximumRetryAttempts: 1 }, refuse("a0"));
    await world.produce(0, "a0");
    const mapping = world.newMapping();
    await world.runUntil(mapping);
    expect(mapping.counters).toMatchObject({ invocations: 2, discarded: 1 });
  });

  test("a destination that fails is tried again: nothing is skipped without it", async () => {
    let failures = 3;
    const discarded: Discarded[] = [];
    const onFailure = async (one: Discarded) => {
      if (failures-- > 0) throw new Error("destination away");
      discarded.push(one);
    };
    const world = await newWorld({ ...PROVISIONED, maximumRetryAttempts: 0, onFailure }, refuse("a0"));
    await world.produce(0, "a0");
    await world.runUntil(world.newMapping());
    expect(discarded).toHaveLength(1);
    expect(world.seen).toHaveLength(1);
  });

  test("a Kafka topic gets the records themselves, with a header that says why", async () => {
    const world = await newWorld(
      { ...PROVISIONED, partitions: 2, maximumRetryAttempts: 0, onFailure: { topic: "failed" } },
      refuse("b1"),
    );
    await world.produce(1, "b0", "b1");
    await world.runUntil(world.newMapping());
    const { records } = await world.broker.fetch("failed", 0, 0, { bytesMax: 10_000, recordsMax: 10 });
    expect(records.count).toBe(2);
    const [[name, json] = []] = records.headers?.[1] ?? [];
    expect(name).toBe("lambda-failure");
    expect(JSON.parse(Buffer.from(json ?? []).toString())).toEqual({
      condition: "RetryAttemptsExhausted",
      functionName: "function",
      topic: "in",
      partition: 1,
      offset: 1,
      invocations: 1,
      errorMessage: "refused b1",
    });
  });
});

describe("record age", () => {
  test("records that are too old are given up, and what follows them is delivered", async () => {
    const discarded: Discarded[] = [];
    const world = await newWorld({
      ...PROVISIONED,
      maximumRecordAgeSeconds: 60,
      onFailure: (one) => void discarded.push(one),
    });
    await world.produce(0, "a0", "a1");
    await world.clock.advance(50_000);
    await world.produce(0, "a2");
    await world.clock.advance(20_000);
    await world.runUntil(world.newMapping());
    expect(deliveries(world.seen)).toEqual(["a2"]);
    expect(discarded).toMatchObject([
      { condition: "RecordAgeExceeded", invocations: 0, partitions: [{ firstOffset: 0, lastOffset: 1, records: 2 }] },
    ]);
  });

  test("ends retries that would go on for ever", async () => {
    const world = await newWorld(
      { mode: "provisioned", backoffFirstMs: 10_000, backoffMaxMs: 10_000, maximumRecordAgeSeconds: 60 },
      refuse("a0"),
    );
    await world.produce(0, "a0");
    const mapping = world.newMapping();
    await world.runUntil(mapping);
    expect(mapping.counters).toMatchObject({ invocations: 7, discarded: 1 });
  });
});

describe("bisecting", () => {
  test("finds the record that fails and gives up only that, in order", async () => {
    const discarded: Discarded[] = [];
    const world = await newWorld(
      {
        ...PROVISIONED,
        bisectBatchOnFunctionError: true,
        maximumRetryAttempts: 1,
        onFailure: (one) => void discarded.push(one),
      },
      refuse("a5"),
    );
    await world.produce(0, ...numbered("a", 8));
    const mapping = world.newMapping();
    await world.runUntil(mapping);
    expect(deliveries(world.seen)).toEqual([
      "a0 a1 a2 a3 a4 a5 a6 a7",
      "a0 a1 a2 a3",
      "a4 a5 a6 a7",
      "a4 a5",
      "a4",
      "a5",
      "a5",
      "a6 a7",
    ]);
    expect(discarded).toMatchObject([{ partitions: [{ firstOffset: 5, lastOffset: 5 }] }]);
    expect(mapping.counters).toMatchObject({ records: 7, discarded: 1 });
  });
});

describe("partial responses", () => {
  const failing = (...failures: readonly [string, number][]) => ({
    batchItemFailures: failures.map(([partition, offset]) => ({ itemIdentifier: { partition, offset } })),
  });

  test("retry each partition from its first failed offset, and no other", async () => {
    const responses = [failing(["in-0", 2], ["in-1", 0], ["in-0", 1]), failing(["in-1", 1]), undefined];
    const world = await newWorld({ ...PROVISIONED, partitions: 3, reportBatchItemFailures: true }, () =>
      responses.shift(),
    );
    await world.produce(0, "a0", "a1", "a2");
    await world.produce(1, "b0", "b1");
    await world.produce(2, "c0");
    const mapping = world.newMapping();
    await world.runUntil(mapping);
    expect(deliveries(world.seen)).toEqual(["a0 a1 a2 b0 b1 c0", "a1 a2 b0 b1", "b1"]);
    expect(mapping.counters).toMatchObject({ records: 6, retries: 2 });
    expect(await world.committed()).toEqual([3, 2, 1]);
  });

  test("that go forward begin anew to count attempts; those that do not use them up", async () => {
    const responses = [failing(["in-0", 1]), failing(["in-0", 2]), failing(["in-0", 2]), failing(["in-0", 2])];
    const world = await newWorld({ ...PROVISIONED, reportBatchItemFailures: true, maximumRetryAttempts: 1 }, () =>
      responses.shift(),
    );
    await world.produce(0, "a0", "a1", "a2");
    const mapping = world.newMapping();
    await world.runUntil(mapping);
    expect(deliveries(world.seen)).toEqual(["a0 a1 a2", "a1 a2", "a2", "a2"]);
    expect(mapping.counters).toMatchObject({ records: 2, discarded: 1 });
  });

  test.each([undefined, null, {}, "anything", { batchItemFailures: null }, { batchItemFailures: [] }])(
    "%j is success",
    async (response) => {
      const world = await newWorld({ ...PROVISIONED, reportBatchItemFailures: true }, () => response);
      await world.produce(0, "a0");
      await world.runUntil(world.newMapping());
      expect(world.seen).toHaveLength(1);
    },
  );

  test.each([
    { batchItemFailures: "in-0" },
    { batchItemFailures: [{}] },
    { batchItemFailures: [{ itemIdentifier: null }] },
    { batchItemFailures: [{ itemIdentifier: "" }] },
    { batchItemFailures: [{ itemIdentifier: { partition: "in-0" } }] },
    failing(["in-0", 7]),
    failing(["in-9", 0]),
    failing(["other-0", 0]),
  ])("%j, which names no record of the batch, fails it whole", async (response) => {
    const responses: unknown[] = [response];
    const world = await newWorld({ ...PROVISIONED, reportBatchItemFailures: true }, () => responses.shift());
    await world.produce(0, "a0", "a1");
    await world.runUntil(world.newMapping());
    expect(deliveries(world.seen)).toEqual(["a0 a1", "a0 a1"]);
  });

  test("mean nothing where they were not asked for", async () => {
    const world = await newWorld({}, () => failing(["in-0", 0]));
    await world.produce(0, "a0");
    await world.runUntil(world.newMapping());
    expect(world.seen).toHaveLength(1);
  });
});
