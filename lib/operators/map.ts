/** map: one element for one, with its timestamp and key. */

import type { MapNode } from "../stream/node.ts";
import { bindAuthor, type StatelessSetup, type Step } from "./step.ts";

export function mapStep(node: MapNode, { call, out }: StatelessSetup): Step {
  const fn = bindAuthor(node.fn, call, "map");
  return { inputs: [(value, key, timestampMs) => out(fn(value, timestampMs), key, timestampMs)] };
}
