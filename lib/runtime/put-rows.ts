/**
 * Puts the rows of a commit into their tables.
 *
 * O1, O2 for rows: each row of a commit is there once, and all of them have the commit's version, under which a store takes a row only in the place of an
 * older one. So it does not matter how many put them, how far each gets, nor how late a zombie does.
 */

import { MillraceError } from "../stream/error.ts";
import { toVersion } from "../wire/row.ts";
import type { Host } from "./host.ts";
import { type OutboxBatch, rowsIn } from "./outbox.ts";

/** Puts what commit `sequenceNumber` of a task writes, `task` being its full name. Returns when all rows are durable. */
export async function putRows(
  { tables }: Host,
  task: string,
  batches: readonly OutboxBatch[],
  sequenceNumber: number,
): Promise<void> {
  for (const { table, atMs, rows } of rowsIn(batches)) {
    if (tables === undefined)
      throw new MillraceError("usage", `Task ${task} writes table ${table}, and runs where there are no tables.`);
    await tables.put(table, rows, toVersion(task, sequenceNumber, atMs), task);
  }
}
