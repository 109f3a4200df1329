/** What `npm run simulate` is asked. */

import { availableParallelism } from "node:os";
import { Command, InvalidArgumentError } from "commander";

export type SimulateArguments = {
  readonly seeds: number;
  readonly from: number;
  readonly workers: number;
  readonly guards: boolean;
  readonly guard: string | undefined;
  readonly trace: boolean;
  readonly json: boolean;
};

const EXAMPLES = `
Examples:
  npm run simulate                                  ten thousand seeds, and what they covered
  npm run simulate -- --seeds 100000 --from 1       a hundred thousand
  npm run simulate -- --seeds 1 --from 1354 --trace one seed again, step by step
  npm run simulate -- --guards                      every guard of the protocol switched off in turn: each must be noticed`;

function toCount(text: string): number {
  const n = Number(text);
  if (!Number.isSafeInteger(n) || n < 1) throw new InvalidArgumentError("It must be a whole number, 1 or more.");
  return n;
}

export function parseArguments(argv: readonly string[]): SimulateArguments {
  const command = new Command("npm run simulate --")
    .description(
      "Runs the production code on simulated servers, where one seed decides everything, and checks what comes out.",
    )
    .option("--seeds <n>", "how many runs; with --guards, how many each guard has to be noticed in", toCount, 10_000)
    .option("--from <seed>", "the first seed", toCount, 1)
    .option("--workers <n>", "threads", toCount, availableParallelism())
    .option("--guards", "switches off each guard of the protocol in turn", false)
    .option("--guard <name>", "switches off those whose name contains this")
    .option("--trace", "tells all that happens, of one seed", false)
    .option("--json", "prints the result as JSON", false)
    .addHelpText("after", EXAMPLES);
  return command.parse(argv, { from: "user" }).opts<SimulateArguments>();
}
