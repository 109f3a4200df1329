/** Windows with an aggregate: which of the steps that do the same in different ways is the cheapest for a node. */

import type { WindowAggregateNode } from "../stream/node.ts";
import type { WindowAssignerSpec } from "../stream/window-spec.ts";
import { sessionAggregateStep } from "./session-aggregate.ts";
import { slicedAggregateStep } from "./sliced-aggregate.ts";
import type { Step, StepSetup } from "./step.ts";
import { tumblingAggregateStep } from "./tumbling-aggregate.ts";

export function windowStep(node: WindowAggregateNode, setup: StepSetup): Step {
  if (hasAssigner(node, "tumbling")) return tumblingAggregateStep(node, setup);
  if (hasAssigner(node, "sliding") || hasAssigner(node, "cumulative")) return slicedAggregateStep(node, setup);
  if (hasAssigner(node, "session")) return sessionAggregateStep(node, setup);
  throw new Error(`There is no step for ${node.assigner.kind} windows.`);
}

/** Whether a node's windows are of a kind. */
function hasAssigner<Kind extends WindowAssignerSpec["kind"]>(
  node: WindowAggregateNode,
  kind: Kind,
): node is WindowAggregateNode & { readonly assigner: Extract<WindowAssignerSpec, { kind: Kind }> } {
  return node.assigner.kind === kind;
}
