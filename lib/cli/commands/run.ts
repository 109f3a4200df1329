/** `millrace run`: all operators of an application, here, until Ctrl-C. */

import type { Command } from "commander";
import { startLocalRuntime } from "../../local/local-runtime.ts";
import { examples } from "../help.ts";
import { openPlace, type PlaceOptions, placeCommand } from "../place.ts";
import { showPlural } from "../printable.ts";
import { ProblemLog } from "../problem-log.ts";
import { RunLog } from "../run-log.ts";
import { INTERRUPTED, type Terminal } from "../terminal.ts";
import { waitForInterrupt } from "../wait.ts";

const SAY_EVERY_MS = 1_000;

export function runCommand(terminal: Terminal): Command {
  return placeCommand("run")
    .description(
      "Run all operators in functions/ until Ctrl-C. What they know is kept, and the next run goes on with it.",
    )
    .addHelpText(
      "after",
      examples([
        ["millrace run", "the application in the current folder, its state in .millrace"],
        ["millrace run --app shop --state /tmp/shop", "another one, elsewhere"],
        ["millrace topics produce lines < README.md", "in a second terminal: something to do"],
        ["millrace run --services", "on the Kafka and DynamoDB that `npm run services` starts"],
      ]),
    )
    .action(async (options: PlaceOptions) => {
      const { application, workspace, stateFolder } = await openPlace(options, terminal, { exclusive: true });
      const interrupt = waitForInterrupt(terminal);
      try {
        const { operators, functions, warnings } = application.topology;
        for (const warning of warnings) terminal.err(`${warning}\n`);
        const log = new RunLog();
        const problems = new ProblemLog((sentence) => terminal.err(`${sentence}\n`));
        const runtime = await startLocalRuntime({
          application,
          workspace,
          onReport: (report) => log.add(report),
          onProblem: (sentence) => problems.add(sentence),
        });
        terminal.out(
          `Running ${showPlural(operators.length, "operator")} (${functions.map(({ name }) => name).join(", ")}) of ${application.name}; state in ${stateFolder}; Ctrl-C stops.\n`,
        );
        while (!interrupt.isOver()) {
          await interrupt.orAfter(SAY_EVERY_MS);
          for (const line of log.takeLines()) terminal.out(`${line}\n`);
        }
        const impatient = terminal.onInterrupt(() => {
          terminal.err("Stopped at once. Nothing is lost: the next run goes on from the last commits.\n");
          terminal.exit(INTERRUPTED);
        });
        terminal.err("Stopping; Ctrl-C again stops at once.\n");
        await runtime.stop();
        impatient();
        for (const line of log.takeLines()) terminal.out(`${line}\n`);
        terminal.out(`Stopped. The next run goes on from here.\n`);
      } finally {
        interrupt.end();
        await workspace.close();
      }
    });
}
