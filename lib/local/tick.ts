/** Ticks: which tasks a function has, and the event that lets them notice that time passes. */

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

/** A tick of some tasks of a function. */
export function tickEvent(plan: FunctionPlan, tasks: readonly TaskPlace[], watermarkMs?: number): TickEvent {
  const watermark = watermarkMs === undefined ? {} : { watermark: encodeWatermark(watermarkMs) as number | "end" };
  return { eventSource: "millrace:tick", functionName: plan.name, tasks, ...watermark };
}
