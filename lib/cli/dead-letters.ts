/** The dead letters of an operator, as they stand in their topic; and the options that choose among them. */

import { type Command, Option } from "commander";
import type { Broker } from "../kafka/broker.ts";
import type { LetterRecord } from "../local/redrive.ts";
import { type DeadLetter, isOfOperator, toDeadLetter } from "../runtime/dead-letter.ts";
import { MillraceError } from "../stream/error.ts";
import type { Topology } from "../stream/plan.ts";
import { listOf, quote } from "../stream/sentence.ts";
import { parsePattern, parseSince } from "./arguments.ts";
import { readRecords } from "./read-records.ts";

export type NumberedLetter = {
  readonly operator: string;
  /** As it is shown: the operator's oldest is 0. */
  readonly number: number;
  readonly letter: DeadLetter;
  readonly record: LetterRecord;
};

/** Oldest first, numbered from 0, each once. Throws a MillraceError "usage" for an operator that does not exist. */
export async function* readDeadLetters(
  broker: Broker,
  topology: Topology,
  operator: string,
): AsyncGenerator<NumberedLetter> {
  const plan = topology.functions.find((one) => one.operator.operatorName === operator);
  if (plan === undefined) {
    const names = listOf(topology.operators.map((one) => one.operatorName));
    throw new MillraceError("usage", `There is no operator ${quote(operator)}; there are: ${names}.`);
  }
  const topic = plan.deadLetterTopic;
  if (!(await broker.topics()).some(({ name }) => name === topic)) return;
  const ranges = await broker.offsets(topic);
  const starts = ranges.map(({ low }) => low);
  const ends = ranges.map(({ high }) => high);
  const seen = new Set<string>();
  let number = 0;
  for await (const record of readRecords(broker, topic, starts, ends)) {
    const letter = toDeadLetter(record);
    // Others may have theirs in the same topic.
    if (!isOfOperator(letter, operator)) continue;
    // What was sent twice has the same identity.
    if (seen.has(letter.id)) continue;
    if (letter.id !== "") seen.add(letter.id);
    yield { operator, number, letter, record };
    number += 1;
  }
}

export type LetterOptions = {
  readonly operator?: string;
  readonly topic?: string;
  readonly reason?: (reason: string) => boolean;
  readonly since?: number;
  readonly until?: number;
  readonly id?: readonly string[];
};

/** A command that works on dead letters which its options choose: an operator as argument or as option, and what `matches` takes. */
export function withLetterOptions(command: Command): Command {
  const collect = (id: string, ids: readonly string[] = []) => [...ids, id];
  return command
    .argument("[operator]", "an operator's name (default: all operators)")
    .addOption(new Option("--operator <name>", "the operator, instead of the argument"))
    .addOption(new Option("--topic <name>", "what was read from this topic or shuffle"))
    .addOption(
      new Option("--reason <text>", "whose reason has this text, or matches /a pattern/").argParser(parsePattern),
    )
    .addOption(
      new Option(
        "--since <time>",
        "what failed since: 30m, 2h, 7d, or a time in ISO 8601 (a function without a log is told no time: then the record's counts)",
      ).argParser(parseSince),
    )
    .addOption(new Option("--until <time>", "what failed before").argParser(parseSince))
    .addOption(
      new Option("--id <id>", "this one, as `millrace dlq list` shows it; several times for several").argParser(
        collect,
      ),
    );
}

/** The operators that an argument or an option names, or all. */
export function operatorsOf(topology: Topology, argument: string | undefined, { operator }: LetterOptions): string[] {
  if (argument !== undefined && operator !== undefined && argument !== operator)
    throw new MillraceError("usage", `Two operators are named, ${quote(argument)} and ${quote(operator)}: name one.`);
  const name = argument ?? operator;
  return name === undefined ? topology.operators.map((one) => one.operatorName) : [name];
}

/** Whether the options choose a dead letter. */
export function matches(letter: DeadLetter, { topic, reason, since, until, id }: LetterOptions): boolean {
  const atMs = letter.failedAtMs ?? letter.timestampMs;
  return (
    (topic === undefined || letter.topic === topic) &&
    (reason === undefined || reason(letter.reason)) &&
    (since === undefined || atMs >= since) &&
    (until === undefined || atMs < until) &&
    (id === undefined || id.some((one) => letter.id === one || letter.id.endsWith(`/${one}`)))
  );
}

/** The id as it is shown: without the application, which all have in common. */
export function shownId({ id }: DeadLetter): string {
  return id.split("/").slice(-3).join("/");
}
