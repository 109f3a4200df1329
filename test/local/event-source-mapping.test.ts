/** The event source mapping as Lambda's documentation describes it, in virtual time. */

import { describe, expect, test } from "vitest";
import { invoke, type LambdaContext } from "../../lib/local/invocation.ts";
import { VirtualClock } from "../../lib/simulation/virtual-clock.ts";
import { MillraceError } from "../../lib/stream/error.ts";
import { forever, newWorld, numbered, START_MS, withCalls } from "./mapping-world.ts";

describe("batches", () => {
  test("hold several partitions, each in order, and are committed", async () => {
    const world = await newWorld({ partitions: 3 });
    await world.produce(0, "a0", "a1");
    await world.produce(2, "c0");
    await world.produce(0, "a2");
    const mapping = world.newMapping();
    await world.runUntil(mapping);
    expect(world.seen.map(({ values }) => values)).toEqual([{ "in-0": ["a0", "a1", "a2"], "in-2": ["c0"] }]);
    expect(await world.committed()).toEqual([3, undefined, 1]);
    expect(mapping.counters).toMatchObject({ invocations: 1, records: 4, retries: 0 });
  });

  test("are no larger than the batch size and follow each other", async () => {
    const world = await newWorld({ batchSize: 4 });
    await world.produce(0, ...numbered("a", 10));
    await world.runUntil(world.newMapping());
    expect(world.seen.map(({ values }) => values["in-0"]?.length)).toEqual([4, 4, 2]);
    expect(world.seen.flatMap(({ values }) => values["in-0"])).toEqual(numbered("a", 10));
  });

  test("wait for the window to end, counted from the first record, unless they are full", async () => {
    const world = await newWorld({ batchSize: 3, batchWindowMs: 500 });
    const mapping = world.newMapping();
    const stop = new AbortController();
    const running = mapping.run(stop.signal);
    await world.clock.advance(1000);
    await world.produce(0, "a0");
    await world.clock.advance(400);
    await world.produce(0, "a1");
    await world.clock.advance(99);
    expect(world.seen).toEqual([]);
    await world.clock.advance(1);
    expect(world.seen.map(({ atMs, values }) => [atMs, values["in-0"]])).toEqual([[1500, ["a0", "a1"]]]);
    await world.produce(0, "a2", "a3", "a4", "a5");
    await world.clock.advance(0);
    expect(world.seen.slice(1).map(({ atMs, values }) => [atMs, values["in-0"]])).toEqual([[1500, ["a2", "a3", "a4"]]]);
    stop.abort();
    await running;
  });

  test("stay below the payload limit, counted in bytes of JSON, but one record always goes", async () => {
    const texts: string[] = [];
    const world = await newWorld({
      payloadBytesMax: 3000,
      batchSize: 1000,
      function: { name: "f", acceptsText: true, handler: (text: string) => texts.push(text) },
    });
    await world.produce(0, ...Array.from({ length: 30 }, () => "x".repeat(300)), "y".repeat(9000), "z");
    await world.runUntil(world.newMapping());
    const sizes = texts.map((text) => Buffer.byteLength(text));
    const alone = sizes.findIndex((size) => size > 3000);
    expect(texts[alone]?.match(/"offset"/g)).toHaveLength(1);
    sizes.splice(alone, 1);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(3000);
    expect(sizes.length).toBeLessThan(8);
  });

  test("hold one record each where the payload limit leaves no room even for an empty event", async () => {
    const world = await newWorld({ payloadBytesMax: 1 });
    await world.produce(0, "a0", "a1");
    await world.runUntil(world.newMapping());
    expect(world.seen.map(({ values }) => values["in-0"])).toEqual([["a0"], ["a1"]]);
  });

  test("of different partitions run at once, of one partition never", async () => {
    const world = await newWorld({ partitions: 2, batchSize: 1 }, ({ values }) =>
      world.clock.sleep(values["in-0"] ? 1000 : 100),
    );
    await world.produce(0, "a0", "a1");
    await world.produce(1, "b0", "b1", "b2");
    await world.runUntil(world.newMapping());
    expect(world.seen.map(({ atMs, values }) => `${atMs} ${Object.values(values)}`)).toEqual([
      "0 a0",
      "0 b0",
      "100 b1",
      "200 b2",
      "1000 a1",
    ]);
  });

  test("are no more at once than asked for, and no partition is forgotten", async () => {
    const world = await newWorld({ partitions: 3, batchSize: 1, concurrencyMax: 1 }, () => world.clock.sleep(10));
    for (const [partition, prefix] of ["a", "b", "c"].entries()) await world.produce(partition, ...numbered(prefix, 2));
    await world.runUntil(world.newMapping());
    expect(world.seen.map(({ values }) => Object.values(values)[0]?.[0])).toEqual(["a0", "b0", "c0", "a1", "b1", "c1"]);
  });
});

