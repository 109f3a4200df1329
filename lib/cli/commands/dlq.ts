/** `millrace dlq`: what could not be processed. */

import { Command } from "commander";
import type { Terminal } from "../terminal.ts";
import { dlqListCommand } from "./dlq-list.ts";
import { dlqRedriveCommand } from "./dlq-redrive.ts";
import { dlqShowCommand } from "./dlq-show.ts";

export function dlqCommand(terminal: Terminal): Command {
  return new Command("dlq")
    .description("Look at dead letters, records that could not be decoded or processed, and process them again.")
    .addCommand(dlqListCommand(terminal))
    .addCommand(dlqShowCommand(terminal))
    .addCommand(dlqRedriveCommand(terminal));
}
