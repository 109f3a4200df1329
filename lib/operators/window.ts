/** Windows: which of the steps that do the same in different ways is the cheapest for a node. */

import type { WindowAggregateNode, WindowNode } from "../stream/node.ts";
import type { WindowAssignerSpec } from "../stream/window-spec.ts";
import { partialShapeOf, shapeOf } from "../windows/shape.ts";
import { generalWindowStep } from "./general-window.ts";
import { sessionAggregateStep } from "./session-aggregate.ts";
import { slicedAggregateStep } from "./sliced-aggregate.ts";
import type { Step, StepSetup } from "./step.ts";
import { tumblingAggregateStep } from "./tumbling-aggregate.ts";

export function windowStep(node: WindowNode, setup: StepSetup): Step {
  return {
    ...cheapestStep(node, setup),
    shape: shapeOf(node),
    ...(isPlain(node) && { partialShape: partialShapeOf(node) }),
  };
}

function cheapestStep(node: WindowNode, setup: StepSetup): Step {
  if (!isPlain(node)) return generalWindowStep(node, setup);
  if (hasAssigner(node, "tumbling")) return tumblingAggregateStep(node, setup);
  if (node.aggregator.merge === undefined) return generalWindowStep(node, setup);
  // Slices say when elements were, and not in which order they came.
  if (node.aggregator.ordered !== true && (hasAssigner(node, "sliding") || hasAssigner(node, "cumulative")))
    return slicedAggregateStep(node, setup);
  return hasAssigner(node, "session") ? sessionAggregateStep(node, setup) : generalWindowStep(node, setup);
}

/** Whether a node's windows only aggregate, and give their results when they close. */
export function isPlain(node: WindowNode): node is WindowAggregateNode {
  const { aggregator, process, trigger, evictor } = node;
  return aggregator !== undefined && process === undefined && trigger === undefined && evictor === undefined;
}

/** Whether a node's windows are of a kind. */
export function hasAssigner<Kind extends WindowAssignerSpec["kind"]>(
  node: WindowAggregateNode,
  kind: Kind,
): node is WindowAggregateNode & { readonly assigner: Extract<WindowAssignerSpec, { kind: Kind }> } {
  return node.assigner.kind === kind;
}
