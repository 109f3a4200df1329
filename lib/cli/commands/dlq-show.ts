/** `millrace dlq show`: one dead letter, with its original bytes. */

import { type Command, Option } from "commander";
import { type LetterState, LetterStates } from "../../local/redrive.ts";
import { MillraceError } from "../../stream/error.ts";
import { parseIndex } from "../arguments.ts";
import { readDeadLetters } from "../dead-letters.ts";
import { examples } from "../help.ts";
import { openToLook, type PlaceOptions, placeCommand } from "../place.ts";
import { showBytes, showTime, toPrintable } from "../printable.ts";
import type { Terminal } from "../terminal.ts";

type ShowOptions = PlaceOptions & { readonly base64?: true };

export function dlqShowCommand(terminal: Terminal): Command {
  return placeCommand("show")
    .description("Show one dead letter of an operator: its reason, its position, and its bytes as they were.")
    .argument("<operator>", "an operator's name")
    .argument("<number>", "as `millrace dlq list` numbers them", parseIndex)
    .addOption(new Option("--base64", "the value as base64, even if it is text"))
    .addHelpText("after", examples([["millrace dlq show count-words 0", "the first"]]))
    .action(async (operator: string, number: number, options: ShowOptions) => {
      const { application, workspace } = await openToLook(options, terminal);
      try {
        if (application === undefined)
          throw new MillraceError("usage", "There is no functions/ folder here; name the application's with --app.");
        const show = (bytes: Uint8Array | null) =>
          bytes === null ? "–" : options.base64 ? Buffer.from(bytes).toString("base64") : showBytes(bytes);
        const { topology } = application;
        for await (const { number: found, letter } of readDeadLetters(workspace.broker, topology, operator)) {
          if (found !== number) continue;
          const state = await new LetterStates(topology, workspace.stateLog).of(letter);
          const { topic, partition, offset, timestampMs, headers } = letter;
          const rows: readonly (readonly [name: string, text: string])[] = [
            ["reason", toPrintable(letter.reason)],
            ["step", toPrintable(letter.step)],
            ["function", letter.functionName],
            ["position", `${topic}-${partition} at offset ${offset}`],
            ["time", showTime(timestampMs < 0 ? null : timestampMs)],
            ...(letter.failedAtMs === undefined ? [] : [["failed at", showTime(letter.failedAtMs)] as const]),
            ["id", letter.id],
            ...(letter.successorOf === undefined ? [] : [["again", `it was ${letter.successorOf} before`] as const]),
            ["redriven", sentenceOf(state)],
            ["key", show(letter.key)],
            ["value", show(letter.value)],
            ...headers.map(([name, bytes]) => ["header", `${toPrintable(name)}: ${showBytes(bytes)}`] as const),
          ];
          terminal.out(rows.map(([name, text]) => `${name.padEnd(10)}${text}\n`).join(""));
          return;
        }
        throw new MillraceError(
          "usage",
          `Operator "${operator}" has no dead letter ${number}; see \`millrace dlq list ${operator}\`.`,
        );
      } finally {
        await workspace.close();
      }
    });
}

function sentenceOf(state: LetterState): string {
  switch (state.kind) {
    case "waiting":
      return "not yet";
    case "redriven":
      return state.mark === "done" ? "yes" : "yes, and failed again";
    case "impossible":
      return `it cannot be: ${state.reason}`;
    default:
      return state satisfies never;
  }
}
