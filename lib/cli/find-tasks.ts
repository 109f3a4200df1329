/** The tasks in a state log, with what can be seen of each without opening it. */

import { decodeMeta } from "../runtime/task-meta.ts";
import { type ParsedTask, parseTaskName } from "../runtime/task-name.ts";
import type { StateLog } from "../state-log/state-log.ts";

export type TaskSummary = ParsedTask & {
  /** Sequence number of the last commit. */
  readonly commits: number;
  /** The last input offset processed; −1 before the first. */
  readonly checkpoint: number;
  /** undefined before the first. */
  readonly watermarkMs: number | undefined;
  readonly entryBytes: number;
  readonly chunkBytes: number;
  /** When it wants to be woken. */
  readonly wakeAtMs: number | undefined;
  /** Whether its function has not been reset since. */
  readonly isCurrent: boolean;
};

/** All tasks by function, partition and generation. */
export async function findTasks(stateLog: StateLog): Promise<readonly TaskSummary[]> {
  const generations = new Map<string, number>();
  const tasks: TaskSummary[] = [];
  for (const head of await stateLog.tasks()) {
    const parsed = parseTaskName(head.task);
    if (parsed === undefined) continue;
    const { functionName } = parsed;
    if (!generations.has(functionName)) generations.set(functionName, await stateLog.generationOf(functionName));
    const { checkpoint, watermarkMs } = decodeMeta(head.meta);
    tasks.push({
      ...parsed,
      commits: head.sequenceNumber,
      checkpoint,
      watermarkMs: Number.isFinite(watermarkMs) ? watermarkMs : undefined,
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

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
