/** The rows of a table as people read them: plain values, sorted by key. */

import type { TablePlan } from "../stream/plan.ts";
import type { TableStore } from "../tables/table-store.ts";
import { fromAttributes } from "../wire/attributes.ts";

export type TableRow = {
  /** The attributes of the key by name, that of the partition first. */
  readonly key: Readonly<Record<string, unknown>>;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** Epoch seconds; null: never. */
  readonly expiresAt: number | null;
};

/** The rows that are there at `nowMs`, at most `limit` of them before they are sorted. */
export async function readTable(
  store: TableStore,
  table: TablePlan,
  nowMs: number,
  limit = Number.POSITIVE_INFINITY,
): Promise<TableRow[]> {
  const rows: TableRow[] = [];
  if (limit > 0)
    for await (const { key, attributes, expiresAt } of store.read(table, nowMs)) {
      rows.push({ key: fromAttributes(key), attributes: fromAttributes(attributes), expiresAt });
      if (rows.length >= limit) break;
    }
  const names = [table.partitionKey, ...(table.sortKey === undefined ? [] : [table.sortKey])].map(({ name }) => name);
  return rows.sort((a, b) => {
    for (const name of names) {
      const order = compareKeys(a.key[name], b.key[name]);
      if (order !== 0) return order;
    }
    return 0;
  });
}

/** Numbers by size, strings and bytes by their code units. */
function compareKeys(a: unknown, b: unknown): number {
  const [x, y] = a instanceof Uint8Array ? [String(a), String(b)] : [a as string, b as string];
  return x < y ? -1 : x > y ? 1 : 0;
}
