/** `millrace topology`: what the operators of an application read, run and write. */

import { sep } from "node:path";
import { Command, Option } from "commander";
import { loadApplication } from "../../local/application.ts";
import { toDescription, toMermaid, toText } from "../../stream/describe.ts";
import { examples } from "../help.ts";
import { appOption, toAppFolder } from "../place.ts";
import type { Terminal } from "../terminal.ts";

export function topologyCommand(terminal: Terminal): Command {
  return new Command("topology")
    .description("Show operators, topics, shuffles and partitions, after checking that all fit together.")
    .addOption(appOption())
    .addOption(new Option("--json", "as JSON"))
    .addOption(new Option("--mermaid", "as a Mermaid flowchart").conflicts("json"))
    .addHelpText(
      "after",
      examples([
        ["millrace topology", "as text"],
        ["millrace topology --json | jq '.operators[].functions[].name'", "the names of the Lambda functions"],
        ["millrace topology --mermaid > topology.mmd", "a picture for Markdown"],
      ]),
    )
    .action(async (options: { app?: string; json?: true; mermaid?: true }) => {
      const { topology } = await loadApplication(toAppFolder(options, terminal));
      // Files as a person would name them here.
      const text = () => toText(topology).replaceAll(`${terminal.folder}${sep}`, "");
      if (options.json) terminal.out(`${JSON.stringify(toDescription(topology), undefined, 2)}\n`);
      else terminal.out(`${options.mermaid ? toMermaid(topology) : text()}\n`);
    });
}
