/**
 * Where a key belongs: its key group (as in Flink, but by murmur2 as Kafka has it), the partition that owns the group, and its
 * position, a number of 31 bits with the group in front, of which chunks cover ranges.
 */

import { murmur2 } from "./murmur2.ts";

/** Bits of a position: what is left of a positive murmur2. */
export const POSITION_BITS = 31;

/** The key group of an encoded key. `maxParallelism` is a power of two. */
export function keyGroupOf(key: string, maxParallelism: number): number {
  return murmur2(key) & (maxParallelism - 1);
}

/** The partition that owns a key group: contiguous ranges of groups, as in Flink. */
export function partitionOfGroup(group: number, partitions: number, maxParallelism: number): number {
  return Math.floor((group * partitions) / maxParallelism);
}

/** The position of an encoded key: its group in the leading bits, the rest of its hash behind. */
export function positionOf(key: string, maxParallelism: number): number {
  const hash = murmur2(key) & 0x7fffffff;
  const groupBits = 31 - Math.clz32(maxParallelism);
  return (((hash & (maxParallelism - 1)) << (POSITION_BITS - groupBits)) | (hash >>> groupBits)) & 0x7fffffff;
}
