/** `millrace dlq list`: dead letters with their reasons. */

import { type Command, Option } from "commander";
import type { DeadLetter } from "../../runtime/dead-letter.ts";
import { MillraceError } from "../../stream/error.ts";
import { parseCount } from "../arguments.ts";
import { readDeadLetters } from "../dead-letters.ts";
import { examples } from "../help.ts";
import { openToLook, type PlaceOptions, placeCommand } from "../place.ts";
import { showPlural, toPrintable } from "../printable.ts";
import { formatTable } from "../table.ts";
import type { Terminal } from "../terminal.ts";

const LETTERS_MAX = 20;

type ListOptions = PlaceOptions & { readonly limit: number; readonly json?: true };
type Listed = { readonly operator: string; readonly number: number; readonly letter: DeadLetter };

export function dlqListCommand(terminal: Terminal): Command {
  return placeCommand("list")
    .description(
      "List the dead letters of an operator, or of all: where each record stood, and why it could not be processed.",
    )
    .argument("[operator]", "an operator's name")
    .addOption(
      new Option("--limit <n>", "at most so many of each operator, the newest")
        .argParser(parseCount)
        .default(LETTERS_MAX),
    )
    .addOption(new Option("--json", "a line of JSON per dead letter"))
    .addHelpText("after", examples([["millrace dlq list count-words", "the newest dead letters of one operator"]]))
    .action(async (operator: string | undefined, options: ListOptions) => {
      const { application, workspace } = await openToLook(options, terminal);
      try {
        if (application === undefined)
          throw new MillraceError("usage", "There is no functions/ folder here; name the application's with --app.");
        const { topology } = application;
        const operators = operator === undefined ? topology.operators.map((one) => one.operatorName) : [operator];
        const listed: Listed[] = [];
        let total = 0;
        for (const name of operators) {
          const newest: Listed[] = [];
          for await (const [number, letter] of readDeadLetters(workspace.broker, topology, name)) {
            newest.push({ operator: name, number, letter });
            total += 1;
            if (newest.length > options.limit) newest.shift();
          }
          listed.push(...newest);
        }
        terminal.out(options.json ? listed.map(toJsonLine).join("") : showLetters(listed, total));
      } finally {
        await workspace.close();
      }
    });
}

function toJsonLine({ operator, number, letter }: Listed): string {
  const { functionName, step, reason, topic, partition, offset, timestampMs } = letter;
  return `${JSON.stringify({ operator, number, functionName, step, reason, topic, partition, offset, timestampMs })}\n`;
}

function showLetters(listed: readonly Listed[], total: number): string {
  if (total === 0) return "There are no dead letters.\n";
  const rows = listed.map(({ operator, number, letter }) => {
    const { topic, partition, offset, step, reason } = letter;
    return [operator, `${number}`, `${topic}-${partition}`, offset, toPrintable(step), toPrintable(reason)];
  });
  const table = formatTable(["operator", "number", "input", "offset", "step", "reason"], rows, [1, 3]);
  if (listed.length === total) return table;
  return `${table}${listed.length} of ${showPlural(total, "dead letter")}; --limit shows more.\n`;
}
