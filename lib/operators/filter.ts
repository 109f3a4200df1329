/** filter: keeps the elements for which the author's function is truthy. */

import type { FilterNode } from "../stream/node.ts";
import { bindAuthor, type StatelessSetup, type Step } from "./step.ts";

export function filterStep(node: FilterNode, { call, out }: StatelessSetup): Step {
  const fn = bindAuthor(node.fn, call, "filter");
  return {
    inputs: [
      (value, key, timestampMs) => {
        if (fn(value, timestampMs)) out(value, key, timestampMs);
      },
    ],
  };
}
