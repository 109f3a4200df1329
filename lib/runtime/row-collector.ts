/** Gathers the rows of a commit: of each row of a table the last one. */

import type { Caller, Push } from "../operators/step.ts";
import type { AnyTable } from "../stream/dynamo-table.ts";
import { keyText, type Row, rowBytes, toRow } from "../wire/row.ts";
import type { RowsBatch } from "./outbox.ts";

export class RowCollector {
  readonly #task: string;
  readonly #call: Caller;
  #tables = new Map<string, Map<string, Row>>();
  /** Of the rows that wait to be taken. */
  bytes = 0;

  /** `task`: its full name. */
  constructor(task: string, call: Caller) {
    this.#task = task;
    this.#call = call;
  }

  /** Takes elements for a table. */
  into(table: AnyTable): Push {
    const { tableName } = table;
    return (element) => {
      this.#call.step = `table ${tableName}`;
      const row = toRow(table, element, this.#call.ctx.processingTimeMs, this.#task);
      let rows = this.#tables.get(tableName);
      if (rows === undefined) {
        rows = new Map();
        this.#tables.set(tableName, rows);
      }
      const text = keyText(row.key);
      const before = rows.get(text);
      this.bytes += rowBytes(row) - (before === undefined ? 0 : rowBytes(before));
      rows.set(text, row);
    };
  }

  /** The rows of each table, in the order in which each was first written. `nowMs`: the commit's clock. */
  take(nowMs: number): RowsBatch[] {
    const batches = [...this.#tables].map(
      ([table, rows]): RowsBatch => ({ kind: "rows", table, atMs: nowMs, rows: [...rows.values()] }),
    );
    this.#tables = new Map();
    this.bytes = 0;
    return batches;
  }
}
