/** Tables of rows in memory, for tests. */

import type { TablePlan } from "../stream/plan.ts";
import { keyText, type Row, type RowVersion, replaces } from "../wire/row.ts";
import { assertKeys, showKeys } from "./table-keys.ts";
import type { StoredRow, TableStore } from "./table-store.ts";

type Held = Row & { readonly version: RowVersion };

export class MemoryTableStore implements TableStore {
  readonly #keys = new Map<string, string>();
  readonly #tables = new Map<string, Map<string, Held>>();

  async put(table: string, rows: readonly Row[], version: RowVersion): Promise<void> {
    const held = this.#tables.get(table) ?? new Map<string, Held>();
    this.#tables.set(table, held);
    for (const row of rows) {
      const name = keyText(row.key);
      if (replaces(version, held.get(name)?.version)) held.set(name, { ...row, version });
    }
  }

  async ensureTables(tables: readonly TablePlan[]): Promise<void> {
    for (const table of tables) {
      assertKeys(table.name, this.#keys.get(table.name) ?? showKeys(table), table);
      this.#keys.set(table.name, showKeys(table));
    }
  }

  async *read({ name }: TablePlan, nowMs: number): AsyncIterable<StoredRow> {
    for (const { key, attributes, expiresAt, version } of this.#tables.get(name)?.values() ?? [])
      if (attributes !== null && (expiresAt === null || expiresAt * 1_000 > nowMs))
        yield { key, attributes, expiresAt, version };
  }

  async close(): Promise<void> {}
}
