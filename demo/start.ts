/** `npm start`: a windowed word count over real text, watched while it works and verified at the end. */

import { relative, resolve } from "node:path";
import { HELP, parseArguments } from "./arguments.ts";
import { type Command, carryOut, EXIT_DIFFERS } from "./carry-out.ts";
import { toServicesFlags } from "./parse-options.ts";
import { WORD_COUNT_VIEW } from "./screen-model.ts";
import { describeSummary } from "./summary.ts";
import { runWordCount } from "./word-count.ts";

const root = resolve(import.meta.dirname, "..");
const stateFolder = resolve(root, ".millrace/word-count");

await carryOut(start, "`npm start` with the same input goes on from here.");

async function start({ signal, open }: Command): Promise<number> {
  const { stdout, stderr, stdin } = process;
  const parsed = parseArguments(process.argv.slice(2));
  if (parsed.kind === "help") {
    stdout.write(`${HELP}\n`);
    return 0;
  }
  const { screen, onProblem, close } = open(WORD_COUNT_VIEW, parsed);
  if (parsed.inputs.includes("-") && stdin.isTTY) stderr.write("Type lines; Ctrl-D ends them.\n");
  const summary = await runWordCount({
    ...parsed,
    root,
    stateFolder,
    inputFolder: process.cwd(),
    standardInput: stdin as AsyncIterable<Uint8Array>,
    screen,
    isWatched: !parsed.json,
    signal,
    onProblem,
  });
  close();
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
}
