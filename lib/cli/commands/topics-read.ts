/** `millrace topics read`: the records of a topic, decoded. */

import { type Command, Option } from "commander";
import type { Broker } from "../../kafka/broker.ts";
import { MillraceError } from "../../stream/error.ts";
import { listOf, quote } from "../../stream/sentence.ts";
import { parseCount } from "../arguments.ts";
import { examples } from "../help.ts";
import { openToLook, type PlaceOptions, placeCommand } from "../place.ts";
import { ProblemLog } from "../problem-log.ts";
import { type ReadRecord, readRecords } from "../read-records.ts";
import { showRecord, toJsonLine } from "../show-record.ts";
import type { Terminal } from "../terminal.ts";
import { waitForInterrupt } from "../wait.ts";

type ReadOptions = PlaceOptions & {
  readonly fromBeginning?: true;
  readonly follow?: true;
  readonly limit?: number;
  readonly json?: true;
};

const LAST_RECORDS = 10;
const POLL_EVERY_MS = 200;

export function topicsReadCommand(terminal: Terminal): Command {
  return placeCommand("read")
    .description(
      "Show the last records of a topic: partition:offset, time, key, value. Values are decoded by the topic's format, shuffles into their elements.",
    )
    .argument("<topic>", "any topic, also shuffles and dead letters")
    .addOption(new Option("--from-beginning", "all records, from the first on"))
    .addOption(
      new Option("--limit <n>", `at most so many (default: ${LAST_RECORDS}, or all with --from-beginning)`).argParser(
        parseCount,
      ),
    )
    .addOption(new Option("--follow", "and then what is written from now on, until Ctrl-C"))
    .addOption(new Option("--json", "a line of JSON per record"))
    .addHelpText(
      "after",
      examples([
        ["millrace topics read word-counts", "the last records"],
        ["millrace topics read word-counts --from-beginning --json | jq .value", "all values"],
        ["millrace topics read word-counts --follow", "and those to come"],
        ["millrace topics read count-words--by-key --limit 3", "the elements in the last bundles of a shuffle"],
      ]),
    )
    .action(async (name: string, options: ReadOptions) => {
      const { application, workspace } = await openToLook(options, terminal);
      const interrupt = waitForInterrupt(terminal);
      try {
        const { broker } = workspace;
        const shape = application?.topology.topics.find((topic) => topic.name === name);
        await checkExists(broker, name, shape !== undefined);
        const show = async (record: ReadRecord) => {
          terminal.out(`${options.json ? toJsonLine(record, shape) : showRecord(record, shape)}\n`);
          await terminal.drained();
        };
        // A declared topic that no run has made yet has no records, and may get some while we follow it.
        let positions = (await exists(broker, name))
          ? await readOnce(broker, name, options, interrupt.isOver, show)
          : [];
        const problems = new ProblemLog((sentence) => terminal.err(`${sentence}\n`));
        while (options.follow && !interrupt.isOver()) {
          await interrupt.orAfter(POLL_EVERY_MS);
          try {
            // One that is deleted, and made again, is another one.
            if (await exists(broker, name)) await readFrom(broker, name, positions, show);
            else positions = [];
          } catch (error) {
            // Whoever follows waits for what is to come, and so for a broker that is away.
            if (!(error instanceof MillraceError) || error.code !== "kafka") throw error;
            problems.add(error.message);
          }
        }
      } finally {
        interrupt.end();
        await workspace.close();
      }
    });
}

async function exists(broker: Broker, name: string): Promise<boolean> {
  return (await broker.topics()).some((topic) => topic.name === name);
}

async function checkExists(broker: Broker, name: string, isDeclared: boolean): Promise<void> {
  const names = (await broker.topics()).map((topic) => topic.name);
  if (isDeclared || names.includes(name)) return;
  const there = names.length === 0 ? "there are none yet" : `there are: ${listOf(names)}`;
  throw new MillraceError("usage", `There is no topic ${quote(name)}; ${there}.`);
}

type Show = (record: ReadRecord) => Promise<void>;

/** Shows what there is now, as the options say, and returns where to go on. */
async function readOnce(
  broker: Broker,
  name: string,
  options: ReadOptions,
  isOver: () => boolean,
  show: Show,
): Promise<number[]> {
  const ranges = await broker.offsets(name);
  const ends = ranges.map(({ high }) => high);
  if (options.fromBeginning) {
    let left = options.limit ?? Number.POSITIVE_INFINITY;
    const positions = ranges.map(({ low }) => low);
    for await (const record of readRecords(broker, name, positions, ends)) {
      if (isOver()) break;
      await show(record);
      left -= 1;
      if (left === 0) return ends;
    }
    return positions;
  }
  const limit = options.limit ?? LAST_RECORDS;
  const positions = ranges.map(({ low, high }) => Math.max(low, high - limit));
  const last: ReadRecord[] = [];
  for await (const record of readRecords(broker, name, positions, ends)) {
    last.push(record);
    if (last.length > limit) last.shift();
  }
  for (const record of last) await show(record);
  return positions;
}

/** Shows what is behind `positions`, and moves them along. */
async function readFrom(broker: Broker, name: string, positions: number[], show: Show): Promise<void> {
  const ranges = await broker.offsets(name);
  for (const [partition, { low, high }] of ranges.entries()) {
    const position = positions[partition];
    if (position === undefined || position < low || position > high) positions[partition] = low;
  }
  const ends = ranges.map(({ high }) => high);
  for await (const record of readRecords(broker, name, positions, ends)) await show(record);
}
