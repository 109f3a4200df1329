/** `millrace state`: what tasks remember. */

import { Command } from "commander";
import type { Terminal } from "../terminal.ts";
import { stateListCommand } from "./state-list.ts";
import { stateResetCommand } from "./state-reset.ts";
import { stateShowCommand } from "./state-show.ts";

export function stateCommand(terminal: Terminal): Command {
  return new Command("state")
    .description("Look at what tasks remember, or make a function start over.")
    .addCommand(stateListCommand(terminal))
    .addCommand(stateShowCommand(terminal))
    .addCommand(stateResetCommand(terminal));
}
