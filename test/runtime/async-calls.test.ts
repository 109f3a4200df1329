/** Calls of asynchronous functions by themselves, in virtual time: capacity, limits of time, attempts, batches, the cache. */

import { asyncFunction, milliseconds, minutes, seconds } from "millrace";
import { describe, expect, test } from "vitest";
import { AsyncWorld } from "./async-world.ts";

describe("capacity", () => {
  test("bounds the calls that are under way, and all of it is used", async () => {
    const world = new AsyncWorld();
    let underWay = 0;
    let most = 0;
    const fn = asyncFunction({
      call: async (n: number) => {
        most = Math.max(most, ++underWay);
        await world.sleep(10);
        underWay--;
        return n;
      },
      timeout: seconds(1),
      capacity: 3,
    });
    expect(await world.ask(fn, [1, 2, 3, 4, 5, 6, 7])).toHaveLength(7);
    expect([most, world.nowMs, world.timers]).toEqual([3, 30, 0]);
  });
});

describe("time", () => {
  test("a call that ignores its signal ends all the same, and what it answers late does nothing", async () => {
    const world = new AsyncWorld();
    let signal: AbortSignal | undefined;
    const fn = asyncFunction({
      call: async (n: number, call) => {
        signal = call.signal;
        await world.sleep(n);
        return n;
      },
      timeout: milliseconds(100),
    });
    expect(await world.ask(fn, [5_000, 50])).toEqual([
      "1: 50",
      "0: mapAsync failed after 1 attempt: no answer within 100 ms",
    ]);
    expect([world.nowMs, signal?.aborted]).toEqual([100, false]);
    const later = asyncFunction({ call: async () => world.sleep(10_000), timeout: seconds(60) });
    expect(await world.ask(later, [0])).toEqual(["0: undefined"]);
  });

  test("a signal tells what is called", async () => {
    const world = new AsyncWorld();
    let reason: unknown;
    const fn = asyncFunction({
      call: (_: number, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener("abort", () => {
            reason = signal.reason;
            reject(signal.reason);
          });
        }),
      timeout: milliseconds(100),
    });
    await world.ask(fn, [1]);
    expect(reason).toEqual(new Error("no answer within 100 ms"));
  });

  test("the time-out counts from the first attempt to the answer, pauses included", async () => {
    const world = new AsyncWorld();
    let attempts = 0;
    const fn = asyncFunction({
      call: async (_: number) => {
        attempts++;
        await world.sleep(30);
        throw new Error("busy");
      },
      timeout: milliseconds(100),
      retries: 50,
      backoff: { initial: milliseconds(10), multiplier: 1 },
    });
    expect(await world.ask(fn, [1])).toEqual(["0: mapAsync failed after 3 attempts: no answer within 100 ms"]);
    expect([attempts, world.nowMs]).toEqual([3, 100]);
  });

  test("a time-out in a pause names the attempts that were made", async () => {
    const world = new AsyncWorld();
    const fn = asyncFunction({
      call: async (_: number) => Promise.reject(new Error("busy")),
      timeout: milliseconds(100),
      retries: 3,
      backoff: { initial: milliseconds(200) },
    });
    expect(await world.ask(fn, [1])).toEqual(["0: mapAsync failed after 1 attempt: no answer within 100 ms"]);
  });

  test("an attempt may have less, and is made again", async () => {
    const world = new AsyncWorld();
    const fn = asyncFunction({
      call: async (n: number, { attempt }) => {
        await world.sleep(attempt === 1 ? 1_000 : 1);
        return `${n} at ${attempt}`;
      },
      timeout: milliseconds(500),
      attemptTimeout: milliseconds(100),
      retries: 1,
      backoff: { initial: milliseconds(10) },
    });
    expect(await world.ask(fn, [7])).toEqual(["0: 7 at 2"]);
    expect(world.nowMs).toBe(111);
  });

  test("an invocation that ends gives up what is under way", async () => {
    const world = new AsyncWorld();
    let aborted = false;
    const fn = asyncFunction({
      call: (n: number, { signal }) => {
        signal.addEventListener("abort", () => {
          aborted = true;
        });
        return n === 1 ? Promise.resolve(n) : new Promise(() => {});
      },
      timeout: seconds(60),
      capacity: 2,
    });
    await expect(world.ask(fn, [1, 2, 3, 4], 1_000)).rejects.toThrow("The invocation has ended.");
    expect([aborted, world.nowMs, world.timers]).toEqual([true, 1_000, 0]);
  });
});

