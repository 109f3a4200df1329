/** `npm run torture`: kills processes and servers under a pipeline, and compares every result with a direct count. */

import { parseArguments } from "./arguments.ts";
import { newProgressLine } from "./progress.ts";
import { describeSummary } from "./summary.ts";
import { torture } from "./torture.ts";

const EXIT_DIFFERS = 1;
/** Ended by Ctrl-C: 128 and the number of SIGINT. */
const EXIT_INTERRUPTED = 130;

process.exitCode = await main(process.argv.slice(2));
// Whoever is done waits for nobody: what it started has ended, and a client of a dead server may never do.
process.exit();

async function main(args: readonly string[]): Promise<number> {
  const parsed = parseArguments(args);
  if (typeof parsed === "number") return parsed;
  const abort = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.on(signal, () => {
      // The second time at once; what was started is killed on the way out.
      if (abort.signal.aborted) process.exit(EXIT_INTERRUPTED);
      abort.abort(new Error(signal));
    });
  const { json, ...run } = parsed;
  const line = newProgressLine(json ? undefined : process.stderr);
  line.say(`${run.records} records and ${run.kills} kills, with the seed ${run.seed}.`);
  try {
    const summary = await torture({ ...run, line, signal: abort.signal });
    process.stdout.write(json ? `${JSON.stringify(summary)}\n` : `${describeSummary(summary).join("\n")}\n`);
    return summary.verified ? 0 : EXIT_DIFFERS;
  } catch (error) {
    if (abort.signal.aborted) {
      process.stderr.write("Stopped.\n");
      return EXIT_INTERRUPTED;
    }
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
    return EXIT_DIFFERS;
  }
}
