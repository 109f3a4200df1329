/**
 * Whose a dead letter is: the task that processes it again, and why there may be none.
 *
 * It is the task that set it aside, of the same generation: a function that started over has read the same input again. A function without a log has none
 * that could remember; its redrives are a task of their own, with a log and with identities of their own: under those of their input, readers would take
 * them for repeats of what came long before.
 */

import type { Broker } from "../kafka/broker.ts";
import { MillraceError } from "../stream/error.ts";
import type { FunctionPlan } from "../stream/plan.ts";
import { parseIdentity } from "../wire/identity.ts";
import { headersAt, keyBytesAt, valueBytesAt } from "../wire/record-columns.ts";
import type { DeadLetter } from "./dead-letter.ts";
import { type TaskName, toTaskName } from "./task-name.ts";

/** Behind the name of a function without a log: the task of its redrives. No shuffle is called so, as a function that feeds one has a log. */
const REDRIVES = "--redrive";

/** The function whose task is called so in a state log: one without a log has a task for its redrives. */
export function planOfTask(functions: readonly FunctionPlan[], functionName: string): FunctionPlan | undefined {
  return (
    functions.find(({ name }) => name === functionName) ??
    functions.find(({ name, commits }) => !commits && `${name}${REDRIVES}` === functionName)
  );
}

/** The task that redrives the dead letters of a task, as a plan and a name. */
export function toRedriving(
  plan: FunctionPlan,
  name: TaskName,
): { readonly plan: FunctionPlan; readonly name: TaskName } {
  if (plan.commits) return { plan, name };
  const { application, functionName, topic, partition, generation } = name;
  const { full } = toTaskName(application, `${functionName}${REDRIVES}`, topic, partition, generation);
  return { plan: { ...plan, commits: true }, name: { ...name, full } };
}

/** Why a dead letter is of no task of a function, whose generation is `generation`; undefined where it is of one. */
export function whyForeign(
  application: string,
  plan: FunctionPlan,
  generation: number,
  { id, functionName, topic, partition, failedAtMs }: DeadLetter,
): string | undefined {
  if (functionName !== plan.name) return `it is of function ${functionName}, not of ${plan.name}`;
  const identity = parseIdentity(id);
  if (identity === undefined) return "it has no identity: something else than Millrace wrote it";
  const place = `${topic}-${partition}`;
  const own = `${application}/${functionName}/${place}`;
  if (identity.task !== own && identity.task !== `${application}/${functionName}${REDRIVES}/${place}`)
    return `it is of task ${identity.task}, not of application ${application}`;
  const partitions =
    plan.shuffle?.name === topic
      ? plan.shuffle.partitions
      : plan.sources.find((source) => source.topic.topicName === topic)?.partitions;
  if (partitions === undefined) return `${functionName} does not read topic ${topic} any more`;
  if (partition >= partitions) return `topic ${topic} has no partition ${partition} any more`;
  if (identity.generation !== generation)
    return `${functionName} was reset since: as generation ${generation} it read its input again`;
  // Only who has a log is told when it failed. Where the other kind of life remembers its redrives, nobody looks any more.
  const hadLog = identity.task === own && failedAtMs !== undefined;
  if (hadLog !== plan.commits)
    return `${functionName} kept ${hadLog ? "a" : "no"} log when it failed, and ${hadLog ? "none" : "one"} now: whether it was redriven since is not known`;
  return undefined;
}

/** A dead letter with the bytes of its original where it keeps only a reference; or the reason why they cannot be had. */
export async function withOriginal(broker: Broker, letter: DeadLetter): Promise<DeadLetter | string> {
  if (letter.reference === undefined || letter.kind !== "record") return letter;
  const { topic, partition, timestampMs } = letter;
  const offset = Number(letter.offset);
  const range = await broker.offsetRange(topic, partition);
  const gone = `it was too large to be copied, and ${topic}-${partition} does not hold it any more at offset ${offset}`;
  if (range === undefined || offset < range.low || offset >= range.high) return gone;
  const { records } = await broker.fetch(topic, partition, offset, { bytesMax: 1, recordsMax: 1 });
  // After compaction the next one, and in a topic of the same name any.
  if (records.count === 0 || records.offsets[0] !== offset || records.timestampsMs[0] !== timestampMs) return gone;
  return { ...letter, key: keyBytesAt(records, 0), value: valueBytesAt(records, 0), headers: headersAt(records, 0) };
}

/** A function of an operator by its name. Throws MillraceError "topology" where there is none. */
export function functionOf(functions: readonly FunctionPlan[], operatorName: string, name: string): FunctionPlan {
  const plan = functions.find((one) => one.name === name && one.operator.operatorName === operatorName);
  if (plan !== undefined) return plan;
  throw new MillraceError("topology", `Operator ${operatorName} has no function ${name}.`);
}
