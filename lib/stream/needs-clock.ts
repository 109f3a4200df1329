/** Whether a function waits for the clock: then somebody must wake its tasks when nothing arrives. */

import { isStateful, type NamedStates, type Node, type SinkNode } from "./node.ts";
import type { FunctionPlan } from "./plan.ts";
import type { TriggerSpec } from "./trigger.ts";

/** Whether a task of the function may ask for a tick while it runs as it should. One that was asked to redrive dead letters may ask for one, whatever it is. */
export function needsClock({ shuffle, nodes, sources, shuffleOutputs }: FunctionPlan): boolean {
  if (shuffle?.followClockBoundMs !== undefined || nodes.some(isTimedByClock)) return true;
  if (sources.some((source) => source.nodes.some(({ watermark }) => watermark?.generator?.every !== undefined)))
    return true;
  // Silence matters where something waits for the watermark, here or behind the shuffle.
  const waits = shuffleOutputs.length > 0 || nodes.some(isStateful);
  return waits && sources.some((source) => source.nodes.every((node) => node.watermark?.idleAfter !== undefined));
}

function isTimedByClock(node: Node | SinkNode): boolean {
  switch (node.kind) {
    case "window":
      return (
        node.assigner.time === "processing" ||
        (node.trigger !== undefined && firesByClock(node.trigger)) ||
        (node.process !== undefined && expire([...node.process.windowStates, ...node.process.globalStates]))
      );
    case "windowJoin":
      return node.assigner.time === "processing";
    case "pattern":
      return node.time === "processing";
    // What the author sets timers for is known only when they are set.
    case "process":
    case "connect":
      return node.onTimer !== undefined || expire(node.states);
    case "broadcast":
      return node.onTimer !== undefined || expire([...node.states, ...(node.keeps === "table" ? [] : node.keeps)]);
    default:
      return false;
  }
}

/** States with a time to live are swept by the clock. */
function expire(states: NamedStates): boolean {
  return states.some(({ spec }) => spec.ttlMs !== undefined);
}

function firesByClock(trigger: TriggerSpec): boolean {
  switch (trigger.kind) {
    case "purging":
      return firesByClock(trigger.of);
    case "throttled":
      return trigger.time === "processing";
    case "custom":
      return trigger.onProcessingTime !== undefined;
    default:
      return trigger.kind === "processing-time" || trigger.kind === "continuous-processing-time";
  }
}
