/** How the source nodes of a task, read together, deal with time: the slowest of them decides. */

import type { SourceNode } from "../stream/node.ts";
import { boundedWatermark } from "../watermarks/bounded.ts";
import type { OpenTask } from "./open-task.ts";

export type SourceTime = {
  /** undefined: never idle. */
  readonly idleAfterMs: number | undefined;
  /** The distance at which the watermark follows the clock when idle; undefined: it waits. */
  readonly followClockBoundMs: number | undefined;
};

/** The rules for a task that reads a source topic. */
export function sourceTimeOf(task: OpenTask): SourceTime {
  const strategies = sourceNodesOf(task).map((node) => node.watermark);
  const idleAfter = strategies.map((strategy) => strategy?.idleAfter);
  const follows = strategies.length > 0 && strategies.every((strategy) => strategy?.whenIdle === "follow-clock");
  return {
    idleAfterMs:
      strategies.length === 0 || idleAfter.includes(undefined) ? undefined : Math.max(...(idleAfter as number[])),
    followClockBoundMs: follows ? Math.max(...strategies.map((strategy) => strategy?.bound ?? 0)) : undefined,
  };
}

/** The watermark of a source task: the least over its source nodes. */
export function sourceWatermark(task: OpenTask): number {
  let least = Number.POSITIVE_INFINITY;
  for (const [i, node] of sourceNodesOf(task).entries()) {
    least = Math.min(least, watermarkOf(task, i, node));
  }
  return least === Number.POSITIVE_INFINITY ? Number.NEGATIVE_INFINITY : least;
}

function watermarkOf({ meta }: OpenTask, index: number, { watermark }: SourceNode): number {
  switch (watermark?.kind) {
    case "bounded":
      return boundedWatermark(meta.newestMs[index] ?? Number.NEGATIVE_INFINITY, watermark.bound);
    case "generated":
      return meta.generated?.[index]?.watermarkMs ?? Number.NEGATIVE_INFINITY;
    default:
      return Number.NEGATIVE_INFINITY;
  }
}

/** The nodes that read the task's topic. */
export function sourceNodesOf(task: OpenTask): readonly SourceNode[] {
  return task.plan.sources.find(({ topic }) => topic.topicName === task.name.topic)?.nodes ?? [];
}
