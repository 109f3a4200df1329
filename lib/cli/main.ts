/** The command line: reads the arguments, hands them to one command, and turns what it throws into a sentence and an exit code. */

import { Command, CommanderError } from "commander";
import { MillraceError } from "../stream/error.ts";
import { changesCommand } from "./commands/changes.ts";
import { costCommand } from "./commands/cost.ts";
import { deployCommand } from "./commands/deploy.ts";
import { dlqCommand } from "./commands/dlq.ts";
import { esmCommand } from "./commands/esm.ts";
import { invokeCommand } from "./commands/invoke.ts";
import { runCommand } from "./commands/run.ts";
import { stateCommand } from "./commands/state.ts";
import { tablesCommand } from "./commands/tables.ts";
import { topicsCommand } from "./commands/topics.ts";
import { topologyCommand } from "./commands/topology.ts";
import { examples } from "./help.ts";
import { processTerminal, type Terminal } from "./terminal.ts";

/** Called in a way that cannot be carried out, or an application that does not fit together. */
const EXIT_USAGE = 2;
/** Tried, and failed. */
const EXIT_FAILED = 1;

/** Runs one command line, without the interpreter and script names, and returns the exit code. */
export async function main(args: readonly string[], terminal: Terminal = processTerminal()): Promise<number> {
  let exitCode = 0;
  const setExitCode = (code: number) => {
    exitCode = code;
  };
  const program = new Command("millrace")
    .description("Stream processing with Flink's semantics as AWS Lambda functions, run here.")
    .addCommand(topologyCommand(terminal))
    .addCommand(runCommand(terminal))
    .addCommand(topicsCommand(terminal))
    .addCommand(tablesCommand(terminal))
    .addCommand(stateCommand(terminal))
    .addCommand(dlqCommand(terminal))
    .addCommand(costCommand(terminal))
    .addCommand(esmCommand(terminal))
    .addCommand(deployCommand(terminal))
    .addCommand(changesCommand(terminal, setExitCode))
    .addCommand(invokeCommand(terminal, setExitCode))
    .addHelpText(
      "after",
      examples([
        ["millrace topology", "what the operators in functions/ read, run and write"],
        ["millrace run", "run them all, until Ctrl-C"],
        ["echo 'to be or not to be' | millrace topics produce lines", "give them something to do"],
        ["millrace topics read word-counts --follow", "and see what becomes of it"],
      ]),
    );
  configure(program, terminal);
  try {
    await program.parseAsync([...args], { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_USAGE;
    if (!(error instanceof MillraceError)) {
      terminal.err(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
      return EXIT_FAILED;
    }
    terminal.err(`${error.message}\n`);
    const isUsage = error.code === "usage" || error.code === "topology" || error.code === "definition";
    return isUsage ? EXIT_USAGE : EXIT_FAILED;
  }
}

/** Commander writes where the terminal says, ends nothing, and speaks in sentences. */
function configure(command: Command, terminal: Terminal): void {
  command
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.out(text),
      writeErr: (text) => terminal.err(text),
      outputError: (text, write) => write(`${toSentence(text)} See \`${fullNameOf(command)} --help\`.\n`),
    })
    .helpCommand(false);
  for (const inner of command.commands) configure(inner, terminal);
}

/** "error: unknown option '--x'" as a sentence. */
function toSentence(text: string): string {
  const bare = text
    .replace(/^error: /, "")
    .trim()
    .replace(/\s*\n\s*/g, " ");
  return `${bare.charAt(0).toUpperCase()}${bare.slice(1)}${/[.?)]$/.test(bare) ? "" : "."}`;
}

function fullNameOf(command: Command): string {
  return command.parent === null ? command.name() : `${fullNameOf(command.parent)} ${command.name()}`;
}
