/** `millrace run`: all operators of an application, here, until Ctrl-C. */

import { type Command, Option } from "commander";
import { startLocalRuntime } from "../../local/local-runtime.ts";
import { letHeapGrow } from "../../runtime/heap-growth.ts";
import { MillraceError } from "../../stream/error.ts";
import { listOf, quote } from "../../stream/sentence.ts";
import { runFunctionProcesses } from "../function-processes.ts";
import { examples } from "../help.ts";
import { isOnServices, openPlace, type PlaceOptions, placeCommand, toArguments } from "../place.ts";
import { showPlural } from "../printable.ts";
import { ProblemLog } from "../problem-log.ts";
import { RunLog } from "../run-log.ts";
import { INTERRUPTED, type Terminal } from "../terminal.ts";
import { waitForInterrupt } from "../wait.ts";

const SAY_EVERY_MS = 1_000;

type RunOptions = PlaceOptions & { readonly only?: string; readonly supervised?: true };

export function runCommand(terminal: Terminal): Command {
  return placeCommand("run")
    .description(
      "Run all operators in functions/ until Ctrl-C. What they know is kept, and the next run goes on with it.",
    )
    .option("--only <function>", "run this function alone, as `millrace topology` names it")
    .addOption(new Option("--supervised", "stop when standard input ends").hideHelp())
    .addHelpText(
      "after",
      examples([
        ["millrace run", "the application in the current folder, its state in .millrace"],
        ["millrace run --app shop --state /tmp/shop", "another one, elsewhere"],
        ["millrace topics produce lines < README.md", "in a second terminal: something to do"],
        ["millrace run --services", "on the Kafka and DynamoDB of `npm run services`, a process per function"],
        [
          "millrace run --kafka b-1.….kafka.eu-west-1.amazonaws.com:9098 --dynamodb aws",
          "on Amazon MSK, logged in by IAM",
        ],
      ]),
    )
    .action(async (options: RunOptions) => {
      const { application, workspace, stateFolder } = await openPlace(options, terminal, { exclusive: true });
      // Whoever started a supervised process holds its standard input open while it lives.
      const interrupt = waitForInterrupt(terminal, options.supervised === true ? terminal.inputEnded() : undefined);
      try {
        const { operators, functions, warnings } = application.topology;
        const names = functions.map(({ name }) => name);
        const { only } = options;
        if (only !== undefined && !names.includes(only))
          throw new MillraceError("usage", `There is no function ${quote(only)}; there are: ${listOf(names)}.`);
        const what =
          only === undefined ? `${showPlural(operators.length, "operator")} (${names.join(", ")})` : `function ${only}`;
        const running = `Running ${what} of ${application.name}; state in ${stateFolder}`;
        if (options.supervised !== true) for (const warning of warnings) terminal.err(`${warning}\n`);
        if (only === undefined && isOnServices(options)) {
          terminal.out(`${running}, a process for each function; Ctrl-C stops.\n`);
          await runFunctionProcesses(names, ["run", ...toArguments(options)], terminal, interrupt);
          terminal.out("Stopped. The next run goes on from here.\n");
          return;
        }
        const log = new RunLog();
        const problems = new ProblemLog((sentence) => terminal.err(`${sentence}\n`));
        letHeapGrow();
        const runtime = await startLocalRuntime({
          application,
          workspace,
          events: "columns",
          ...(only !== undefined && { only }),
          onReport: (report) => log.add(report),
          onProblem: (sentence) => problems.add(sentence),
        });
        if (options.supervised !== true) terminal.out(`${running}; Ctrl-C stops.\n`);
        while (!interrupt.isOver()) {
          await interrupt.orAfter(SAY_EVERY_MS);
          for (const line of log.takeLines()) terminal.out(`${line}\n`);
        }
        const impatient = terminal.onInterrupt(() => {
          terminal.err("Stopped at once. Nothing is lost: the next run goes on from the last commits.\n");
          terminal.exit(INTERRUPTED);
        });
        if (options.supervised !== true) terminal.err("Stopping; Ctrl-C again stops at once.\n");
        await runtime.stop();
        impatient();
        for (const line of log.takeLines()) terminal.out(`${line}\n`);
        if (options.supervised !== true) terminal.out(`Stopped. The next run goes on from here.\n`);
      } finally {
        interrupt.end();
        await workspace.close();
      }
    });
}
