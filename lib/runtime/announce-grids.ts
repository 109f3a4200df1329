/** When a function tells its watermark to all partitions of its shuffles: every second, and at every end and clean-up of a window that may be waiting for it. */

import { consumersOf } from "../operators/chain.ts";
import type { Node, SinkNode, WindowJoinNode, WindowNode } from "../stream/node.ts";
import type { FunctionPlan } from "../stream/plan.ts";
import type { WindowAssignerSpec } from "../stream/window-spec.ts";
import { type AnnounceGrid, passedStep } from "../watermarks/announce.ts";

/** Elements reach partitions without any at least this often in event time, as a watermark. */
const EVERY_SECOND: AnnounceGrid = { stepMs: 1_000, offsetMs: 0 };

/** A timer may be set for any time, and an element of a join be late or due at any. A watermark ends at a millisecond as a window does, one before the next begins. */
const EVERY_MILLISECOND: AnnounceGrid = { stepMs: 1, offsetMs: 0 };

const grids = new WeakMap<FunctionPlan, readonly AnnounceGrid[]>();

/** Whether all partitions have to hear of the watermark, given the one they last heard of. */
export function isToBeAnnounced(plan: FunctionPlan, announcedMs: number, watermarkMs: number): boolean {
  return gridsOf(plan).some((grid) => passedStep(announcedMs, watermarkMs, grid));
}

function gridsOf(plan: FunctionPlan): readonly AnnounceGrid[] {
  let found = grids.get(plan);
  if (found === undefined) {
    const nodes = new Set([...consumersOf(plan.operator.sinks).values()].flat());
    const ends = [...nodes].flatMap(gridsOfNode);
    found = [EVERY_SECOND, ...ends];
    grids.set(plan, found);
  }
  return found;
}

/** When something of a step may be waiting for the watermark. */
function gridsOfNode(node: Node | SinkNode): readonly AnnounceGrid[] {
  switch (node.kind) {
    case "window":
      // A trigger may wait for any time.
      if (node.trigger !== undefined) return [EVERY_MILLISECOND];
      return node.assigner.time === "event" ? gridsOfWindow(node) : [];
    case "windowJoin":
      return node.assigner.time === "event" ? gridsOfWindow(node) : [];
    case "process":
    case "connect":
    case "broadcast":
      return node.onTimer === undefined ? [] : [EVERY_MILLISECOND];
    case "pattern":
      return node.time === "event" ? [EVERY_MILLISECOND] : [];
    case "intervalJoin":
    case "tableJoin":
      return [EVERY_MILLISECOND];
    default:
      return [];
  }
}

/** When windows fire, and when they are late for good. */
function gridsOfWindow({ assigner, allowedLateness }: WindowNode | WindowJoinNode): readonly AnnounceGrid[] {
  const ends = endsOf(assigner);
  return allowedLateness === 0 ? [ends] : [ends, { ...ends, offsetMs: ends.offsetMs + allowedLateness }];
}

/** When windows end: on a grid, or at any time. */
function endsOf(assigner: WindowAssignerSpec): AnnounceGrid {
  switch (assigner.kind) {
    case "tumbling":
      return { stepMs: assigner.size, offsetMs: assigner.offset };
    case "sliding":
      return { stepMs: assigner.slide, offsetMs: assigner.offset + assigner.size };
    case "cumulative":
      return { stepMs: assigner.step, offsetMs: assigner.offset };
    default:
      return EVERY_MILLISECOND;
  }
}
