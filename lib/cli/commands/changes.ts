/** `millrace changes`: what a deployment would change of what is kept, before it is tried. */

import { resolve } from "node:path";
import { Command } from "commander";
import { type Change, isRefused } from "../../runtime/change.ts";
import { MillraceError } from "../../stream/error.ts";
import { examples } from "../help.ts";
import { type ApplicationChanges, changesOf, readVersions, versionsIn } from "../read-versions.ts";
import type { Terminal } from "../terminal.ts";

type ChangesOptions = { readonly before: string; readonly out: string; readonly json?: true };

const REFUSED = 1;

/** `setExitCode` is told 1 where a deployment would be refused. */
export function changesCommand(terminal: Terminal, setExitCode: (code: number) => void): Command {
  return new Command("changes")
    .description(
      "Show what deploying cdk.out would change of what is kept: what would be refused, and how it is confirmed.",
    )
    .requiredOption(
      "--before <template>",
      "what is deployed: its template, another folder of cdk synth, or - for standard input",
    )
    .option("--out <folder>", "what cdk synth has made", "cdk.out")
    .option("--json", "as JSON")
    .addHelpText(
      "after",
      examples([
        [
          "aws cloudformation get-template --stack-name Shop --output json | millrace changes --before -",
          "what is deployed, and what was synthesized",
        ],
        [
          "millrace changes --before cdk.out.main --json",
          "two folders, for CI; it ends with 1 where something would be refused",
        ],
      ]),
    )
    .action(async (options: ChangesOptions) => {
      const inFolder = (path: string) => resolve(terminal.folder, path);
      const before =
        options.before === "-"
          ? versionsIn(await readInput(terminal), "standard input")
          : readVersions(inFolder(options.before));
      const found = changesOf(before, readVersions(inFolder(options.out)));
      if (found.length === 0)
        throw new MillraceError(
          "usage",
          "None of the applications that were synthesized is among those that are deployed.",
        );
      if (options.json) terminal.out(`${JSON.stringify(found.map(toJson), undefined, 2)}\n`);
      else for (const one of found) terminal.out(toText(one));
      if (found.some(({ changes, confirmed }) => changes.some((change) => isRefused(change, confirmed))))
        setExitCode(REFUSED);
    });
}

async function readInput(terminal: Terminal): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const part of terminal.input) parts.push(part);
  return Buffer.concat(parts).toString();
}

function toJson({ application, changes, confirmed }: ApplicationChanges): object {
  return {
    application,
    changes: changes.map((change) => ({ ...change, refused: isRefused(change, confirmed) })),
  };
}

function toText({ application, changes, confirmed }: ApplicationChanges): string {
  if (changes.length === 0) return `${application}: nothing changes of what is kept.\n`;
  const refused = changes.filter((change) => isRefused(change, confirmed));
  const ids = refused.flatMap(({ kind, id }) => (kind === "dangerous" ? [id] : []));
  const kindOf = (change: Change) =>
    change.kind === "said" ? "" : `${refused.includes(change) ? change.kind : "confirmed"}: `;
  return [
    `${application}:`,
    ...changes.map((change) => `  ${kindOf(change)}${change.says}`),
    ...(ids.length === 0 ? [] : [`  What is meant is confirmed by confirm: ${JSON.stringify(ids)} in MillraceApp.`]),
    "",
  ].join("\n");
}
