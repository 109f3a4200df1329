/** Runs the author's generators of watermarks over what a task reads. What they remember is in the task's meta, and so committed and undone with the rest. */

import { requireStorable } from "../state/value-encoding.ts";
import { MillraceError } from "../stream/error.ts";
import type { SourceNode } from "../stream/node.ts";
import type { WatermarkStrategy } from "../stream/watermark-strategy.ts";
import { type Generated, takeGenerated } from "../watermarks/generated.ts";
import type { OpenTask } from "./open-task.ts";
import { sourceNodesOf } from "./source-time.ts";

type Generator = NonNullable<WatermarkStrategy["generator"]>;

/** The generator of a source node, if it has one. */
function generatorOf({ watermark }: SourceNode): Generator | undefined {
  return watermark?.generator as Generator | undefined;
}

/** What the generator of the task's source node `index` has said and remembers. */
function generatedOf({ meta }: OpenTask, index: number, { create }: Generator): Generated {
  meta.generated ??= [];
  const before = meta.generated[index];
  if (before !== undefined && before !== null) return before;
  const fresh: Generated = { watermarkMs: Number.NEGATIVE_INFINITY, state: create?.() };
  meta.generated[index] = fresh;
  return fresh;
}

/** What a node's generator does with an element; undefined where there is none, or nobody waits for a watermark. */
export function observerOf(
  task: OpenTask,
  node: SourceNode,
  index: number,
): ((value: unknown, timestampMs: number) => void) | undefined {
  const generator = generatorOf(node);
  if (generator?.onEvent === undefined || !task.plan.commits) return undefined;
  const step = `watermark of topic ${node.topic.topicName}`;
  const { calls, counts, time } = task;
  const limitMs = time.nowMs + (node.watermark?.futureBound ?? 0);
  const ctx = { state: undefined as unknown, processingTimeMs: time.nowMs, timestampMs: 0 };
  return (value, timestampMs) => {
    calls.caller.step = step;
    // It may be the state that is not as it should be.
    calls.caller.reachedState = true;
    const generated = generatedOf(task, index, generator);
    ctx.state = generated.state;
    ctx.timestampMs = timestampMs;
    if (takeGenerated(generated, generator.onEvent?.(value, ctx), limitMs) === "future") counts.future++;
  };
}

/** Calls what is to be called at the end of a batch and with a tick. Throws where that throws, or where something else than data is remembered. */
export function runPeriodic(task: OpenTask, isIdle: boolean): void {
  if (!task.plan.commits) return;
  for (const [index, node] of sourceNodesOf(task).entries()) {
    const generator = generatorOf(node);
    if (generator === undefined) continue;
    const of = `the watermark of topic ${node.topic.topicName}`;
    const generated = generatedOf(task, index, generator);
    if (generator.onPeriodic !== undefined && !isIdle) {
      const ctx = { state: generated.state, processingTimeMs: task.time.nowMs };
      const limitMs = task.time.nowMs + (node.watermark?.futureBound ?? 0);
      try {
        if (takeGenerated(generated, generator.onPeriodic(ctx), limitMs) === "future") task.counts.future++;
      } catch (cause) {
        const what = cause instanceof Error ? cause.message : String(cause);
        throw new MillraceError("author", `Task ${task.name.full} stopped: onPeriodic of ${of} failed: ${what}`, {
          cause,
        });
      }
    }
    requireStorable(generated.state, `What ${of} remembers`);
  }
}

/** How soon the task wants to be looked at for its generators; +∞: never. */
export function periodMs(task: OpenTask): number {
  return Math.min(...sourceNodesOf(task).map((node) => generatorOf(node)?.every ?? Number.POSITIVE_INFINITY));
}
