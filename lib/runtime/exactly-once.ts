/** Which outputs of a commit appear once because Kafka sees to it: those for topics declared so, written in one transaction with the commit's number. */

import type { Broker, ExactlyOnce } from "../kafka/broker.ts";
import type { FunctionPlan } from "../stream/plan.ts";
import type { OutgoingBatch } from "../wire/outgoing-record.ts";
import type { TaskName } from "./task-name.ts";

/** Whether outputs for a topic are written in transactions. */
export function isExactlyOnce({ topicOutputs }: FunctionPlan, { topic: name }: { readonly topic: string }): boolean {
  return topicOutputs.some(({ topic }) => topic.exactlyOnce && topic.topicName === name);
}

/** The numbers of a commit, and of the last one before it that was written so, where somebody else may have written it. */
export type CommitNumbers = Pick<ExactlyOnce, "sequenceNumber" | "previousSequenceNumber">;

/** What makes a commit's batches appear once: the number is kept with the offsets of the task's own input, which is there as long as the task. */
export function onceOf(plan: FunctionPlan, { full, topic, partition }: TaskName, numbers: CommitNumbers): ExactlyOnce {
  return {
    transactionalId: full,
    offsetAt: { topic, partition },
    topics: plan.topicOutputs.flatMap(({ topic: to }) => (to.exactlyOnce ? [to.topicName] : [])),
    ...numbers,
  };
}

/** Opens the transaction of a commit that is on its way. L5: none of its batches is in it before the commit was seen, so that it need not wait for that. Never rejects. */
export async function openAhead(
  broker: Broker,
  plan: FunctionPlan,
  name: TaskName,
  batches: readonly OutgoingBatch[],
  sequenceNumber: number,
): Promise<void> {
  const partitions = batches.filter((batch) => isExactlyOnce(plan, batch));
  if (partitions.length > 0) await broker.prepareExactlyOnce(partitions, onceOf(plan, name, { sequenceNumber }));
}
