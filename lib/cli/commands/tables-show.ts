/** `millrace tables show`: the rows of a table. */

import { type Command, Option } from "commander";
import { readTable } from "../../local/read-table.ts";
import { MillraceError } from "../../stream/error.ts";
import { listOf, quote } from "../../stream/sentence.ts";
import { parseCount } from "../arguments.ts";
import { examples } from "../help.ts";
import { openToLook, type PlaceOptions, placeCommand } from "../place.ts";
import { showTime, showValue, toJsonValue } from "../printable.ts";
import { formatTable } from "../table.ts";
import type { Terminal } from "../terminal.ts";

const LIMIT_DEFAULT = 50;

type ShowOptions = PlaceOptions & { readonly limit?: number; readonly json?: true };

export function tablesShowCommand(terminal: Terminal): Command {
  return placeCommand("show")
    .description("Show rows of a table, sorted by key: without those that were deleted or have expired.")
    .argument("<table>", "as `millrace tables list` names it")
    .addOption(new Option("--limit <n>", `at most so many (default: ${LIMIT_DEFAULT})`).argParser(parseCount))
    .addOption(new Option("--json", "a line of JSON per row"))
    .addHelpText(
      "after",
      examples([
        ["millrace tables show counts", "some of its rows"],
        ["millrace tables show counts --limit 100000 --json | jq .count", "all values of an attribute"],
      ]),
    )
    .action(async (name: string, options: ShowOptions) => {
      const { application, workspace } = await openToLook(options, terminal);
      try {
        const tables = application?.topology.tables ?? [];
        const table = tables.find((candidate) => candidate.name === name);
        if (table === undefined || workspace.tables === undefined)
          throw new MillraceError("usage", noSuchTable(name, application === undefined ? undefined : tables));
        const rows = await readTable(workspace.tables, table, Date.now(), options.limit ?? LIMIT_DEFAULT);
        if (options.json) {
          for (const { key, attributes, expiresAt } of rows)
            terminal.out(
              `${JSON.stringify({ ...key, ...attributes, ...(expiresAt !== null && { ttl: expiresAt }) }, toJsonValue)}\n`,
            );
          return;
        }
        const keys = [table.partitionKey, ...(table.sortKey === undefined ? [] : [table.sortKey])].map(
          (key) => key.name,
        );
        const cells = rows.map(({ key, attributes, expiresAt }) => [
          ...keys.map((name) => showValue(key[name])),
          showValue(attributes),
          showTime(expiresAt === null ? null : expiresAt * 1_000),
        ]);
        terminal.out(formatTable([...keys, "attributes", "expires"], cells));
      } finally {
        await workspace.close();
      }
    });
}

function noSuchTable(name: string, tables: readonly { readonly name: string }[] | undefined): string {
  if (tables === undefined) return "There is no functions/ folder here; name the application's with --app.";
  if (tables.length === 0) return `There is no table ${quote(name)}: no operator writes any.`;
  return `There is no table ${quote(name)}; there are: ${listOf(tables.map((table) => table.name))}.`;
}
