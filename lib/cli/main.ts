/** The command line: reads the arguments and hands them to one command. */

import { Command, CommanderError } from "commander";

/** Runs one command line, without the interpreter and script names, and returns the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const program = new Command("millrace")
    .description("Stream processing with Flink's semantics as AWS Lambda functions")
    .exitOverride();
  try {
    await program.parseAsync([...args], { from: "user" });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode;
    throw error;
  }
}
