/** `millrace topics produce`: a record per line of standard input. */

import { type Command, Option } from "commander";
import { kafkaPartitionOf } from "../../state/murmur2.ts";
import { MillraceError } from "../../stream/error.ts";
import type { Topology } from "../../stream/plan.ts";
import { listOf, quote } from "../../stream/sentence.ts";
import type { AnyTopic } from "../../stream/topic.ts";
import { type OutgoingBatch, type OutgoingRecord, recordBytes } from "../../wire/outgoing-record.ts";
import { parseSeparator, parseTime } from "../arguments.ts";
import { examples } from "../help.ts";
import { makeRecord } from "../make-record.ts";
import { openPlace, type PlaceOptions, placeCommand } from "../place.ts";
import { showPlural } from "../printable.ts";
import { type Line, LineSplitter } from "../split-lines.ts";
import type { Terminal } from "../terminal.ts";

type ProduceOptions = PlaceOptions & { readonly keySeparator?: string; readonly timestamp?: number };

export function topicsProduceCommand(terminal: Terminal): Command {
  return placeCommand("produce")
    .description(
      "Write a record per line of standard input, in the topic's declared format: text and bytes as they stand, JSON as JSON.",
    )
    .argument("<topic>", "a declared topic")
    .addOption(
      new Option("--key-separator <text>", "what stands between key and value; without it keys are null").argParser(
        parseSeparator,
      ),
    )
    .addOption(
      new Option("--timestamp <time>", "of all records: epoch milliseconds or ISO 8601 (default: now)").argParser(
        parseTime,
      ),
    )
    .addHelpText(
      "after",
      examples([
        ["millrace topics produce lines < README.md", "every line of a file"],
        ["millrace topics produce lines", "what you type, until Ctrl-D"],
        [`echo 'ann={"amount":3}' | millrace topics produce orders --key-separator =`, "with a key"],
        ["millrace topics produce lines --timestamp 2026-10-01T12:00:00Z < old.txt", "as if it were then"],
      ]),
    )
    .action(async (name: string, options: ProduceOptions) => {
      const { application, workspace } = await openPlace(options, terminal, { exclusive: false });
      try {
        const topic = findDeclared(application.topology, name, options);
        const { broker } = workspace;
        const ranges = await broker.offsets(name);
        // Records without a key go around the partitions, from wherever the last command stopped.
        let turn = ranges.reduce((sum, { high }) => sum + high, 0);
        let lineNumber = 0;
        /** Up to here all lines are written, or refused and said to be. */
        let done = 0;
        let written = 0;
        let refused = 0;

        const write = async (lines: readonly Line[]) => {
          const batch = ranges.map((): OutgoingRecord[] => []);
          for (const line of lines) {
            lineNumber += 1;
            try {
              const record = toRecord(topic, line, options, broker.recordBytesMax);
              const partition =
                record.key === null ? turn++ % batch.length : kafkaPartitionOf(record.key, batch.length);
              batch[partition]!.push(record);
              written += 1;
            } catch (error) {
              if (!(error instanceof MillraceError)) throw error;
              refused += 1;
              terminal.err(`Line ${lineNumber} is not written. ${error.message}\n`);
            }
          }
          const batches = batch.map((records, partition): OutgoingBatch => ({ topic: name, partition, records }));
          try {
            await broker.produce(batches.filter(({ records }) => records.length > 0));
          } catch (error) {
            if (!(error instanceof MillraceError)) throw error;
            throw new MillraceError(error.code, `${error.message} ${extentOf(done, lineNumber)}`, { cause: error });
          }
          done = lineNumber;
        };

        if (terminal.inputIsTerminal) terminal.err("Each line becomes a record; Ctrl-D ends.\n");
        const splitter = new LineSplitter(broker.recordBytesMax);
        for await (const chunk of terminal.input) await write(splitter.push(chunk));
        await write(splitter.end());
        terminal.err(`${showPlural(written, "record")} written to ${name}.\n`);
        if (refused > 0)
          throw new MillraceError("format", `${showPlural(refused, "line")} of ${lineNumber} not written.`);
      } finally {
        await workspace.close();
      }
    });
}

/** What became of the lines when a write failed: the broker may have what it did not acknowledge. */
function extentOf(done: number, tried: number): string {
  return done === 0
    ? `Any of lines 1 to ${tried} may be written.`
    : `Lines 1 to ${done} are written, and any of lines ${done + 1} to ${tried} may be.`;
}

function toRecord(topic: AnyTopic, line: Line, options: ProduceOptions, recordBytesMax: number): OutgoingRecord {
  if (line !== undefined) {
    const { keySeparator, timestamp } = options;
    const record = makeRecord(topic, line, { keySeparator, timestampMs: timestamp ?? Date.now() });
    if (recordBytes(record) <= recordBytesMax) return record;
  }
  throw new MillraceError("format", `It is too large: a record has at most ${recordBytesMax} bytes.`);
}

function findDeclared({ topics }: Topology, name: string, options: ProduceOptions): AnyTopic {
  const found = topics.find((topic) => topic.name === name);
  if (found === undefined) {
    const declared = topics.filter(({ kind }) => kind === "declared").map((topic) => topic.name);
    throw new MillraceError("usage", `There is no topic ${quote(name)}; there are: ${listOf(declared)}.`);
  }
  if (found.declared === undefined) {
    const what =
      found.kind === "shuffle"
        ? "a shuffle, which only its operator writes"
        : "for dead letters, which only its operator writes";
    throw new MillraceError("usage", `Topic ${quote(name)} is ${what}.`);
  }
  if (options.keySeparator !== undefined && found.declared.keyFormat === undefined)
    throw new MillraceError(
      "usage",
      `Topic ${quote(name)} declares no key format, so its records have no keys: leave out --key-separator.`,
    );
  return found.declared;
}
