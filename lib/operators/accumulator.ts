/** Whether accumulators must be checked to be storable: those that only ever hold numbers need not be. */

import { requireStorable } from "../state/value-encoding.ts";
import type { AggregatorSpec } from "../stream/aggregate.ts";

const NUMERIC_KINDS: ReadonlySet<string> = new Set(["count", "sum", "min", "max", "average"]);

/** Returns an accumulator as it is, after a check where author's values can be in it. Throws MillraceError "unstorable". */
export function accumulatorCheck(aggregator: AggregatorSpec): (accumulator: unknown) => unknown {
  if (NUMERIC_KINDS.has(aggregator.kind)) return (accumulator) => accumulator;
  return (accumulator) => {
    requireStorable(accumulator, "the accumulator");
    return accumulator;
  };
}