describe("where it begins", () => {
  const begin = async (startingPosition: "TRIM_HORIZON" | "LATEST" | { atTimestampMs: number }) => {
    const world = await newWorld({ startingPosition });
    for (const value of ["a0", "a1", "a2"]) {
      await world.produce(0, value);
      await world.clock.advance(1000);
    }
    const mapping = world.newMapping();
    await world.runUntil(mapping, async () => {
      if (mapping.positions().length === 1 && (await world.broker.offsets("in"))[0]?.high === 3)
        await world.produce(0, "a3");
      return (await mapping.isCaughtUp()) && world.seen.length > 0;
    });
    return world.seen.flatMap(({ values }) => values["in-0"]);
  };

  test("TRIM_HORIZON is the first record there is", async () => {
    expect(await begin("TRIM_HORIZON")).toEqual(["a0", "a1", "a2", "a3"]);
  });

  test("LATEST is the next record that comes", async () => {
    expect(await begin("LATEST")).toEqual(["a3"]);
  });

  test("a time is the first record with that time or a later one", async () => {
    expect(await begin({ atTimestampMs: START_MS + 1000 })).toEqual(["a1", "a2", "a3"]);
    expect(await begin({ atTimestampMs: START_MS + 1001 })).toEqual(["a2", "a3"]);
    expect(await begin({ atTimestampMs: START_MS + 999_999 })).toEqual(["a3"]);
  });

  test("a committed offset wins over the starting position", async () => {
    const world = await newWorld({ startingPosition: "LATEST" });
    await world.produce(0, ...numbered("a", 5));
    await world.broker.commitOffset("group", "in", 0, 3);
    await world.runUntil(world.newMapping());
    expect(world.seen.flatMap(({ values }) => values["in-0"])).toEqual(["a3", "a4"]);
  });

  test("a second mapping of the group goes on where the first stopped", async () => {
    const world = await newWorld();
    await world.produce(0, "a0");
    await world.runUntil(world.newMapping());
    await world.produce(0, "a1");
    await world.runUntil(world.newMapping());
    expect(world.seen.map(({ values }) => values["in-0"])).toEqual([["a0"], ["a1"]]);
  });

  test("an offset that is gone is passed with a notice", async () => {
    const world = await newWorld();
    await world.produce(0, "a0", "a1");
    await world.produce(0, "a2");
    await world.broker.commitOffset("group", "in", 0, 1);
    await world.broker.deleteRecords("in", 0, 2);
    const mapping = world.newMapping();
    await world.runUntil(mapping);
    expect(world.seen.flatMap(({ values }) => values["in-0"])).toEqual(["a2"]);
    expect(world.notices).toContainEqual({ kind: "reset", partition: 0, from: 1, to: 2 });
    expect(mapping.counters.resets).toBe(1);
  });

  test("offsets that markers take are passed", async () => {
    const world = await newWorld({ controlMarkers: true });
    for (const sequenceNumber of [1, 2]) {
      const records = [{ key: null, value: Buffer.from(`a${sequenceNumber}`), timestampMs: 0, headers: [] }];
      await world.broker.produceExactlyOnce([{ topic: "in", partition: 0, records }], {
        transactionalId: "t",
        sequenceNumber,
      });
    }
    await world.runUntil(world.newMapping());
    expect(await world.committed()).toEqual([4]);
    expect(world.seen.flatMap(({ values }) => values["in-0"])).toEqual(["a1", "a2"]);
  });
});

