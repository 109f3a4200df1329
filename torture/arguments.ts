/** Reads the command line of `npm run torture`. */

import { randomInt } from "node:crypto";
import { Command, CommanderError } from "commander";
import { parseCount, parseIndex } from "../lib/cli/arguments.ts";

export type Arguments = {
  readonly records: number;
  readonly kills: number;
  readonly seed: number;
  readonly json: boolean;
};

const RECORDS_DEFAULT = 1_000_000;
const KILLS_DEFAULT = 50;
const SEED_MAX = 2 ** 32;
const EXIT_USAGE = 2;

/** The arguments, or the exit code where there is nothing to run: help was asked for, or something cannot be understood, which is said. */
export function parseArguments(args: readonly string[]): Arguments | number {
  const command = new Command("npm run torture --")
    .description(
      "Counts visits on a real Kafka and a real DynamoDB while processes and servers are killed, and compares every result with a direct count.",
    )
    .option("--records <n>", "how many visits are written", parseCount, RECORDS_DEFAULT)
    .option(
      "--kills <n>",
      "how many SIGKILLs; for every eight a process is stopped and let go on too",
      parseIndex,
      KILLS_DEFAULT,
    )
    .option("--seed <n>", "input and plan of an earlier run", parseIndex)
    .option("--json", "one JSON summary on standard output, nothing else there", false)
    .addHelpText(
      "after",
      `
It starts its own servers on 127.0.0.1 and needs Java 17 and Maven; Ctrl-C ends everything that it started. It exits with 0 if every
result was verified, with 1 if anything differs or failed; then logs and data stay, and it says where.`,
    )
    .exitOverride();
  try {
    const options = command.parse([...args], { from: "user" }).opts<Omit<Arguments, "seed"> & { seed?: number }>();
    return { ...options, seed: options.seed ?? randomInt(SEED_MAX) };
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? 0 : EXIT_USAGE;
  }
}
