/** `millrace topics`: look at topics, and write to them. */

import { Command } from "commander";
import type { Terminal } from "../terminal.ts";
import { topicsListCommand } from "./topics-list.ts";
import { topicsProduceCommand } from "./topics-produce.ts";
import { topicsReadCommand } from "./topics-read.ts";

export function topicsCommand(terminal: Terminal): Command {
  return new Command("topics")
    .description("List topics, read them, write to them.")
    .addCommand(topicsListCommand(terminal))
    .addCommand(topicsProduceCommand(terminal))
    .addCommand(topicsReadCommand(terminal));
}
