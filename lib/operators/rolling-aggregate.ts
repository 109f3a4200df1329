/** Rolling aggregates (count, sum, reduce, … without a window): one result per element, `{ key, value }`. */

import { encodeKey, type Key } from "../stream/key.ts";
import type { RollingAggregateNode } from "../stream/node.ts";
import { rollingShapeOf } from "../windows/shape.ts";
import { accumulatorCheck } from "./accumulator.ts";
import type { Step, StepSetup } from "./step.ts";

/** The accumulator of a key; there is one namespace. */
const NAMESPACE = "";

export function rollingAggregateStep(node: RollingAggregateNode, { table, call, out }: StepSetup): Step {
  const { create, add, result } = node.aggregator;
  const checked = accumulatorCheck(node.aggregator);
  return {
    shape: `rolling ${rollingShapeOf(node.aggregator)}`,
    inputs: [
      (value, key, timestampMs) => {
        call.step = node.method;
        call.reachedState = true;
        const encoded = encodeKey(key as Key);
        const before = table.get(NAMESPACE, encoded);
        // null is an accumulator like any other.
        const accumulator = checked(add(before === undefined ? create() : before, value));
        table.set(NAMESPACE, encoded, accumulator);
        out({ key, value: result(accumulator) }, key, timestampMs);
      },
    ],
  };
}
