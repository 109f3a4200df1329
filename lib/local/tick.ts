/** What a function reads: which topics and which tasks it has, and the event that lets them notice that time passes. */

import type { FunctionPlan } from "../stream/plan.ts";
import { encodeWatermark } from "../wire/bundle.ts";
import type { TickEvent } from "../wire/lambda-event.ts";

export type TaskPlace = { readonly topic: string; readonly partition: number };

/** The tasks that read sources; a shuffle's are woken by bundles and by what they ask for. */
export function sourceTasksOf(plan: FunctionPlan): TaskPlace[] {
  return plan.sources.flatMap(({ topic, partitions }) =>
    Array.from({ length: partitions }, (_, partition) => ({ topic: topic.topicName, partition })),
  );
}

/** All tasks of a function. */
export function placesOf(plan: FunctionPlan): TaskPlace[] {
  const { shuffle } = plan;
  return shuffle === undefined
    ? sourceTasksOf(plan)
    : Array.from({ length: shuffle.partitions }, (_, partition) => ({ topic: shuffle.name, partition }));
}

/** The topics that a function reads, and where it begins in them. */
export function topicsReadBy({ shuffle, sources }: FunctionPlan): {
  readonly topic: string;
  readonly startAt: "earliest" | "latest";
}[] {
  if (shuffle !== undefined) return [{ topic: shuffle.name, startAt: "earliest" }];
  return sources.map(({ topic, nodes }) => ({
    topic: topic.topicName,
    startAt: nodes.every((node) => node.startAt === "latest") ? "latest" : "earliest",
  }));
}

/** A tick of some tasks of a function. */
export function tickEvent(plan: FunctionPlan, tasks: readonly TaskPlace[], watermarkMs?: number): TickEvent {
  const watermark = watermarkMs === undefined ? {} : { watermark: encodeWatermark(watermarkMs) as number | "end" };
  return { eventSource: "millrace:tick", functionName: plan.name, tasks, ...watermark };
}
