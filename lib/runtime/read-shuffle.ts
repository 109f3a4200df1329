/**
 * Puts bundles of a shuffle through a task's chain.
 *
 * O3: repeats are dropped by their number, gaps are loud. The watermark moves after each bundle to the minimum of the upstream tasks.
 */

import { sliceOf, spanOf } from "../operators/partials.ts";
import type { Push } from "../operators/step.ts";
import { MillraceError } from "../stream/error.ts";
import { decodeKey } from "../stream/key.ts";
import { combine, hear } from "../watermarks/combined.ts";
import { type Bundle, decodeBundle, type ReadColumns } from "../wire/bundle.ts";
import { type RecordColumns, valueBytesAt } from "../wire/record-columns.ts";
import { decodeRelease, isPrepared } from "../wire/sent-ahead.ts";
import { advanceTo } from "./advance.ts";
import type { Evaluating } from "./asking.ts";
import { buryElement } from "./dead-letters.ts";
import { deepFreeze } from "./deep-freeze.ts";
import type { OpenTask } from "./open-task.ts";
import type { Bundles } from "./prepared-bundles.ts";
import { stopped } from "./read-source.ts";
import { pushFor, takerFor } from "./receiver.ts";
import { isTaken } from "./task-meta.ts";

/**
 * Puts bundles `from` … through the chain of `task`, until the commit is full; those that were sent ahead, where they are released. Returns where it stopped, and how many records it passed
 * that count for nobody. With `freeze` elements cannot be changed. Throws "input-missing" at a gap and "format" for what is not a bundle.
 */
export function* readShuffle(
  task: OpenTask,
  records: RecordColumns,
  from: number,
  bundles: Bundles,
  freeze: boolean,
): Evaluating<{ readonly to: number; readonly passed: number }> {
  let passed = 0;
  for (let i = from; i < records.count; i++) {
    const offset = records.offsets[i] as number;
    const bytes = valueBytesAt(records, i);
    if (bytes === null)
      throw new MillraceError(
        "format",
        `Record ${offset} of shuffle ${task.name.topic}-${task.name.partition} has no value: only Millrace may write to a shuffle.`,
      );
    if (isPrepared(bytes)) {
      passed++;
      continue;
    }
    const release = decodeRelease(bytes);
    const encoded = release === undefined ? bytes : bundles.get(release.offset);
    const bundle = encoded && decodeBundle(encoded);
    // A release without its bundle is a repeat: there was no need to look for it.
    if (bundle === undefined || !isNext(task, bundle, offset)) {
      task.counts.duplicates++;
      continue;
    }
    for (const columns of bundle.columns) {
      if (freeze && columns.kind === "elements") columns.values.forEach(deepFreeze);
      readColumns(task, columns, release?.offset ?? offset);
    }
    task.units.enter(undefined);
    const upstream = task.meta.upstream.get(bundle.task);
    if (upstream === undefined) continue;
    // What is under way of a topic that is not read any more.
    const isIdle = bundle.idle || !task.plan.shuffle?.upstream.includes(bundle.task);
    hear(upstream, bundle.watermarkMs, isIdle, task.meta.watermarkMs);
    yield* advanceTo(task, combine(task.meta.upstream.values(), task.meta.watermarkMs).watermarkMs);
    if (task.isFull) return { to: i + 1, passed };
  }
  return { to: records.count, passed };
}

/** Whether a bundle is the next of its upstream task; remembers it if so. */
function isNext(task: OpenTask, bundle: Bundle, offset: number): boolean {
  const last = task.meta.upstream.get(bundle.task);
  if (last === undefined)
    throw new MillraceError(
      "input-missing",
      `Shuffle ${task.name.topic}-${task.name.partition} holds a bundle of ${bundle.task}, which this application does not have: was the number of partitions of a source changed without a new generation?`,
    );
  const { generation, number } = bundle;
  if (isTaken(last, bundle)) return false;
  const expected = generation === last.generation ? last.number + 1 : 1;
  if (number !== expected)
    throw new MillraceError(
      "input-missing",
      `Shuffle ${task.name.topic}-${task.name.partition} lacks bundles ${expected} to ${number - 1} of ${bundle.task} before offset ${offset}: the topic lost records or was truncated. Reset function ${task.name.functionName} to count from what is left.`,
    );
  last.generation = generation;
  last.number = number;
  return true;
}

/** Where elements of a side are in the input: beside the offset it takes the side where there is another. */
function placeOf(task: OpenTask, offset: number, side: number): number | string {
  return task.chain.sides.length > 1 || side > 0 ? `${offset}/${side}` : offset;
}

function readColumns(task: OpenTask, columns: ReadColumns, offset: number): void {
  if (columns.kind === "elements") readElements(task, columns, offset);
  else readPartials(task, columns, offset);
}

type Elements = Extract<ReadColumns, { kind: "elements" }>;
type Partials = Extract<ReadColumns, { kind: "partials" }>;

function readElements(task: OpenTask, columns: Elements, offset: number): void {
  const { units, counts, chain } = task;
  const { side, origin, keys, timestampsMs, values } = columns;
  let push: Push | undefined;
  const place = placeOf(task, offset, side);
  counts.elements += keys.length;
  for (let j = 0; j < keys.length; j++) {
    const encoded = keys[j] as string;
    const timestampMs = timestampsMs[j] as number;
    const known = units.bad.size > 0 ? units.bad.get(`${place}:${j}`) : undefined;
    if (known !== undefined) {
      if (task.plan.operator.onError === "fail") throw stopped(task, `${place}, element ${j}`, known);
      const detail = { kind: "element", side, origin, key: encoded, timestampMs } as const;
      buryElement(task, `${place}:${j}`, { key: encoded, value: values[j], timestampMs, detail }, known);
      continue;
    }
    units.enter(place, j);
    try {
      push ??= pushFor(task, columns);
      push(values[j], decodeKey(encoded), timestampMs);
      if (units.careful) for (const step of chain.stateful) step.flush?.();
    } catch (error) {
      units.fail(`${place}:${j}`, error);
    }
  }
}

function readPartials(task: OpenTask, columns: Partials, offset: number): void {
  const { units, counts } = task;
  const { side, origin, shape, windows } = columns;
  const place = placeOf(task, offset, side);
  for (const { elements } of windows) for (const n of elements) counts.elements += n;
  if (!units.careful) {
    units.enter(place);
    try {
      takerFor(task, columns)(windows);
    } catch (error) {
      units.failSomewhere(error);
    }
    return;
  }
  // Step by step, to find the cell whose merge throws.
  for (const window of windows) {
    const { keys, accumulators, elements } = window;
    for (const [j, key] of keys.entries()) {
      const { startMs, endMs } = spanOf(window, j);
      const unit = `${place}:${startMs}:${key}`;
      const known = units.bad.get(unit);
      if (known !== undefined) {
        if (task.plan.operator.onError === "fail") throw stopped(task, place, known);
        const detail = {
          kind: "partial",
          side,
          origin,
          shape,
          key,
          windowStartMs: startMs,
          windowEndMs: endMs,
          elements: elements[j] as number,
        } as const;
        buryElement(task, unit, { key, value: accumulators[j], timestampMs: startMs, detail }, known);
        continue;
      }
      units.enter(unit);
      try {
        takerFor(task, columns)([sliceOf(window, j, j + 1)]);
      } catch (error) {
        units.fail(unit, error);
      }
    }
  }
}
