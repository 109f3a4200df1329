/** When a function tells its watermark to all partitions of its shuffles: every second, and at every end of a window that may be waiting for it. */

import { consumersOf } from "../operators/chain.ts";
import type { FunctionPlan } from "../stream/plan.ts";
import { type AnnounceGrid, passedStep } from "../watermarks/announce.ts";

/** Elements reach partitions without any at least this often in event time, as a watermark. */
const EVERY_SECOND: AnnounceGrid = { stepMs: 1_000, offsetMs: 0 };

const grids = new WeakMap<FunctionPlan, readonly AnnounceGrid[]>();

/** Whether all partitions have to hear of the watermark, given the one they last heard of. */
export function isToBeAnnounced(plan: FunctionPlan, announcedMs: number, watermarkMs: number): boolean {
  return gridsOf(plan).some((grid) => passedStep(announcedMs, watermarkMs, grid));
}

function gridsOf(plan: FunctionPlan): readonly AnnounceGrid[] {
  let found = grids.get(plan);
  if (found === undefined) {
    const nodes = new Set([...consumersOf(plan.operator.sinks).values()].flat());
    const ends = [...nodes].flatMap((node) =>
      node.kind === "window" && node.assigner.time === "event"
        ? [{ stepMs: node.assigner.size, offsetMs: node.assigner.offset }]
        : [],
    );
    found = [EVERY_SECOND, ...ends];
    grids.set(plan, found);
  }
  return found;
}
