/** Which outputs of a commit appear once because Kafka sees to it: those for topics declared so, written in one transaction with the commit's number. */

import type { Broker } from "../kafka/broker.ts";
import type { FunctionPlan } from "../stream/plan.ts";
import type { OutgoingBatch } from "../wire/outgoing-record.ts";
import type { TaskName } from "./task-name.ts";

/** Whether outputs for a topic are written in transactions. */
export function isExactlyOnce({ topicOutputs }: FunctionPlan, { topic: name }: { readonly topic: string }): boolean {
  return topicOutputs.some(({ topic }) => topic.exactlyOnce && topic.topicName === name);
}

/** Opens the transaction of a commit that is on its way. L5: nothing is in it before the commit was seen, so that it need not wait for that. Never rejects. */
export async function openAhead(
  broker: Broker,
  plan: FunctionPlan,
  { full }: TaskName,
  batches: readonly OutgoingBatch[],
): Promise<void> {
  const partitions = batches.filter((batch) => isExactlyOnce(plan, batch));
  if (partitions.length > 0) await broker.prepareExactlyOnce(partitions, full);
}
