/** Counts the records that became dead letters of an operator, each once however often it was written. */

import { readRecords } from "../lib/cli/read-records.ts";
import type { Broker } from "../lib/kafka/broker.ts";
import { DEAD_LETTER_HEADERS } from "../lib/runtime/dead-letter.ts";
import type { Topology } from "../lib/stream/plan.ts";

export async function countDeadLetters(broker: Broker, topology: Topology, operatorName: string): Promise<number> {
  const topic = topology.functions.find(({ operator }) => operator.operatorName === operatorName)?.deadLetterTopic;
  if (topic === undefined) return 0;
  const ranges = await broker.offsets(topic);
  const starts = ranges.map(({ low }) => low);
  const ends = ranges.map(({ high }) => high);
  const positions = new Set<string>();
  for await (const { headers } of readRecords(broker, topic, starts, ends)) {
    const text = (name: string) => Buffer.from(headers.find(([other]) => other === name)?.[1] ?? []).toString();
    const { topic: input, partition, offset } = DEAD_LETTER_HEADERS;
    positions.add(`${text(input)} ${text(partition)} ${text(offset)}`);
  }
  return positions.size;
}
