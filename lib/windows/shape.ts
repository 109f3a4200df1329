/** What the state of windows looks like, in words: two nodes with the same words can read each other's state, whatever else was changed. */

import type { AggregatorSpec } from "../stream/aggregate.ts";
import type { WindowAggregateNode, WindowNode } from "../stream/node.ts";
import type { TriggerSpec } from "../stream/trigger.ts";
import type { WindowAssignerSpec } from "../stream/window-spec.ts";

/** The shape of a node's state, e.g. `tumbling of 5000 ms in event time, count`. */
export function shapeOf({ assigner, aggregator, evictor, trigger }: WindowNode): string {
  const contents = aggregator === undefined || evictor !== undefined ? "all elements" : aggregatorShape(aggregator);
  const hasSlices = assigner.kind === "sliding" || assigner.kind === "cumulative";
  const whole = hasSlices && aggregator?.ordered === true ? " in windows" : "";
  return `${assignerShape(assigner)}, ${contents}${whole}${trigger === undefined ? "" : `, trigger ${triggerShape(trigger)}`}`;
}

/**
 * The same of partial results for a node. In processing time they are of no window before they are received, so that those for windows of any length are alike.
 */
export function partialShapeOf(node: WindowAggregateNode): string {
  return node.assigner.time === "event" ? shapeOf(node) : `a batch by the clock, ${aggregatorShape(node.aggregator)}`;
}

function assignerShape(assigner: WindowAssignerSpec): string {
  const time = `in ${assigner.time} time`;
  const from = "offset" in assigner && assigner.offset !== 0 ? ` from ${assigner.offset} ms` : "";
  switch (assigner.kind) {
    case "tumbling":
      return `tumbling of ${assigner.size} ms${from} ${time}`;
    case "sliding":
      return `sliding of ${assigner.size} ms by ${assigner.slide} ms${from} ${time}`;
    case "cumulative":
      return `cumulative of ${assigner.size} ms by ${assigner.step} ms${from} ${time}`;
    case "session":
      // Sessions say themselves how long they are: another gap is for those to come.
      return `session ${time}`;
    case "global":
      return "global";
    case "custom":
      return `${assigner.merging ? "merging " : ""}custom ${time}`;
    default:
      return assigner satisfies never;
  }
}

/** The same of a rolling aggregate, whose accumulators all lie alike. */
export function rollingShapeOf({ kind, form, parts }: AggregatorSpec): string {
  return parts === undefined ? (form ?? kind) : `[${parts.map(rollingShapeOf).join(" ")}]`;
}

function aggregatorShape({ kind, form, parts, merge }: AggregatorSpec): string {
  if (parts !== undefined) return `[${parts.map(aggregatorShape).join(" ")}]`;
  // What can be merged lies in slices, what cannot in windows.
  return merge === undefined ? `${kind} without merge` : (form ?? kind);
}

/** What it remembers depends on its kind alone. */
function triggerShape(trigger: TriggerSpec): string {
  return trigger.kind === "purging" ? triggerShape(trigger.of) : trigger.kind;
}
