/** Faults follow from their seed, and happen about as often as asked for. */

import { describe, expect, test } from "vitest";
import { countFaults, createFaults, type Faults } from "../../lib/simulation/faults.ts";
import { createRandom, deriveSeed } from "../../lib/simulation/random.ts";

/** One invocation with five calls, as a mapping and ports would ask. */
function drawInvocation(faults: Faults): readonly unknown[] {
  return [
    faults.splitBatch(10),
    faults.timeoutEarly(),
    ...Array.from({ length: 5 }, () => faults.callFault()),
    faults.duplicateDelivery(),
  ];
}

const draw = (seed: number, probability: number, invocations: number) => {
  const faults = createFaults({ seed, probability });
  return { faults, drawn: Array.from({ length: invocations }, () => drawInvocation(faults)) };
};

describe("a plan of faults", () => {
  test("is the same for the same seed, and another for another", () => {
    expect(draw(7, 0.5, 200).drawn).toEqual(draw(7, 0.5, 200).drawn);
    expect(draw(7, 0.5, 200).drawn).not.toEqual(draw(8, 0.5, 200).drawn);
  });

  test("counts what it decided", () => {
    const { faults, drawn } = draw(3, 0.5, 500);
    const all = drawn.flat();
    const count = (...kinds: unknown[]) => all.filter((one) => kinds.includes(one)).length;
    expect(faults.counts).toEqual({
      crashes: count("crash-before", "crash-after"),
      lostReplies: count("lost-reply"),
      delays: count("delay", "slow-reply"),
      duplicates: drawn.filter((one) => one.at(-1) === true).length,
      timeouts: drawn.filter((one) => one[1] === true).length,
      splits: all.filter((one) => typeof one === "number").length,
    });
    expect(Math.min(...Object.values(faults.counts))).toBeGreaterThan(0);
  });

  test.each([0.05, 0.3, 1])("has about %d faults per invocation", (probability) => {
    const { faults } = draw(1, probability, 10_000);
    expect(countFaults(faults.counts) / 10_000 / probability).toBeCloseTo(1, 0);
  });

  test("of probability 0 has none", () => {
    expect(countFaults(draw(1, 0, 1000).faults.counts)).toBe(0);
  });

  test("splits a batch into two parts that are not empty", () => {
    const faults = createFaults({ seed: 1, probability: 1 });
    const cuts = new Set(Array.from({ length: 2000 }, () => faults.splitBatch(4)));
    expect([...cuts].toSorted()).toEqual([1, 2, 3, undefined]);
    expect(faults.splitBatch(1)).toBe(undefined);
  });
});

describe("random numbers", () => {
  test("lie in [0, 1), evenly", () => {
    for (const seed of [0, 1, -1, 2 ** 32 + 5]) {
      const random = createRandom(seed);
      const buckets = new Array<number>(10).fill(0);
      for (let i = 0; i < 10_000; i += 1) {
        const bucket = Math.floor(random() * 10);
        buckets[bucket] = (buckets[bucket] ?? Number.NaN) + 1;
      }
      for (const count of buckets) expect(Math.abs(count - 1000)).toBeLessThan(150);
    }
  });

  test("never change, so that a seed of yesterday still says something", () => {
    const random = createRandom(42);
    expect([random(), random(), random()].map((value) => Math.floor(value * 1e9))).toMatchInlineSnapshot(`
      [
        456255805,
        564175358,
        574377717,
      ]
    `);
  });

  test("of neighbouring seeds and of derived ones differ from the first on", () => {
    const seeds = [0, 1, 2, 3, deriveSeed(0, "a"), deriveSeed(0, "b"), deriveSeed(1, "a")];
    expect(new Set(seeds.map((seed) => createRandom(seed)())).size).toBe(seeds.length);
  });
});
