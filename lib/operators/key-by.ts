/** keyBy: sets the current key. What is behind decides whether that takes a shuffle; null drops the element and counts it. */

import { encodeKey } from "../stream/key.ts";
import type { KeyByNode } from "../stream/node.ts";
import { bindAuthor, type StatelessSetup, type Step } from "./step.ts";

export function keyByStep(node: KeyByNode, { call, counts, out }: StatelessSetup): Step {
  // keyedByTopicKey: the key is there already, or the record has none.
  if (node.fn === undefined)
    return {
      inputs: [
        (value, key, timestampMs) => {
          if (key === null || key === undefined) counts.nullKeys++;
          else out(value, key, timestampMs);
        },
      ],
    };
  const fn = bindAuthor(node.fn, call, "keyBy");
  return {
    inputs: [
      (value, _key, timestampMs) => {
        const key = fn(value, timestampMs);
        if (key === null) counts.nullKeys++;
        else {
          // Refuses what is no key here, where the author's mistake is, and not where the key is first used.
          if (typeof key !== "string") encodeKey(key as never);
          out(value, key, timestampMs);
        }
      },
    ],
  };
}
