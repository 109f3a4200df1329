/** The tasks in a state log, with what can be seen of each without opening it. */

import { decodeMeta, type TaskMeta } from "../runtime/task-meta.ts";
import { type ParsedTask, parseTaskName } from "../runtime/task-name.ts";
import type { StateLog } from "../state-log/state-log.ts";
import { slowestOf } from "../watermarks/combined.ts";

export type TaskSummary = ParsedTask & {
  /** Sequence number of the last commit. */
  readonly commits: number;
  /** The last input offset processed; −1 before the first. */
  readonly checkpoint: number;
  /** undefined before the first, and at the end of the input. */
  readonly watermarkMs: number | undefined;
  /** How far the watermark is behind the clock; undefined where there is none. Negative where it is ahead. */
  readonly lagMs: number | undefined;
  /** It has told that nothing is to be expected from it for now. */
  readonly idle: boolean;
  /** The upstream tasks that hold the watermark back: the slowest of those that are active. Empty for a task that reads a source, whose own elements do. */
  readonly heldBackBy: readonly string[];
  /** What each upstream task has said last. */
  readonly upstream: readonly UpstreamSummary[];
  /** Elements and watermarks of generators that were too far in the future to move the watermark, ever. */
  readonly future: number;
  readonly entryBytes: number;
  readonly chunkBytes: number;
  /** When it wants to be woken. */
  readonly wakeAtMs: number | undefined;
  /** Whether its function has not been reset since. */
  readonly isCurrent: boolean;
};

/** What a task knows of the time of one that feeds it. */
export type UpstreamSummary = {
  /** `function/topic-partition`. */
  readonly task: string;
  readonly watermarkMs: number | undefined;
  readonly idle: boolean;
  /** False for one that came back from idleness and is still behind: it holds nothing back. */
  readonly aligned: boolean;
};

/** All tasks by function, partition and generation; `nowMs`: what lags are measured from. */
export async function findTasks(stateLog: StateLog, nowMs: number): Promise<readonly TaskSummary[]> {
  const generations = new Map<string, number>();
  const tasks: TaskSummary[] = [];
  for (const head of await stateLog.tasks()) {
    const parsed = parseTaskName(head.task);
    if (parsed === undefined) continue;
    const { functionName } = parsed;
    if (!generations.has(functionName)) generations.set(functionName, await stateLog.generationOf(functionName));
    const { checkpoint, watermarkMs, idle, upstream, totals } = decodeMeta(head.meta);
    tasks.push({
      ...parsed,
      commits: head.sequenceNumber,
      checkpoint,
      watermarkMs: finite(watermarkMs),
      lagMs: finite(nowMs - watermarkMs),
      idle,
      heldBackBy: slowestOf(upstream),
      upstream: upstreamOf(upstream),
      future: totals.future,
      entryBytes: head.entryBytes,
      chunkBytes: head.chunkBytes,
      wakeAtMs: head.wakeAtMs ?? undefined,
      isCurrent: parsed.generation === generations.get(functionName),
    });
  }
  const order = (a: TaskSummary, b: TaskSummary) =>
    compare(a.functionName, b.functionName) ||
    compare(a.topic, b.topic) ||
    a.partition - b.partition ||
    a.generation - b.generation;
  return tasks.sort(order);
}

/** What each upstream task has said last, the slowest first. */
export function upstreamOf(upstream: TaskMeta["upstream"]): readonly UpstreamSummary[] {
  return [...upstream]
    .sort(([, a], [, b]) => (a.watermarkMs === b.watermarkMs ? 0 : a.watermarkMs - b.watermarkMs))
    .map(([task, { watermarkMs, idle, aligned }]) => ({ task, watermarkMs: finite(watermarkMs), idle, aligned }));
}

function finite(ms: number): number | undefined {
  return Number.isFinite(ms) ? ms : undefined;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
