/** The input as a pure function of a seed and a record's number, so that whoever knows both can make any of it again. */

import { Buffer } from "node:buffer";
import { mix } from "./mix.ts";

export const INPUT_TOPIC = "visits";
export const PARTITIONS = 4;

/** Any time will do; event time has nothing to do with the clock here. */
const START_MS = 1_700_000_000_000;
/** Below the bound of the topic's watermark, so that nothing is late. */
const DISORDER_MS = 800;
const PAGES = 150;
const PAGES_OF_A_VISIT_MAX = 3;
const WORTH_MAX = 1_000;
/** Behind everything, so that every window closes. */
const END_AFTER_MS = 3_600_000;

export type InputVisit = { readonly atMs: number; readonly pages: readonly string[]; readonly worth: number };

/** Visit `number`: one a millisecond, up to 0.8 seconds out of order; some pages are far more popular than others. */
export function visitAt(seed: number, number: number): InputVisit {
  const draw = (what: number) => mix(seed, number, what);
  const pages = Array.from({ length: Math.floor(draw(0) * (PAGES_OF_A_VISIT_MAX + 1)) }, (_, i) => {
    const popularity = draw(10 + i);
    return `page-${Math.floor(popularity * popularity * PAGES)}`;
  });
  return {
    atMs: START_MS + number + Math.floor(draw(1) * DISORDER_MS),
    pages,
    worth: Math.floor(draw(2) * WORTH_MAX),
  };
}

/** Visits go to the partitions in turn: a partition's record at `offset` is always the same one. */
export function numberAt(partition: number, offset: number): number {
  return offset * PARTITIONS + partition;
}

/** How many of the first `records` visits a partition gets. */
export function countIn(partition: number, records: number): number {
  return Math.floor((records + PARTITIONS - 1 - partition) / PARTITIONS);
}

/** The record at `offset` of a partition as it is written; behind the last of `records` visits one without pages, which ends time. */
export function valueAt(seed: number, records: number, partition: number, offset: number): Buffer {
  const number = numberAt(partition, offset);
  const visit: InputVisit =
    number < records ? visitAt(seed, number) : { atMs: START_MS + records + END_AFTER_MS, pages: [], worth: 0 };
  return Buffer.from(JSON.stringify(visit));
}
