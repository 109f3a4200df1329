/** What a task says of one commit: counted once, by the attempt that won. */

import { type Counts, noCounts } from "../operators/step.ts";
import type { StoreUnits } from "../state-log/state-log.ts";
import type { AuthorLog } from "./author-calls.ts";
import type { Evaluation } from "./evaluate.ts";
import type { OpenTask } from "./open-task.ts";
import { outputsIn } from "./outbox.ts";

export type TaskReport = Counts & {
  readonly functionName: string;
  readonly topic: string;
  readonly partition: number;
  /** 0 for a task without a log, and for what sinks refused after a commit. */
  readonly sequenceNumber: number;
  /** Input records (a bundle is one record of many elements; `elements` counts what it stands for). */
  readonly records: number;
  /** Kafka records sent, bundles included, rows put, and elements given to sinks. */
  readonly outputs: number;
  readonly watermarkMs: number;
  readonly checkpoint: number;
  /** Bytes of the entry: meta, changes and outputs. */
  readonly entryBytes: number;
  /**
   * What the state store charged since the task's last report: for this commit, and for what was read and the chunks that were written since the one
   * before. Absent where it charges nothing.
   */
  readonly stateUnits?: StoreUnits;
  /** The same of the store of tables: rows are put after their commit, so that they are in the task's next report. */
  readonly tableUnits?: StoreUnits;
  /** Cells of keyed state that the commit set or removed. */
  readonly changedCells: number;
  /** What authors counted with `ctx.metrics.count`, and logged with `ctx.log`. */
  readonly authorCounts: Readonly<Record<string, number>>;
  readonly logs: readonly AuthorLog[];
};

/** The report of commit `sequenceNumber`. */
export function toReport(
  task: OpenTask,
  { batches, records, taken }: Evaluation,
  sequenceNumber: number,
  entryBytes: number,
  units: Pick<TaskReport, "stateUnits" | "tableUnits"> = {},
): TaskReport {
  const { logs, counts: authorCounts } = task.calls.take();
  const { functionName, topic, partition } = task.name;
  return {
    ...task.counts,
    functionName,
    topic,
    partition,
    sequenceNumber,
    records,
    outputs: batches.reduce((sum, batch) => sum + outputsIn(batch), 0),
    watermarkMs: task.meta.watermarkMs,
    checkpoint: task.meta.checkpoint,
    entryBytes,
    ...units,
    changedCells: taken.cells,
    authorCounts,
    logs,
  };
}

/** The report of elements that sinks refused: their dead letters were sent after the commit that had them, so that its own report could not count them. A repeat counts again. */
export function toRefusedReport({ name, meta }: OpenTask, refused: number): TaskReport {
  const { functionName, topic, partition } = name;
  return {
    ...noCounts(),
    deadLetters: refused,
    functionName,
    topic,
    partition,
    sequenceNumber: 0,
    records: 0,
    outputs: refused,
    watermarkMs: meta.watermarkMs,
    checkpoint: meta.checkpoint,
    entryBytes: 0,
    changedCells: 0,
    authorCounts: {},
    logs: [],
  };
}