describe("a function that fails", () => {
  test("gets the same batch again, later and later, for ever", async () => {
    let failures = 9;
    const world = await newWorld({ backoffFirstMs: 100, backoffMaxMs: 1000 }, () => {
      if (failures-- > 0) throw new Error("no");
    });
    await world.produce(0, "a0", "a1");
    const mapping = world.newMapping();
    await world.runUntil(mapping);
    expect(world.seen.map(({ atMs }) => atMs)).toEqual([0, 100, 300, 700, 1500, 2500, 3500, 4500, 5500, 6500]);
    expect(new Set(world.seen.map(({ event }) => JSON.stringify(event))).size).toBe(1);
    expect(mapping.counters).toMatchObject({ invocations: 10, records: 2, retries: 9, failures: 9 });
  });

  test("holds up the partitions of its batch and nobody else", async () => {
    const world = await newWorld({ partitions: 2, batchSize: 1 }, ({ values }) => {
      if (values["in-0"] !== undefined) throw new Error("no");
    });
    await world.produce(0, "a0", "a1");
    await world.produce(1, ...numbered("b", 5));
    const mapping = world.newMapping();
    let positions = mapping.positions();
    await world.runUntil(mapping, () => {
      positions = mapping.positions();
      return positions[1]?.position === 5 && !positions[1].isInFlight;
    });
    expect(positions).toEqual([
      { partition: 0, position: 0, isInFlight: true },
      { partition: 1, position: 5, isInFlight: false },
    ]);
    expect(world.seen.some(({ values }) => values["in-0"]?.includes("a1"))).toBe(false);
  });

  test("that hangs is given up after the time limit, and goes on as a zombie", async () => {
    let wakeZombie = (): void => {};
    const ends: string[] = [];
    const world = await newWorld({ backoffFirstMs: 50 }, async (seen, context) => {
      const attempt = world.seen.length;
      expect(context.getRemainingTimeInMillis()).toBe(3000);
      if (attempt === 1) await new Promise<void>((resolve) => (wakeZombie = resolve));
      ends.push(`attempt ${attempt} of ${seen.values["in-0"]}`);
    });
    await world.produce(0, "a0");
    const mapping = world.newMapping();
    await world.runUntil(mapping);
    expect(world.seen.map(({ atMs }) => atMs)).toEqual([0, 3050]);
    expect(mapping.counters).toMatchObject({ invocations: 2, timeouts: 1, zombies: 1, records: 1 });
    wakeZombie();
    await world.clock.advance(0);
    expect(ends).toEqual(["attempt 2 of a0", "attempt 1 of a0"]);
    expect(mapping.counters.zombies).toBe(0);
  });
});

describe("stopping", () => {
  test("waits for an invocation under way and commits it", async () => {
    const world = await newWorld({}, () => world.clock.sleep(2000));
    await world.produce(0, "a0");
    await world.runUntil(world.newMapping(), () => world.seen.length === 1);
    expect(await world.committed()).toEqual([1]);
  });

  test("gives up on it after a bound, and then nothing is committed any more", async () => {
    let finish: (() => void) | undefined;
    const handler = () => new Promise<void>((resolve) => (finish = resolve));
    const world = await newWorld({ stopTimeoutMs: 1000, function: { name: "f", timeoutMs: 60_000, handler } });
    await world.produce(0, "a0");
    await world.runUntil(world.newMapping(), () => finish !== undefined);
    finish?.();
    await world.clock.advance(10);
    expect(await world.committed()).toEqual([undefined]);
  });

  test("does not retry", async () => {
    const world = await newWorld({}, () => {
      throw new Error("no");
    });
    await world.produce(0, "a0");
    const mapping = world.newMapping();
    await world.runUntil(mapping, () => world.seen.length === 2);
    expect(mapping.counters.invocations).toBe(2);
    expect(mapping.positions()).toEqual([{ partition: 0, position: 0, isInFlight: false }]);
  });

  test("an observer that throws ends the mapping with its error", async () => {
    const world = await newWorld();
    await world.produce(0, "a0");
    const mapping = world.newMapping({
      observe: () => {
        throw new Error("observer");
      },
    });
    const running = mapping.run(new AbortController().signal);
    const thrown = expect(running).rejects.toThrow("observer");
    await world.clock.advance(10_000);
    await thrown;
  });
});

