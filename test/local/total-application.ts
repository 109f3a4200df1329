/** An application whose results are rows of a table, rewritten again and again; and what must stand there at the end. */

import { dynamoTable, operator, stream, text, topic } from "millrace";
import type { Application } from "../../lib/local/application.ts";
import { readTable } from "../../lib/local/read-table.ts";
import type { TablePlan } from "../../lib/stream/plan.ts";
import { buildTopology } from "../../lib/stream/topology.ts";
import type { TableStore } from "../../lib/tables/table-store.ts";
import type { Line } from "./word-application.ts";

type Total = { readonly key: string; readonly value: number };

const lines = topic("lines", { value: text(), partitions: 3 });

/** Totals per word; every 7th deletes its row, which the next one brings back. */
export function totalApplication(): Application {
  const totals = dynamoTable("totals", {
    partitionKey: { name: "word", value: (total: Total) => total.key },
    item: ({ value }) => (value % 7 === 0 ? null : { value }),
  });
  const addUp = operator(
    "add-up",
    stream(lines)
      .flatMap((line) => line.split(" "))
      .keyBy((word) => word)
      .count()
      .to(totals),
  );
  const topology = buildTopology("totals", [addUp.definition]);
  return { name: "totals", folder: ".", operators: [addUp], topology };
}

/** The rows that a plain count leaves. */
export function expectedTotals(input: readonly Line[]): Record<string, unknown> {
  const totals = new Map<string, number>();
  for (const { words } of input) for (const word of words.split(" ")) totals.set(word, (totals.get(word) ?? 0) + 1);
  return Object.fromEntries([...totals].filter(([, value]) => value % 7 !== 0));
}

export async function readTotals(tables: TableStore, { topology }: Application): Promise<Record<string, unknown>> {
  const rows = await readTable(tables, topology.tables[0] as TablePlan, Date.now());
  return Object.fromEntries(rows.map(({ key, attributes }) => [key.word, attributes.value]));
}
