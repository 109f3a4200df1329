/** split: each element goes to the first branch whose predicate it passes, or to the rest. */

import type { SplitNode } from "../stream/node.ts";
import { bindAuthor, type Push, type StatelessSetup, type Step } from "./step.ts";

/** `branches[i]` takes what predicate i matches, `rest` what none does; undefined where nobody reads a branch. */
export function splitStep(
  node: SplitNode,
  { call }: StatelessSetup,
  branches: readonly (Push | undefined)[],
  rest: Push | undefined,
): Step {
  const predicates = node.predicates.map(({ name, fn }) => bindAuthor(fn, call, `split branch ${name}`));
  return {
    inputs: [
      (value, key, timestampMs) => {
        for (let i = 0; i < predicates.length; i++) {
          if (!predicates[i]?.(value, timestampMs)) continue;
          branches[i]?.(value, key, timestampMs);
          return;
        }
        rest?.(value, key, timestampMs);
      },
    ],
  };
}