describe("attempts", () => {
  const failing = (world: AsyncWorld, errors: readonly Error[], more: object) => {
    const atMs: number[] = [];
    const fn = asyncFunction({
      call: async (n: number, { attempt }) => {
        atMs.push(world.nowMs);
        const error = errors[attempt - 1];
        if (error !== undefined) throw error;
        return n;
      },
      timeout: minutes(10),
      ...more,
    });
    return { fn, atMs };
  };
  const busy = new Error("busy");

  test("come with pauses that grow, up to a limit", async () => {
    const world = new AsyncWorld();
    const { fn, atMs } = failing(world, [busy, busy, busy, busy], {
      retries: 4,
      backoff: { initial: milliseconds(100), multiplier: 3, max: milliseconds(500) },
    });
    expect(await world.ask(fn, [1])).toEqual(["0: 1"]);
    expect(atMs).toEqual([0, 100, 400, 900, 1_400]);
  });

  test("are as many as retries allow, and the sentence says how many", async () => {
    const world = new AsyncWorld();
    const { fn, atMs } = failing(world, [busy, busy, new TypeError("odd")], { retries: 2 });
    expect(await world.ask(fn, [1])).toEqual(["0: mapAsync failed after 3 attempts: TypeError: odd"]);
    expect(atMs).toEqual([0, 100, 300]);
  });

  test("are not repeated for errors that retryIf does not name, nor where it throws itself", async () => {
    const world = new AsyncWorld();
    const retryIf = (error: unknown) => error === busy;
    const { fn, atMs } = failing(world, [busy, new RangeError("no such customer")], { retries: 5, retryIf });
    expect(await world.ask(fn, [1])).toEqual(["0: mapAsync failed after 2 attempts: RangeError: no such customer"]);
    expect(atMs).toHaveLength(2);
    const throwing = failing(world, [busy], {
      retries: 5,
      retryIf: () => {
        throw new Error("mine");
      },
    });
    expect(await world.ask(throwing.fn, [1])).toEqual(["0: mapAsync failed after 1 attempt: busy"]);
  });

  test("of functions that throw at once, or answer without a promise, are no different", async () => {
    const world = new AsyncWorld();
    const call = ((n: number) => {
      if (n === 1) throw new Error("at once");
      return n;
    }) as unknown as (n: number) => Promise<number>;
    expect(await world.ask(asyncFunction({ call, timeout: seconds(1) }), [1, 2])).toEqual([
      "0: mapAsync failed after 1 attempt: at once",
      "1: 2",
    ]);
  });
});

describe("batches", () => {
  test("hold as many values as they may, and answers find their values", async () => {
    const world = new AsyncWorld();
    const batches: number[][] = [];
    const fn = asyncFunction({
      callBatch: async (values: readonly number[]) => {
        batches.push([...values]);
        return values.map((n) => n * 10);
      },
      maxBatchSize: 3,
      timeout: seconds(1),
    });
    expect((await world.ask(fn, [1, 2, 3, 4, 5, 6, 7])).sort()).toEqual([
      "0: 10",
      "1: 20",
      "2: 30",
      "3: 40",
      "4: 50",
      "5: 60",
      "6: 70",
    ]);
    expect(batches).toEqual([[1, 2, 3], [4, 5, 6], [7]]);
  });

  test("an Error in the place of a result fails that value alone, and is asked for again alone", async () => {
    const world = new AsyncWorld();
    const batches: string[] = [];
    const fn = asyncFunction({
      callBatch: async (values: readonly number[], { attempt }) => {
        batches.push(values.join());
        return values.map((n) => (n === 2 || (n === 3 && attempt === 1) ? new Error(`no ${n}`) : n));
      },
      timeout: seconds(1),
      retries: 1,
    });
    expect(await world.ask(fn, [1, 2, 3])).toEqual(["0: 1", "1: mapAsync failed after 2 attempts: no 2", "2: 3"]);
    expect(batches).toEqual(["1,2,3", "2,3"]);
  });

  test.each<[string, unknown, string]>([
    ["too few results", [1], "callBatch gave 1 results for 2 values"],
    ["too many results", [1, 2, 3], "callBatch gave 3 results for 2 values"],
    ["no array", new Set([1, 2]), "callBatch gave no array for 2 values"],
  ])("of %s fail, without another attempt", async (_, given, sentence) => {
    const world = new AsyncWorld();
    let calls = 0;
    const callBatch = async (_values: readonly number[]) => {
      calls++;
      return given as number[];
    };
    expect(await world.ask(asyncFunction({ callBatch, timeout: seconds(1), retries: 3 }), [1, 2])).toEqual([
      `0: mapAsync failed after 1 attempt: ${sentence}`,
      `1: mapAsync failed after 1 attempt: ${sentence}`,
    ]);
    expect(calls).toBe(1);
  });
});