describe("a broker that fails", () => {
  test("is asked again, and nothing is lost", async () => {
    const world = await newWorld({ backoffFirstMs: 100 });
    await world.produce(0, "a0", "a1");
    let failures = 3;
    const failing =
      <A extends unknown[], R>(call: (...args: A) => R) =>
      async (...args: A) => {
        if (failures-- > 0) throw new MillraceError("kafka", "away");
        return await call(...args);
      };
    const { broker } = world;
    const mapping = world.newMapping({
      broker: withCalls(broker, {
        offsets: failing(broker.offsets.bind(broker)),
        offsetRange: failing(broker.offsetRange.bind(broker)),
        fetch: failing(broker.fetch.bind(broker)),
        commitOffset: failing(broker.commitOffset.bind(broker)),
      }),
    });
    await world.runUntil(mapping, () => mapping.positions()[0]?.position === 2);
    expect(world.seen.flatMap(({ values }) => values["in-0"])).toEqual(["a0", "a1"]);
    expect(world.notices.filter(({ kind }) => kind === "broker-failed")).toHaveLength(3);
  });

  test("and says nothing of new records is polled", async () => {
    const world = await newWorld({ pollIntervalMs: 250 });
    const silent = withCalls(world.broker, { onAppend: undefined, foreignVersion: undefined });
    const stop = new AbortController();
    const running = world.newMapping({ broker: silent }).run(stop.signal);
    await world.clock.advance(100);
    await world.produce(0, "a0");
    await world.clock.advance(400);
    expect(world.seen.map(({ atMs }) => atMs)).toEqual([250]);
    stop.abort();
    await running;
  });
});

describe("seeking", () => {
  test("goes on elsewhere, also past a batch that fails for ever", async () => {
    const world = await newWorld({ partitions: 2, batchSize: 10 }, ({ values }) => {
      if (values["in-0"]?.includes("poison")) throw new Error("no");
    });
    await world.produce(0, "poison", "a1");
    await world.produce(1, "b0");
    const mapping = world.newMapping();
    let sought: Promise<void> | undefined;
    await world.runUntil(mapping, async () => {
      if (world.seen.length === 3) sought ??= mapping.seek(0, 1);
      return mapping.isCaughtUp();
    });
    await sought;
    const last = world.seen.slice(3).flatMap(({ values }) => Object.values(values).flat());
    expect(last.toSorted()).toEqual(["a1", "b0"]);
    expect(await world.committed()).toEqual([2, 1]);
  });

  test("back delivers again", async () => {
    const world = await newWorld();
    await world.produce(0, "a0", "a1");
    const mapping = world.newMapping();
    let sought: Promise<void> | undefined;
    await world.runUntil(mapping, async () => {
      if (sought === undefined && (await mapping.isCaughtUp())) sought = mapping.seek(0, 1);
      return world.seen.length === 2 && (await mapping.isCaughtUp());
    });
    expect(world.seen.map(({ values }) => values["in-0"])).toEqual([["a0", "a1"], ["a1"]]);
  });
});

describe("the handler", () => {
  test("gets the parsed event and Lambda's context, with what the caller adds", async () => {
    const world = await newWorld();
    await world.produce(0, "a0");
    const added = Symbol("added");
    const seen: unknown[] = [];
    const handler = (event: object, context: LambdaContext & { [added]: string }) => {
      seen.push(
        Object.keys(event),
        context.awsRequestId,
        context.functionName,
        context.memoryLimitInMB,
        context.getRemainingTimeInMillis(),
        context[added],
      );
    };
    await world.runUntil(
      world.newMapping({
        newRequestId: () => "id",
        function: {
          name: "counter",
          handler,
          memoryMb: 256,
          timeoutMs: 5000,
          extendContext: ({ functionName }) => ({ [added]: `for ${functionName}` }),
        },
      }),
    );
    expect(seen).toEqual([
      ["eventSource", "eventSourceArn", "bootstrapServers", "records"],
      "id",
      "counter",
      "256",
      5000,
      "for counter",
    ]);
  });

  test("may be invoked without a mapping", async () => {
    const target = { name: "f", handler: async (event: { a: number }) => event.a + 1 };
    expect(await invoke(target, '{"a":1}', { clock: new VirtualClock() })).toEqual({ kind: "succeeded", response: 2 });
    const failing = { name: "f", handler: () => Promise.reject(new Error("no")) };
    expect(await invoke(failing, "{}", { clock: new VirtualClock() })).toMatchObject({
      kind: "failed",
      error: { message: "no" },
    });
    const hanging = { name: "f", handler: forever };
    expect(await invoke(hanging, "{}", { clock: new VirtualClock(), timeoutEarly: true })).toMatchObject({
      kind: "timed-out",
    });
  });
});
