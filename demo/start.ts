/** `npm start`: a windowed word count over real text, watched while it works and verified at the end. */

import { relative, resolve } from "node:path";
import { MillraceError } from "millrace";
import { ProblemLog } from "../lib/cli/problem-log.ts";
import type { ServicesOptions } from "../lib/local/services.ts";
import { HELP, parseArguments } from "./arguments.ts";
import { openScreen } from "./screen.ts";
import { describeSummary } from "./summary.ts";
import { runWordCount } from "./word-count.ts";

const EXIT_DIFFERS = 1;
const EXIT_USAGE = 2;
/** Ended by Ctrl-C: 128 and the number of SIGINT. */
const EXIT_INTERRUPTED = 130;

const root = resolve(import.meta.dirname, "..");
const stateFolder = resolve(root, ".millrace/word-count");

process.exitCode = await start(process.argv.slice(2));
// Who was interrupted waits for nothing: not for what was under way, nor for zombies that --crash has made.
if (process.exitCode === EXIT_INTERRUPTED) process.exit();

async function start(args: readonly string[]): Promise<number> {
  const abort = new AbortController();
  const { stdout, stderr, stdin, env } = process;
  let closeScreen = () => {};
  // Who reads our output may stop in the middle (`| head`): that is no failure, and there is nobody left to tell.
  stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit(0);
  });
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      if (abort.signal.aborted) {
        closeScreen();
        process.exit(EXIT_INTERRUPTED);
      }
      abort.abort();
    });
  }
  try {
    const parsed = parseArguments(args);
    if (parsed.kind === "help") {
      stdout.write(`${HELP}\n`);
      return 0;
    }
    const isLive = stdout.isTTY && env.TERM !== "dumb";
    const screen = openScreen(parsed.json ? "silent" : isLive ? "live" : "plain", stdout);
    closeScreen = () => screen.close();
    if (parsed.inputs.includes("-") && stdin.isTTY) stderr.write("Type lines; Ctrl-D ends them.\n");
    const problems = new ProblemLog((sentence) =>
      parsed.json ? void stderr.write(`${sentence}\n`) : screen.say(sentence),
    );
    const summary = await runWordCount({
      ...parsed,
      root,
      stateFolder,
      inputFolder: process.cwd(),
      standardInput: stdin as AsyncIterable<Uint8Array>,
      screen,
      isWatched: !parsed.json,
      signal: abort.signal,
      onProblem: (sentence) => problems.add(sentence),
    });
    closeScreen();
    if (summary === "nothing to count") {
      if (parsed.json)
        stdout.write(`${JSON.stringify({ verified: true, lines: 0, words: 0, windows: 0, results: 0 })}\n`);
      else stdout.write("There is nothing to count: the input has no lines.\n");
      return 0;
    }
    if (parsed.json) stdout.write(`${JSON.stringify(summary)}\n`);
    else {
      stdout.write(`${describeSummary(summary).join("\n")}\n`);
      const place =
        parsed.services === undefined
          ? `--state ${relative(process.cwd(), stateFolder)}`
          : toServicesFlags(parsed.services);
      stdout.write(`What it produced: npx millrace topics read word-counts ${place}\n`);
    }
    return summary.verified ? 0 : EXIT_DIFFERS;
  } catch (error) {
    closeScreen();
    if (abort.signal.aborted) {
      stderr.write("Stopped. `npm start` with the same input goes on from here.\n");
      return EXIT_INTERRUPTED;
    }
    if (!(error instanceof MillraceError)) throw error;
    stderr.write(`${error.message}\n`);
    return error.code === "usage" ? EXIT_USAGE : EXIT_DIFFERS;
  }
}

/** How another command finds the same servers. */
function toServicesFlags({ kafka, dynamodb }: ServicesOptions): string {
  const named = [kafka === undefined ? "" : `--kafka ${kafka}`, dynamodb === undefined ? "" : `--dynamodb ${dynamodb}`];
  return named.filter((flag) => flag !== "").join(" ") || "--services";
}
