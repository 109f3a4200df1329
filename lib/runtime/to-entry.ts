/** A commit as an entry of the log: what an evaluation changed and sends, and all that is true of the task after it (L3). */

import { LAYOUT, type LogEntry } from "../state-log/state-log.ts";
import { compressJson } from "../wire/compress.ts";
import type { Evaluation } from "./evaluate.ts";
import { isExactlyOnce } from "./exactly-once.ts";
import type { OpenTask } from "./open-task.ts";
import { encodeOutbox, recordsIn } from "./outbox.ts";
import { restsOn, selfContained } from "./snapshot.ts";
import { encodeMeta } from "./task-meta.ts";

/** The entry behind the head of `task`, by an attempt whose id nobody else has (L4). */
export function toEntry(task: OpenTask, { batches, taken, wakeAtMs }: Evaluation, attemptId: string): LogEntry {
  const { plan, state, meta } = task;
  const head = task.head?.sequenceNumber ?? 0;
  const changes =
    taken.cells === 0 && Object.keys(taken.changes).length === 0 ? new Uint8Array(0) : compressJson(taken.changes);
  const whole = selfContained(state, changes.length);
  if (recordsIn(batches).some((batch) => isExactlyOnce(plan, batch)))
    meta.exactlyOnce = { last: head + 1, before: meta.exactlyOnce?.last };
  return {
    sequenceNumber: head + 1,
    attemptId,
    previousAttemptId: task.head?.attemptId ?? "",
    ...(whole === undefined ? restsOn(task) : { base: head, covered: head }),
    layout: LAYOUT,
    selfContained: whole !== undefined,
    meta: encodeMeta(meta),
    changes: whole ?? changes,
    outputs: encodeOutbox(batches),
    wakeAtMs,
  };
}
