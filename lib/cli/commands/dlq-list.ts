/** `millrace dlq list`: dead letters with their reasons, and which were redriven. */

import { type Command, Option } from "commander";
import { type LetterState, LetterStates } from "../../local/redrive.ts";
import { MillraceError } from "../../stream/error.ts";
import { parseCount } from "../arguments.ts";
import {
  type LetterOptions,
  matches,
  type NumberedLetter,
  operatorsOf,
  readDeadLetters,
  shownId,
  withLetterOptions,
} from "../dead-letters.ts";
import { examples } from "../help.ts";
import { openToLook, type PlaceOptions, placeCommand } from "../place.ts";
import { showPlural, showTime, toPrintable } from "../printable.ts";
import { formatTable } from "../table.ts";
import type { Terminal } from "../terminal.ts";

const LETTERS_MAX = 20;

type ListOptions = PlaceOptions & LetterOptions & { readonly limit: number; readonly json?: true };
type Listed = NumberedLetter & { readonly state: LetterState };

export function dlqListCommand(terminal: Terminal): Command {
  return withLetterOptions(placeCommand("list"))
    .description(
      "List the dead letters of an operator, or of all: where each record stood, why it could not be processed, and whether it was redriven.",
    )
    .addOption(
      new Option("--limit <n>", "at most so many of each operator, the newest")
        .argParser(parseCount)
        .default(LETTERS_MAX),
    )
    .addOption(new Option("--json", "a line of JSON per dead letter"))
    .addHelpText(
      "after",
      examples([
        ["millrace dlq list count-words", "the newest dead letters of one operator"],
        ["millrace dlq list --since 2h --reason UTF-8", "what failed in the last two hours, with that in its reason"],
      ]),
    )
    .action(async (operator: string | undefined, options: ListOptions) => {
      const { application, workspace } = await openToLook(options, terminal);
      try {
        if (application === undefined)
          throw new MillraceError("usage", "There is no functions/ folder here; name the application's with --app.");
        const { topology } = application;
        const chosen: NumberedLetter[] = [];
        let total = 0;
        for (const name of operatorsOf(topology, operator, options)) {
          const newest: NumberedLetter[] = [];
          for await (const one of readDeadLetters(workspace.broker, topology, name)) {
            if (!matches(one.letter, options)) continue;
            newest.push(one);
            total += 1;
            if (newest.length > options.limit) newest.shift();
          }
          chosen.push(...newest);
        }
        const states = new LetterStates(topology, workspace.stateLog);
        const listed: Listed[] = [];
        for (const one of chosen) listed.push({ ...one, state: await states.of(one.letter) });
        terminal.out(options.json ? listed.map(toJsonLine).join("") : showLetters(listed, total));
      } finally {
        await workspace.close();
      }
    });
}

function toJsonLine({ operator, number, letter, state }: Listed): string {
  const { id, kind, functionName, step, reason, topic, partition, offset, timestampMs, failedAtMs, successorOf } =
    letter;
  const place = { functionName, kind, step, reason, topic, partition, offset, timestampMs, failedAtMs, successorOf };
  return `${JSON.stringify({ operator, number, id, redriven: toWord(state), ...place })}\n`;
}

/** In a word whether it was redriven. */
function toWord(state: LetterState): "no" | "yes" | "failed again" | "impossible" {
  if (state.kind === "redriven") return state.mark === "done" ? "yes" : "failed again";
  return state.kind === "waiting" ? "no" : "impossible";
}

function showLetters(listed: readonly Listed[], total: number): string {
  if (total === 0) return "There are no dead letters.\n";
  const rows = listed.map(({ operator, number, letter, state }) => {
    const { topic, partition, offset, step, reason, failedAtMs } = letter;
    const again = letter.successorOf === undefined ? "" : "again: ";
    const input = [`${topic}-${partition}`, offset, shownId(letter)];
    const why = [toPrintable(step), `${again}${toPrintable(reason)}`];
    return [operator, `${number}`, ...input, showTime(failedAtMs ?? null), toWord(state), ...why];
  });
  const heads = ["operator", "number", "input", "offset", "id", "failed at", "redriven", "step", "reason"];
  const table = formatTable(heads, rows, [1, 3]);
  if (listed.length === total) return table;
  return `${table}${listed.length} of ${showPlural(total, "dead letter")}; --limit shows more.\n`;
}
