/** The keys of tables, to be compared and shown: a table keeps its key for good. */

import { MillraceError } from "../stream/error.ts";
import type { TablePlan } from "../stream/plan.ts";
import { quote } from "../stream/sentence.ts";

/** `word (string), startMs (number)`: the key that a declaration asks for. */
export function showKeys({ partitionKey, sortKey }: Pick<TablePlan, "partitionKey" | "sortKey">): string {
  return [partitionKey, ...(sortKey === undefined ? [] : [sortKey])]
    .map(({ name, type }) => `${name} (${type})`)
    .join(", ");
}

/** Throws "state-unusable" where a table has another key than its declaration asks for. `name`: the table's where it is. */
export function assertKeys(name: string, found: string, table: TablePlan): void {
  const declared = showKeys(table);
  if (found === declared) return;
  throw new MillraceError(
    "state-unusable",
    `Table ${quote(name)} has the key ${found}, and in its declaration ${declared}. A table keeps its key: give the new one another name.`,
  );
}