describe("the cache", () => {
  const caching = (world: AsyncWorld, more: object = {}) => {
    const asked: string[] = [];
    const fn = asyncFunction({
      call: async (word: string) => {
        asked.push(word);
        await world.sleep(5);
        if (word.startsWith("bad")) throw new Error("bad");
        return `${word} ${world.nowMs}`;
      },
      timeout: seconds(1),
      cache: { key: (word) => word[0] as string, ttl: milliseconds(100), maxEntries: 2 },
      ...more,
    });
    return { fn, asked };
  };

  test("answers values of the same key until their time is over", async () => {
    const world = new AsyncWorld();
    const { fn, asked } = caching(world);
    expect(await world.ask(fn, ["a"])).toEqual(["0: a 5"]);
    world.nowMs = 104;
    expect(await world.ask(fn, ["ab"])).toEqual(["0: a 5"]);
    world.nowMs = 105;
    expect(await world.ask(fn, ["abc"])).toEqual(["0: abc 110"]);
    expect(asked).toEqual(["a", "abc"]);
  });

  test("forgets the key that was not asked for the longest", async () => {
    const world = new AsyncWorld();
    const { fn, asked } = caching(world);
    for (const word of ["a", "b", "a", "c", "a", "b"]) await world.ask(fn, [word]);
    expect(asked).toEqual(["a", "b", "c", "b"]);
  });

  test("shares one call between values of one key that are asked for at once, in one task or several", async () => {
    const world = new AsyncWorld();
    const { fn, asked } = caching(world);
    const [mine, others] = await Promise.all([world.ask(fn, ["a1", "a2", "b"]), world.ask(fn, ["a3", "b2"])]);
    expect(asked).toEqual(["a1", "b"]);
    expect(mine?.sort()).toEqual(["0: a1 5", "1: a1 5", "2: b 5"]);
    expect(others?.sort()).toEqual(["0: a1 5", "1: b 5"]);
  });

  test("shares failures that are under way, and keeps none", async () => {
    const world = new AsyncWorld();
    const { fn, asked } = caching(world);
    const failed = "mapAsync failed after 1 attempt: bad";
    expect((await world.ask(fn, ["bad", "bad"])).sort()).toEqual([`0: ${failed}`, `1: ${failed}`]);
    expect(await world.ask(fn, ["b"])).toEqual(["0: b 10"]);
    expect(asked).toEqual(["bad", "b"]);
  });

  test("leaves to itself who waits for a call that another task gave up", async () => {
    const world = new AsyncWorld();
    const { fn, asked } = caching(world);
    const given = world.ask(fn, ["a1"], 2);
    const mine = world.ask(fn, ["a2"]);
    await expect(given).rejects.toThrow("The invocation has ended.");
    expect(await mine).toEqual(["0: a2 7"]);
    expect(asked).toEqual(["a1", "a2"]);
  });

  test("works with batches: only what is not known is asked for", async () => {
    const world = new AsyncWorld();
    const batches: string[] = [];
    const fn = asyncFunction({
      callBatch: async (values: readonly string[]) => {
        batches.push(values.join());
        return values.map((word) => word.toUpperCase());
      },
      timeout: seconds(1),
      maxBatchSize: 2,
      cache: { key: (word) => word, ttl: minutes(1), maxEntries: 10 },
    });
    await world.ask(fn, ["a"]);
    expect((await world.ask(fn, ["b", "a", "b", "c", "d"])).sort()).toEqual(["0: B", "1: A", "2: B", "3: C", "4: D"]);
    expect(batches).toEqual(["a", "b,c", "d"]);
  });

  test("keeps answers that are undefined, and none that has no key", async () => {
    const world = new AsyncWorld();
    let calls = 0;
    const fn = asyncFunction({
      call: async (_: string) => void calls++,
      timeout: seconds(1),
      cache: {
        key: (word) => (word === "none" ? (undefined as unknown as string) : word),
        ttl: minutes(1),
        maxEntries: 10,
      },
    });
    await world.ask(fn, ["a"]);
    expect((await world.ask(fn, ["a", "none", "b"])).sort()).toEqual([
      "0: undefined",
      expect.stringMatching(/^1: .*undefined/),
      "2: undefined",
    ]);
    expect(calls).toBe(2);
  });
});
