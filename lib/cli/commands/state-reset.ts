/** `millrace state reset`: makes a function forget everything and read its input from the beginning. */

import { Command, Option } from "commander";
import type { Application } from "../../local/application.ts";
import { consumerGroupOf } from "../../local/local-runtime.ts";
import type { Workspace } from "../../local/workspace.ts";
import { MillraceError } from "../../stream/error.ts";
import type { FunctionPlan } from "../../stream/plan.ts";
import { listOf, quote } from "../../stream/sentence.ts";
import { examples } from "../help.ts";
import { appOption, openPlace, type PlaceOptions, stateOption } from "../place.ts";
import type { Terminal } from "../terminal.ts";

export function stateResetCommand(terminal: Terminal): Command {
  return new Command("reset")
    .description(
      "Make a function start over: a new generation, without state, from the first record of its input that is still there.",
    )
    .argument("<function>", "as `millrace state list` names it")
    .addOption(appOption())
    .addOption(stateOption())
    .addOption(new Option("--yes", "I know that its results will be written again"))
    .addHelpText("after", examples([["millrace state reset count-words--by-key --yes", "count everything anew"]]))
    .action(async (name: string, options: PlaceOptions & { yes?: true }) => {
      const { application, workspace } = await openPlace(options, terminal, { exclusive: true });
      try {
        const { functions } = application.topology;
        const plan = functions.find((candidate) => candidate.name === name);
        if (plan === undefined) {
          const names = listOf(functions.map((one) => one.name));
          throw new MillraceError("usage", `There is no function ${quote(name)}; there are: ${names}.`);
        }
        if (!plan.commits)
          throw new MillraceError("usage", `Function ${quote(name)} keeps no state that could be reset.`);
        if (!options.yes)
          throw new MillraceError(
            "usage",
            `${quote(name)} would forget its state, read its input again from the beginning, and write its results again. Add --yes if that is what you want.`,
          );
        const [fed] = plan.shuffleOutputs;
        if (fed !== undefined)
          throw new MillraceError(
            "usage",
            `${quote(name)} feeds ${quote(fed.shuffle.name)}, which would get everything a second time; only a function that feeds no shuffle can start over.`,
          );
        const generation = await startOver(application, workspace, plan);
        terminal.out(`${name} starts over with the next run, as generation ${generation}.\n`);
      } finally {
        await workspace.close();
      }
    });
}

/** First the generation, then the offsets: whoever dies between has a new task that finds the hole before the next event. */
async function startOver(application: Application, workspace: Workspace, plan: FunctionPlan): Promise<number> {
  const { broker, stateLog } = workspace;
  const generation = await stateLog.allotGeneration(plan.name, await stateLog.generationOf(plan.name));
  const topics = plan.shuffle === undefined ? plan.sources.map(({ topic }) => topic.topicName) : [plan.shuffle.name];
  for (const topic of topics)
    for (const [partition, { low }] of (await broker.offsets(topic)).entries())
      await broker.commitOffset(consumerGroupOf(application, plan), topic, partition, low);
  return generation;
}
