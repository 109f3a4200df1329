/** Puts records of a source topic through a task's chain: decodes, drops repeats, finds timestamps, pushes. */

import type { Push } from "../operators/step.ts";
import { MillraceError } from "../stream/error.ts";
import type { SourceNode } from "../stream/node.ts";
import { identityOf, isAbove } from "../wire/identity.ts";
import { valueDecoder } from "../wire/read-values.ts";
import { headersAt, keyBytesAt, type RecordColumns } from "../wire/record-columns.ts";
import { buryRecord } from "./dead-letters.ts";
import { deepFreeze } from "./deep-freeze.ts";
import type { OpenTask } from "./open-task.ts";
import { observerOf } from "./source-generators.ts";
import type { Problem, UnitId } from "./units.ts";

export type ReadSettings = {
  readonly recordBytesMax: number;
  /** Freezes every element, so that a function that changes its input is found out (strict mode). */
  readonly freeze: boolean;
};

/** Records that were dead letters: counted before, and looked at for repeats before. */
export type AsRedriven = { readonly unit: UnitId; readonly bury: (i: number, problem: Problem) => void };

/**
 * Puts records `from` … through the chain of `task`. Everything that can go wrong with a record is its own dead letter. `redriven`: there is one record, which is
 * the original of a dead letter.
 */
export function readSource(
  task: OpenTask,
  records: RecordColumns,
  from: number,
  settings: ReadSettings,
  redriven?: AsRedriven,
): void {
  const source = task.plan.sources.find(({ topic }) => topic.topicName === task.name.topic);
  if (source === undefined)
    throw new MillraceError(
      "topology",
      `Function ${task.plan.name} was given records of ${task.name.topic}, which it does not read.`,
    );
  const { topic, nodes, writtenByMillrace } = source;
  const { meta, units, counts, collector } = task;
  const decodeValue = valueDecoder(records, topic.valueFormat, topic.compacted);
  // A dead letter is of its own time, and says nothing of the present.
  const readers = nodes.map((node, i) =>
    readerOf(task, node, i, settings.freeze, redriven === undefined ? observerOf(task, node, i) : undefined),
  );
  const decodeKeys =
    topic.keyFormat !== undefined && nodes.some((node) => node.reads === "records" || task.chain.keyed.has(node));

  const buryNew = (i: number, problem: Problem) => {
    if (task.plan.operator.onError === "fail") throw stopped(task, records.offsets[i] as number, problem);
    buryRecord(task, records, i, problem);
  };
  const bury = redriven?.bury ?? buryNew;

  for (let i = from; i < records.count; i++) {
    const offset = records.offsets[i] as number;
    const unit = redriven?.unit ?? offset;
    if (redriven === undefined) counts.elements++;
    if (writtenByMillrace && redriven === undefined) {
      const identity = identityOf(headersAt(records, i));
      if (identity !== undefined) {
        if (!isAbove(identity, meta.seen.get(identity.task))) {
          counts.duplicates++;
          continue;
        }
        meta.seen.set(identity.task, [identity.generation, identity.sequenceNumber, identity.index]);
      }
    }
    if (!task.plan.commits) collector.startUnit(offset);
    const known = units.bad.size > 0 ? units.bad.get(unit) : undefined;
    if (known !== undefined) {
      bury(i, known);
      continue;
    }
    let value: unknown;
    try {
      value = decodeValue(i);
    } catch (error) {
      bury(i, { error: error as Error, step: `value of topic ${topic.topicName}` });
      continue;
    }
    units.enter(unit);
    try {
      let key: unknown = null;
      if (decodeKeys) {
        task.calls.caller.step = `key of topic ${topic.topicName}`;
        const bytes = keyBytesAt(records, i);
        if (bytes !== null) key = (topic.keyFormat as NonNullable<typeof topic.keyFormat>).decode(bytes);
      }
      for (const reader of readers) reader(value, key, records.timestampsMs[i] as number, records, i);
      if (units.careful) for (const step of task.chain.stateful) step.flush?.();
    } catch (error) {
      units.fail(unit, error);
    }
  }
  units.enter(undefined);
}

/** The sentence for a partition that stops at a record, as its operator asks for with `onError: "fail"`. */
export function stopped(task: OpenTask, offset: number | string, problem: Problem): MillraceError {
  return new MillraceError(
    "author",
    `Operator ${task.plan.operator.operatorName} stopped at ${task.name.topic}-${task.name.partition}, offset ${offset}, in ${problem.step}: ${problem.error.message} (onError is "fail"; with "dead-letter" the record would be set aside)`,
    { cause: problem.error },
  );
}

type Reader = (value: unknown, key: unknown, recordMs: number, records: RecordColumns, i: number) => void;

/** How one source node takes a record of its topic. */
function readerOf(
  task: OpenTask,
  node: SourceNode,
  index: number,
  freeze: boolean,
  observe: ReturnType<typeof observerOf>,
): Reader {
  const push = task.chain.sources.get(node) as Push;
  const { meta, counts, calls, time } = task;
  const { timestampOf, watermark: strategy } = node;
  const inEventTime = strategy !== undefined && strategy.kind !== "none";
  const futureMs = time.nowMs + (strategy?.futureBound ?? Number.POSITIVE_INFINITY);

  return (value, key, recordMs, records, i) => {
    if (freeze) deepFreeze(value);
    let element = value;
    if (node.reads === "records") {
      const headers = Object.fromEntries(
        headersAt(records, i).map(([name, bytes]) => [name, new TextDecoder().decode(bytes)]),
      );
      element = {
        key,
        value,
        headers,
        timestampMs: recordMs,
        topic: task.name.topic,
        partition: task.name.partition,
        offset: BigInt(records.offsets[i] as number),
      };
    }
    let timestampMs = recordMs;
    if (timestampOf !== undefined && element !== null) {
      calls.caller.step = `timestampOf of topic ${node.topic.topicName}`;
      const told: unknown = timestampOf(element);
      if (typeof told !== "number" || !Number.isFinite(told))
        throw new MillraceError("author", `timestampOf returned ${String(told)}, not a number of epoch milliseconds.`);
      timestampMs = Math.floor(told);
    } else if (recordMs < 0) {
      calls.caller.step = `timestamp of topic ${node.topic.topicName}`;
      if (inEventTime)
        throw new MillraceError(
          "format",
          "the record has no timestamp; give the topic a timestampOf, or produce with timestamps",
        );
      // Without a log a record must give the same whenever it is processed, so not the clock.
      timestampMs = task.plan.commits ? time.nowMs : 0;
    }
    // What no window can be computed of, and no record of ours can carry. Kafka's own timestamps have 64 bits.
    if (!Number.isSafeInteger(timestampMs)) {
      if (timestampOf === undefined) calls.caller.step = `timestamp of topic ${node.topic.topicName}`;
      throw new MillraceError("format", `the timestamp ${timestampMs} is too large for a number of epoch milliseconds`);
    }
    push(element, key, timestampMs);
    // Only what went through moves the watermark.
    if (timestampMs > futureMs) {
      counts.future++;
      return;
    }
    if (timestampMs > (meta.newestMs[index] as number)) meta.newestMs[index] = timestampMs;
    // The topic's own strategy knows its values, one of the operator's what it reads.
    if (value !== null) observe?.(strategy === node.topic.watermark ? value : element, timestampMs);
  };
}
