/** `millrace state reset`: makes a function forget everything and read its input from the beginning. */

import { type Command, Option } from "commander";
import type { Application } from "../../local/application.ts";
import { consumerGroupOf } from "../../local/local-runtime.ts";
import type { Workspace } from "../../local/workspace.ts";
import { MillraceError } from "../../stream/error.ts";
import type { FunctionPlan } from "../../stream/plan.ts";
import { listOf, quote } from "../../stream/sentence.ts";
import { examples } from "../help.ts";
import { openPlace, type PlaceOptions, placeCommand } from "../place.ts";
import type { Terminal } from "../terminal.ts";

export function stateResetCommand(terminal: Terminal): Command {
  return placeCommand("reset")
    .description(
      "Make a function, and those that read what it sends, start over: a new generation, without state, from the first record of its input that is still there.",
    )
    .argument("<function>", "as `millrace state list` names it")
    .addOption(new Option("--yes", "I know that its results will be written again"))
    .addHelpText(
      "after",
      examples([
        ["millrace state reset count-words--by-key --yes", "count again what is in its shuffle"],
        ["millrace state reset count-words --yes", "the whole operator, from what is in its topics"],
      ]),
    )
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
        const all = [plan, ...functionsBehind(functions, plan)];
        const behind = listOf(all.slice(1).map((one) => one.name));
        if (!options.yes)
          throw new MillraceError(
            "usage",
            `${quote(name)} would forget its state, read its input again from the beginning, and write its results again${behind === "" ? "" : `, and so would ${behind}, which ${all.length > 2 ? "read" : "reads"} what it sends`}. Add --yes if that is what you want.`,
          );
        // Those behind first: whoever dies between has functions that count what is there once more, and none that counts it twice.
        for (const one of all.toReversed()) {
          const generation = await startOver(application, workspace, one);
          terminal.out(`${one.name} starts over with the next run, as generation ${generation}.\n`);
        }
      } finally {
        await workspace.close();
      }
    });
}

/** The functions that read, directly or through others, the shuffles that a function feeds; nearer ones first. */
function functionsBehind(functions: readonly FunctionPlan[], plan: FunctionPlan): FunctionPlan[] {
  const behind = new Set<FunctionPlan>();
  const visit = ({ shuffleOutputs }: FunctionPlan) => {
    for (const { shuffle } of shuffleOutputs) {
      const reader = functions.find((candidate) => candidate.shuffle === shuffle);
      if (reader === undefined || behind.has(reader)) continue;
      behind.add(reader);
      visit(reader);
    }
  };
  visit(plan);
  return [...behind];
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
