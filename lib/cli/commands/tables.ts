/** `millrace tables`: look at the tables that operators write rows into. */

import { Command } from "commander";
import type { Terminal } from "../terminal.ts";
import { tablesListCommand } from "./tables-list.ts";
import { tablesShowCommand } from "./tables-show.ts";

export function tablesCommand(terminal: Terminal): Command {
  return new Command("tables")
    .description("List the tables that operators write, show their rows.")
    .addCommand(tablesListCommand(terminal))
    .addCommand(tablesShowCommand(terminal));
}
