/** The check of the test driver's strict mode: a batch processed twice from the same state must give the same bytes. */

import { MillraceError } from "../stream/error.ts";
import type { Evaluation } from "./evaluate.ts";
import type { TaskName } from "./open-task.ts";
import { encodeOutbox } from "./outbox.ts";

/** Throws MillraceError "author" where two passes differ. */
export function assertSame(name: TaskName, first: Evaluation, second: Evaluation | undefined): void {
  const same =
    second !== undefined &&
    JSON.stringify(first.taken.changes) === JSON.stringify(second.taken.changes) &&
    Buffer.compare(encodeOutbox(first.batches), encodeOutbox(second.batches)) === 0;
  if (same) return;
  throw new MillraceError(
    "author",
    `Function ${name.functionName} gives different results for the same batch: it uses the clock, chance, or something it keeps outside of its state. Use ctx.processingTimeMs instead of Date.now(), and state instead of variables.`,
  );
}
