/** The check that a table's name means one table. */

import type { AnyTable } from "./dynamo-table.ts";
import { type OperatorGraph, tablesWrittenBy } from "./graph.ts";
import { at, quote } from "./sentence.ts";

/**
 * One sentence for each name of two tables with different keys. Several operators may write one table, and rows of it may be made in several ways: of two commits that write the same row the
 * later one wins, by the clocks of their tasks.
 */
export function checkTables(graphs: readonly OperatorGraph[]): readonly string[] {
  const uses = graphs.flatMap(({ operator, nodes }) => tablesWrittenBy(nodes).map((table) => ({ table, operator })));
  return [...Map.groupBy(uses, ({ table }) => table.tableName)].flatMap(([name, [first, ...others]]) => {
    const other = others.find(({ table }) => keysOf(table) !== keysOf(first!.table));
    if (other === undefined) return [];
    const where =
      first!.operator === other.operator
        ? `${at(first!.operator)} writes`
        : `${at(first!.operator)} and ${at(other.operator).replace("Operator", "operator")} write`;
    return [`${where} two tables called ${quote(name)} with different keys; declare it once and import it.`];
  });
}

function keysOf({ partitionKey, sortKey }: AnyTable): string {
  return JSON.stringify([partitionKey, sortKey].map((key) => key && [key.name, key.type]));
}
