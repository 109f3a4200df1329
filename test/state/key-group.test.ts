/** Key groups, the partitions that own them, and positions. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { keyGroupOf, POSITION_BITS, partitionOfGroup, positionOf } from "../../lib/state/key-group.ts";

const maxParallelism = fc.integer({ min: 0, max: 15 }).map((bits) => 2 ** bits);
const key = fc.string({ unit: "binary" });

/** KeyGroupRangeAssignment.computeKeyGroupRangeForOperatorIndex of Flink 1.20, for start and end of a range. */
function flinkRange(max: number, parallelism: number, index: number): [start: number, end: number] {
  return [Math.floor((index * max + parallelism - 1) / parallelism), Math.floor(((index + 1) * max - 1) / parallelism)];
}

describe("a key group", () => {
  test("is below maxParallelism, and the same for the same key", () => {
    fc.assert(
      fc.property(key, maxParallelism, (k, max) => {
        const group = keyGroupOf(k, max);
        expect(group >= 0 && group < max).toBe(true);
        expect(keyGroupOf(k, max)).toBe(group);
      }),
    );
  });

  test("belongs to one partition, and each partition owns the range that Flink gives it", () => {
    fc.assert(
      fc.property(maxParallelism, fc.nat(), (max, n) => {
        const partitions = (n % max) + 1;
        const partition = n % partitions;
        const [start, end] = flinkRange(max, partitions, partition);
        expect(partitionOfGroup(start, partitions, max)).toBe(partition);
        expect(partitionOfGroup(end, partitions, max)).toBe(partition);
        if (start > 0) expect(partitionOfGroup(start - 1, partitions, max)).toBe(partition - 1);
      }),
    );
  });
});

test("a position is a number of 31 bits with the key group in front", () => {
  fc.assert(
    fc.property(key, maxParallelism, (k, max) => {
      const position = positionOf(k, max);
      expect(position >= 0 && position < 2 ** POSITION_BITS).toBe(true);
      expect(Math.floor(position / (2 ** POSITION_BITS / max))).toBe(keyGroupOf(k, max));
    }),
  );
});
