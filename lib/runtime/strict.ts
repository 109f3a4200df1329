/** The checks of the test driver's strict mode: a batch processed twice from the same state must give the same bytes, and elements are not changed. */

import { MillraceError } from "../stream/error.ts";
import type { Evaluation } from "./evaluate.ts";
import { encodeOutbox } from "./outbox.ts";
import type { TaskName } from "./task-name.ts";
import type { Problem } from "./units.ts";

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

/** What V8 says of an attempt to change something frozen. */
const CHANGES_FROZEN = /^Cannot (assign to read only|add|delete|redefine|define) property/;

/** Throws MillraceError "author" where a function failed because it tried to change an element. */
export function assertUnchanged(name: TaskName, problems: Iterable<Problem>): void {
  for (const { error: thrown, step } of problems) {
    // What failed in a call is told in a sentence of its own.
    const error = thrown.cause instanceof TypeError ? thrown.cause : thrown;
    if (!(error instanceof TypeError) || !CHANGES_FROZEN.test(error.message)) continue;
    throw new MillraceError(
      "author",
      `Function ${name.functionName} changes its input in ${step}, or a value that its state keeps, which others may still have to read: ${error.message}. Let it make a copy, such as { ...value, changed }.`,
      { cause: error },
    );
  }
}
