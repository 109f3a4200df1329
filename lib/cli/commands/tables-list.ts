/** `millrace tables list`: tables with their keys, and who writes them. */

import { type Command, Option } from "commander";
import { loadApplication } from "../../local/application.ts";
import { examples } from "../help.ts";
import { type PlaceOptions, placeCommand, toAppFolder } from "../place.ts";
import { formatTable } from "../table.ts";
import type { Terminal } from "../terminal.ts";

export function tablesListCommand(terminal: Terminal): Command {
  return placeCommand("list")
    .description("List the tables of an application: their keys, and the functions that write them.")
    .addOption(new Option("--json", "as JSON"))
    .addHelpText("after", examples([["millrace tables list", "what there is to show"]]))
    .action(async (options: PlaceOptions & { json?: true }) => {
      const { topology } = await loadApplication(toAppFolder(options, terminal));
      const tables = topology.tables.map(({ name, partitionKey, sortKey }) => ({
        name,
        partitionKey,
        sortKey: sortKey ?? null,
        writtenBy: topology.functions
          .filter(({ tableOutputs }) => tableOutputs.some(({ tableName }) => tableName === name))
          .map((plan) => plan.name),
      }));
      if (options.json) {
        terminal.out(`${JSON.stringify(tables, undefined, 2)}\n`);
        return;
      }
      const rows = tables.map(({ name, partitionKey, sortKey, writtenBy }) => [
        name,
        `${partitionKey.name} (${partitionKey.type})`,
        sortKey === null ? "–" : `${sortKey.name} (${sortKey.type})`,
        writtenBy.join(", "),
      ]);
      terminal.out(formatTable(["table", "partition key", "sort key", "written by"], rows));
    });
}
