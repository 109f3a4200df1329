/** Process functions: author's code with state and timers per key. What it keeps lies in tables of the step, one per state and kind of timer. */

import type { ConnectNode, ProcessNode } from "../stream/node.ts";
import { keyedCalls, ProcessCalls } from "./process-calls.ts";
import type { Step, StepSetup } from "./step.ts";

export function processStep(node: ProcessNode | ConnectNode, setup: StepSetup): Step {
  const { input, timed } = keyedCalls(node, new ProcessCalls(setup), setup);
  return {
    shape: "states of a process function",
    inputs:
      node.kind === "connect"
        ? [input(node.onLeft, "process (onLeft)"), input(node.onRight, "process (onRight)")]
        : [input(node.onElement, node.method === "process" ? "process (onElement)" : node.method)],
    ...timed,
  };
}
