/** What generators of input make, and how broken records come in between. */

import type { Chance } from "./chance.ts";
import type { InputRecord } from "./example.ts";

export type Generated<T> = {
  /** In the order in which they are written, broken ones among them. */
  readonly records: readonly InputRecord[];
  /** What is in the records that are not broken. */
  readonly elements: readonly T[];
  /** Come when everything is over. */
  readonly late: readonly T[];
  /** How many records are broken. */
  readonly broken: number;
};

const BROKEN_SHARE = 0.003;

/** A broken record behind some of the others, in their topic, at their time and in their partition; at least one. None in compacted topics. */
export function mixInBroken(
  chance: Chance,
  records: readonly InputRecord[],
  text: string,
): { readonly records: readonly InputRecord[]; readonly broken: number } {
  const value = new TextEncoder().encode(text);
  // Kafka takes no record without a key into a compacted topic.
  const first = records.findIndex(({ topic }) => !topic.compacted);
  const mixed = records.flatMap((record, i) =>
    i === first || (!record.topic.compacted && chance.happens(BROKEN_SHARE))
      ? [record, { ...record, key: null, value }]
      : [record],
  );
  return { records: mixed, broken: mixed.length - records.length };
}
