/** Input that is not where it should be: an event that starts above checkpoint + 1; and whether there is any. */

import type { Broker, OffsetRange } from "../kafka/broker.ts";
import { MillraceError } from "../stream/error.ts";
import type { FunctionPlan } from "../stream/plan.ts";
import type { RecordColumns } from "../wire/record-columns.ts";
import type { TaskMeta } from "./task-meta.ts";
import type { TaskName } from "./task-name.ts";

/** How much is fetched at once. A larger hole takes several commits: what a task that begins finds before it may be a whole topic. */
const FETCH_BYTES_MAX = 4 * 1024 * 1024;

/** The next records of a hole: undefined where only markers lie in it. */
export type Hole = {
  readonly records: RecordColumns | undefined;
  /** Nothing is left between them and the event. */
  readonly isWhole: boolean;
};

/**
 * The records between a checkpoint and the first offset of an event, as many as one fetch gives. A task that begins takes
 * what the topic still has, unless its source starts at "latest". Throws "input-missing" where records that were not processed are gone, and "kafka" where the broker has them and does not return them.
 */
export async function findHole(
  broker: Broker,
  plan: FunctionPlan,
  name: TaskName,
  checkpoint: number,
  first: number,
): Promise<Hole> {
  const begins = checkpoint < 0;
  if (
    begins &&
    plan.sources.some(
      ({ topic, nodes }) => topic.topicName === name.topic && nodes.every((node) => node.startAt === "latest"),
    )
  )
    return { records: undefined, isWhole: true };
  const range = await broker.offsetRange(name.topic, name.partition);
  const low = range?.low ?? 0;
  assertNotGone(name, checkpoint, low);
  for (let at = Math.max(checkpoint + 1, low); at < first; ) {
    const { records, nextOffset } = await broker.fetch(name.topic, name.partition, at, {
      bytesMax: FETCH_BYTES_MAX,
      recordsMax: first - at,
    });
    if (nextOffset <= at)
      throw new MillraceError(
        "kafka",
        `Records ${at} to ${first - 1} of ${name.topic}-${name.partition} were not delivered to ${name.functionName}, and the broker does not return them either; the batch will be delivered again.`,
      );
    at = nextOffset;
    const found = upTo(records, first);
    if (found.count > 0) return { records: found, isWhole: at >= first };
  }
  return { records: undefined, isWhole: true };
}

/** Throws "input-missing" where a topic begins behind what was processed. A task that has processed nothing takes what there is. */
export function assertNotGone(name: TaskName, checkpoint: number, low: number): void {
  if (checkpoint < 0 || low <= checkpoint + 1) return;
  throw new MillraceError(
    "input-missing",
    `Records ${checkpoint + 1} to ${low - 1} of ${name.topic}-${name.partition} are gone before ${name.functionName} processed them (retention): the topic begins at ${low}. Reset the function to go on from what is left.`,
  );
}

/** The records below `end`. */
function upTo(records: RecordColumns, end: number): RecordColumns {
  let count = records.count;
  while (count > 0 && (records.offsets[count - 1] as number) >= end) count--;
  return { ...records, count };
}

/** Whether a partition has no record behind the checkpoint: a fetch up to the end returns none (control markers take offsets too). */
export async function isAtEnd(
  broker: Broker,
  { topic, partition }: TaskName,
  { low, high }: OffsetRange,
  { checkpoint }: TaskMeta,
): Promise<boolean> {
  let at = Math.max(checkpoint + 1, low);
  while (at < high) {
    const { records, nextOffset } = await broker.fetch(topic, partition, at, { bytesMax: 1, recordsMax: 1 });
    // An answer that leads nowhere is no proof that there is nothing.
    if (records.count > 0 || nextOffset <= at) return false;
    at = nextOffset;
  }
  return true;
}
