/** The dead letters of an operator, as they stand in their topic. */

import type { Broker } from "../kafka/broker.ts";
import { type DeadLetter, toDeadLetter } from "../runtime/dead-letter.ts";
import { MillraceError } from "../stream/error.ts";
import type { Topology } from "../stream/plan.ts";
import { listOf, quote } from "../stream/sentence.ts";
import { readRecords } from "./read-records.ts";

/** Oldest first, numbered from 0. Throws a MillraceError "usage" for an operator that does not exist. */
export async function* readDeadLetters(
  broker: Broker,
  topology: Topology,
  operator: string,
): AsyncGenerator<readonly [number: number, letter: DeadLetter]> {
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
  let number = 0;
  for await (const record of readRecords(broker, topic, starts, ends)) {
    yield [number, toDeadLetter(record)];
    number += 1;
  }
}
