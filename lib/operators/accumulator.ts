/** What steps must know of accumulators: whether they can be kept (those that only ever hold numbers need not be asked), and how they are copied. */

import { copyStorable } from "../state/copy-storable.ts";
import { requireStorable } from "../state/value-encoding.ts";
import type { AggregatorSpec } from "../stream/aggregate.ts";
import { MillraceError } from "../stream/error.ts";

const NUMERIC_KINDS: ReadonlySet<string> = new Set(["count", "sum", "min", "max", "average"]);

/**
 * Returns an accumulator as it is, after a check where author's values can be in it. Throws MillraceError "unstorable"; also for undefined, which in
 * state stands for a key that has nothing.
 */
export function accumulatorCheck({ kind, changed }: AggregatorSpec): (accumulator: unknown) => unknown {
  if (NUMERIC_KINDS.has(kind)) return (accumulator) => accumulator;
  return (accumulator) => {
    if (accumulator === undefined)
      throw new MillraceError(
        "unstorable",
        "the accumulator is undefined: add and merge return it; use null for nothing.",
      );
    requireStorable(changed === undefined ? accumulator : changed(accumulator), "the accumulator");
    return accumulator;
  };
}

/** The aggregator's `merge` with the same check of what it returns; undefined where it has none. */
export function checkedMerge(aggregator: AggregatorSpec): AggregatorSpec["merge"] {
  const { kind, merge } = aggregator;
  if (merge === undefined || NUMERIC_KINDS.has(kind)) return merge;
  const checked = accumulatorCheck(aggregator);
  return (a, b) => checked(merge(a, b));
}

/** Aggregates whose merge makes a new accumulator, no larger than one of those it was given. */
const COMPACT_KINDS: ReadonlySet<string> = new Set([...NUMERIC_KINDS, "minBy", "maxBy", "first", "last", "reduce"]);

/** Whether accumulators stay as small as those of one element, so that many of them may be held beside the state. */
export function isCompact({ kind, parts }: AggregatorSpec): boolean {
  return parts === undefined ? COMPACT_KINDS.has(kind) : parts.every(isCompact);
}

/** Makes copies that may be changed in place by the aggregator's `merge`, as its first argument or its second. */
export function copierOf(aggregator: AggregatorSpec): (accumulator: unknown) => unknown {
  if (aggregator.parts === undefined) return isCompact(aggregator) ? (accumulator) => accumulator : copyStorable;
  return isCompact(aggregator) ? (accumulator) => (accumulator as unknown[]).slice() : copyStorable;
}
