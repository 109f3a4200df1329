/** What a task has to process: of what it is called for, what it has not processed yet, and what lies before that. */

import type { Broker, OffsetRange } from "../kafka/broker.ts";
import { MillraceError } from "../stream/error.ts";
import type { RecordColumns } from "../wire/record-columns.ts";
import type { TaskInput } from "./evaluate.ts";
import { assertNotGone, findHole, isAtEnd } from "./find-hole.ts";
import type { OpenTask } from "./open-task.ts";

export type TaskRequest =
  | { readonly kind: "records"; readonly records: RecordColumns }
  | { readonly kind: "tick"; readonly watermarkMs: number | undefined };

/** The first and the last offset of a request; undefined where it brings no records. */
export function endsOf(request: TaskRequest): {
  readonly first: number | undefined;
  readonly last: number | undefined;
} {
  if (request.kind === "tick" || request.records.count === 0) return { first: undefined, last: undefined };
  const { offsets, count } = request.records;
  return { first: offsets[0] as number, last: offsets[count - 1] as number };
}

/** What is found: the prepared bundles that it releases are looked for after it. */
export type FoundInput =
  | Exclude<TaskInput, { kind: "records" }>
  | Omit<Extract<TaskInput, { kind: "records" }>, "bundles">;

/** What there is to process; undefined where it is nothing. Throws "input-missing" where the topic does not hold it any more. */
export async function findInput(
  broker: Broker,
  { plan, name, meta }: OpenTask,
  request: TaskRequest,
): Promise<FoundInput | undefined> {
  const rangeNow = () => rangeOf(broker, name, meta.checkpoint);
  if (request.kind === "tick") {
    const { watermarkMs } = request;
    const range = await rangeNow();
    if (plan.shuffle !== undefined) return { kind: "tick", nothingToRead: true, endOffset: 0, watermarkMs };
    const nothingToRead = await isAtEnd(broker, name, range, meta);
    return { kind: "tick", nothingToRead, endOffset: nothingToRead ? range.high : 0, watermarkMs };
  }
  const { records } = request;
  const { first, last } = endsOf(request);
  if (first === undefined || last === undefined) return undefined;
  if (last <= meta.checkpoint) {
    await rangeNow();
    return undefined;
  }
  if (first <= meta.checkpoint + 1) return { kind: "records", stretches: [records] };
  const hole = await findHole(broker, plan, name, meta.checkpoint, first);
  const before = hole.records === undefined ? [] : [hole.records];
  return { kind: "records", stretches: hole.isWhole ? [...before, records] : before };
}

/** The offsets of the input. An end below the checkpoint is another topic of the same name; a beginning behind it, records that nobody processed. */
async function rangeOf(broker: Broker, name: OpenTask["name"], checkpoint: number): Promise<OffsetRange> {
  const { topic, partition, functionName } = name;
  const range = await broker.offsetRange(topic, partition);
  if (range === undefined)
    throw new MillraceError("input-missing", `Topic ${topic} has no partition ${partition} any more.`);
  assertNotGone(name, checkpoint, range.low);
  if (range.high > checkpoint) return range;
  throw new MillraceError(
    "input-missing",
    `Topic ${topic}-${partition} ends at offset ${range.high}, but ${functionName} has processed up to ${checkpoint}: the topic was deleted and created again. Reset the function to start over.`,
  );
}
