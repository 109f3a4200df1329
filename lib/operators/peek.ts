/** peek: shows every element to the author's function and passes it on. */

import type { PeekNode } from "../stream/node.ts";
import { bindAuthor, type StatelessSetup, type Step } from "./step.ts";

export function peekStep(node: PeekNode, { call, out }: StatelessSetup): Step {
  const fn = bindAuthor(node.fn, call, "peek");
  return {
    inputs: [
      (value, key, timestampMs) => {
        fn(value, timestampMs);
        out(value, key, timestampMs);
      },
    ],
  };
}
