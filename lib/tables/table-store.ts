/** The port to tables of rows. */

import type { StoreUnits } from "../state-log/state-log.ts";
import type { TablePlan } from "../stream/plan.ts";
import type { Attributes } from "../wire/attributes.ts";
import type { Row, RowVersion } from "../wire/row.ts";

/** A row as a reader gets it. */
export type StoredRow = {
  readonly key: Attributes;
  readonly attributes: Attributes;
  readonly expiresAt: number | null;
  /** undefined where something else than Millrace wrote it. */
  readonly version: RowVersion | undefined;
};

/**
 * Tables of rows. Of all puts of a row the one of the highest version stays (`wire/row.ts` `replaces`), in whatever order and however often they come; a deletion is a put,
 * which is remembered until it expires.
 */
export interface TableStore {
  /**
   * Puts rows of one table as of one version; those that hold a higher one stay as they are. Returns when all are durable. Throws MillraceError "state-store" where that is
   * not known, and then some may have been put. `task`: whom to charge.
   */
  put(table: string, rows: readonly Row[], version: RowVersion, task: string): Promise<void>;
  /** Makes the tables that are missing. Throws "state-unusable" where one is keyed otherwise. */
  ensureTables(tables: readonly TablePlan[]): Promise<void>;
  /** The rows of a table that are neither deleted nor expired at `nowMs`, in any order. */
  read(table: TablePlan, nowMs: number): AsyncIterable<StoredRow>;
  /** What a task has cost since it was last asked; absent where nothing is charged. */
  takeUnits?(task: string): StoreUnits;
  close(): Promise<void>;
}
