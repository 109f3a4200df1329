/**
 * Processes a batch or a tick on an open task: changes its state and meta in place, and says what to commit and to send. Deterministic: the same state, input,
 * time and answers give the same bytes. Synchronous but for the rounds of questions that it yields where a step asks the outside (asking.ts).
 */

import type { TakenChanges } from "../state/keyed-state.ts";
import { clockReaches, clockWatermark, isIdle } from "../watermarks/bounded.ts";
import { combine } from "../watermarks/combined.ts";
import { encodeBundles } from "../wire/bundle.ts";
import type { RecordColumns } from "../wire/record-columns.ts";
import { advanceTo, flush, moveClock, nextEventTimeMs, nextProcessingTimeMs } from "./advance.ts";
import { isToBeAnnounced } from "./announce-grids.ts";
import type { Evaluating } from "./asking.ts";
import type { DeadLetter } from "./dead-letter.ts";
import { buryElement } from "./dead-letters.ts";
import { deepFreeze } from "./deep-freeze.ts";
import type { OpenTask } from "./open-task.ts";
import { type OutboxBatch, outputsIn, type RecordsBatch } from "./outbox.ts";
import type { Bundles } from "./prepared-bundles.ts";
import { type Redriven, readLetters } from "./read-letters.ts";
import { readShuffle } from "./read-shuffle.ts";
import { type ReadSettings, readSource, stopped } from "./read-source.ts";
import { periodMs, runPeriodic } from "./source-generators.ts";
import { type SourceTime, sourceTimeOf, sourceWatermark } from "./source-time.ts";
import { encodeGenerators } from "./task-meta.ts";

/** What a task is given. */
export type TaskInput =
  /** Records in order of offset; what is at or below the checkpoint is skipped. */
  | {
      readonly kind: "records";
      readonly stretches: readonly RecordColumns[];
      /** Of a shuffle: the prepared bundles that the records release. */
      readonly bundles: Bundles;
    }
  | {
      readonly kind: "tick";
      /** The partition has no record behind the checkpoint. */
      readonly nothingToRead: boolean;
      /** Nothing readable stands between the checkpoint and here, only markers perhaps; 0 where that is not known. */
      readonly endOffset: number;
      /** Raises a source task's watermark to at least this. */
      readonly watermarkMs: number | undefined;
    }
  /** Nothing new: what the commit before had no room for. */
  | { readonly kind: "rest" }
  /** Dead letters of this task, to be processed again. They move neither checkpoint nor watermark. */
  | { readonly kind: "redrive"; readonly letters: readonly DeadLetter[] };

export type Evaluation = {
  readonly batches: readonly OutboxBatch[];
  readonly taken: TakenChanges;
  readonly wakeAtMs: number | null;
  /** The commit is full: its rest is to be evaluated next, then what is left of the input. */
  readonly isFull: boolean;
  /** Something must be committed. */
  readonly changed: boolean;
  readonly records: number;
  /** Of a redrive: what became of each dead letter. */
  readonly redriven: Redriven;
};

/**
 * Processes `input` at `nowMs` towards commit `sequenceNumber`. undefined: units failed (task.units); the task must be opened anew, given these
 * units, and the input be processed again.
 */
export function* evaluate(
  task: OpenTask,
  input: TaskInput,
  sequenceNumber: number,
  nowMs: number,
  settings: ReadSettings,
): Evaluating<Evaluation | undefined> {
  const { meta, units, counts, collector, plan } = task;
  units.begin();
  collector.careful = units.careful;
  task.calls.caller.freeze = settings.freeze ? deepFreeze : undefined;
  collector.startUnit(sequenceNumber);
  task.isFull = false;
  for (const name of Object.keys(counts) as (keyof typeof counts)[]) counts[name] = 0;
  const { watermarkMs, idle, activeAtMs, checkpoint } = meta;
  const before = { watermarkMs, idle, activeAtMs, checkpoint, generators: encodeGenerators(meta) };

  yield* moveClock(task, nowMs);
  const { records, redriven } = task.isFull ? NOTHING : yield* read(task, input, settings);
  const rest = restOf(task, input);
  if (
    !task.isFull &&
    input.kind !== "redrive" &&
    rest.quiet &&
    rest.followClockBoundMs !== undefined &&
    nextEventTimeMs(task) < Number.POSITIVE_INFINITY
  )
    yield* advanceTo(task, clockWatermark(meta.nowMs, rest.followClockBoundMs));
  yield* flush(task);
  if (units.failed) return undefined;

  for (const { problem, shown, detail } of units.failedResults) {
    if (plan.operator.onError === "fail" && input.kind !== "redrive") throw stopped(task, meta.checkpoint, problem);
    buryElement(task, "timer", { key: null, value: shown, timestampMs: meta.nowMs, detail }, problem);
  }
  const pendingMs = nextEventTimeMs(task);
  // While the clock will soon close something here, there is something to expect from this task.
  const expects = task.isFull ? !meta.idle : rest.followClockBoundMs !== undefined && pendingMs < meta.nowMs + FAR_MS;
  if (input.kind !== "redrive") meta.idle = rest.quiet && !expects;
  const bundles = takeBundles(task, before, settings.recordBytesMax);
  if (bundles === undefined) return undefined;
  const batches: OutboxBatch[] = [
    ...collector.takeRecords(),
    ...bundles,
    ...collector.rows.take(meta.nowMs),
    ...collector.elements.take(meta.nowMs),
  ];
  const taken = task.state.takeChanges();
  countTotals(task, records, batches);
  const moved =
    meta.watermarkMs !== before.watermarkMs ||
    meta.idle !== before.idle ||
    meta.activeAtMs !== before.activeAtMs ||
    encodeGenerators(meta) !== before.generators ||
    // Who passes prepared bundles and nothing else goes past them with the commit that releases them: where he dies before, they are read again.
    (meta.checkpoint !== before.checkpoint && input.kind !== "records");
  return {
    batches,
    taken,
    // Nobody delivers a redrive again: until its outputs are known to be sent, the task asks to be looked after. So it does until all is fired.
    wakeAtMs:
      task.isFull || (input.kind === "redrive" && batches.length > 0)
        ? meta.nowMs
        : wakeAt(task, input, rest, pendingMs),
    isFull: task.isFull,
    changed: task.isFull || records > 0 || moved || batches.length > 0 || Object.keys(taken.changes).length > 0,
    records,
    redriven,
  };
}

type RecordsInput = Extract<TaskInput, { kind: "records" }>;

type Read = { readonly records: number; readonly redriven: Redriven };

const NOTHING: Read = { records: 0, redriven: new Map() };

/** Takes the input, up to where the commit is full. */
function* read(task: OpenTask, input: TaskInput, settings: ReadSettings): Evaluating<Read> {
  const { meta, plan } = task;
  // Or markers that retention takes away would look like records that nobody processed.
  if (input.kind === "tick") meta.checkpoint = Math.max(meta.checkpoint, input.endOffset - 1);
  const records = input.kind === "records" ? yield* readRecords(task, input, settings) : 0;
  const redriven = input.kind === "redrive" ? readLetters(task, input.letters, settings) : NOTHING.redriven;
  if (records > 0 || meta.activeAtMs === Number.NEGATIVE_INFINITY) meta.activeAtMs = meta.nowMs;
  if (plan.shuffle === undefined) {
    const isNew = input.kind === "records" || input.kind === "tick";
    if (isNew && !task.units.failed) runPeriodic(task, restOf(task, input).quiet);
    const toldMs = (input.kind === "tick" ? input.watermarkMs : undefined) ?? Number.NEGATIVE_INFINITY;
    yield* advanceTo(task, Math.max(sourceWatermark(task), toldMs));
  }
  return { records, redriven };
}

/** Reads what lies above the checkpoint; returns how many records that were, without those that count for nobody. */
function* readRecords(
  task: OpenTask,
  { stretches, bundles }: RecordsInput,
  settings: ReadSettings,
): Evaluating<number> {
  let count = 0;
  for (const records of stretches) {
    if (task.isFull) break;
    let from = 0;
    while (from < records.count && (records.offsets[from] as number) <= task.meta.checkpoint) from++;
    if (from === records.count) continue;
    let to = records.count;
    let passed = 0;
    if (task.plan.shuffle === undefined) readSource(task, records, from, settings);
    else ({ to, passed } = yield* readShuffle(task, records, from, bundles, settings.freeze));
    task.meta.checkpoint = records.offsets[to - 1] as number;
    count += to - from - passed;
  }
  return count;
}

/** What waits for a time further off, such as a window of a broken producer's in the year 2100, holds nobody up until then. */
const FAR_MS = 86_400_000;

type Rest = SourceTime & { /** Nothing is expected from any input. */ readonly quiet: boolean };

function restOf(task: OpenTask, input: TaskInput): Rest {
  const { meta, plan } = task;
  if (plan.shuffle !== undefined) {
    const { idle } = combine(meta.upstream.values(), meta.watermarkMs);
    return { quiet: idle, idleAfterMs: undefined, followClockBoundMs: plan.shuffle.followClockBoundMs };
  }
  const time = sourceTimeOf(task);
  const quiet =
    input.kind === "tick" &&
    input.nothingToRead &&
    time.idleAfterMs !== undefined &&
    isIdle(meta.nowMs, meta.activeAtMs, time.idleAfterMs);
  // The rest of a tick says nothing: the tick itself comes again.
  return { ...time, quiet: quiet || (input.kind === "rest" && meta.idle) };
}

/** When the task wants to be looked at although nothing arrives. */
function wakeAt(task: OpenTask, input: TaskInput, rest: Rest, pendingMs: number): number | null {
  const { meta, plan } = task;
  let at = nextProcessingTimeMs(task);
  if (rest.quiet) {
    if (rest.followClockBoundMs !== undefined)
      at = Math.min(at, meta.idle ? pendingMs - FAR_MS + 1 : clockReaches(pendingMs, rest.followClockBoundMs));
  } else if (
    rest.idleAfterMs !== undefined &&
    (plan.shuffleOutputs.length > 0 || task.chain.stateful.some(({ asks }) => asks === undefined))
  ) {
    // A partition that lags is asked again later; what it has to read will come by itself.
    const lags = input.kind === "tick" && !input.nothingToRead;
    at = Math.min(at, (lags ? meta.nowMs : meta.activeAtMs) + rest.idleAfterMs + 1);
  }
  if (plan.shuffle === undefined && !rest.quiet) at = Math.min(at, meta.nowMs + periodMs(task));
  return Number.isFinite(at) ? at : null;
}

/**
 * The bundles of a commit: to partitions that get elements, and to all when the watermark passed what they may wait for or idleness began or ended, so that
 * windows close everywhere. undefined: an element is too large, and the next pass finds out which.
 */
function takeBundles(
  task: OpenTask,
  before: { watermarkMs: number; idle: boolean },
  recordBytesMax: number,
): RecordsBatch[] | undefined {
  const { meta, name, plan } = task;
  const toAll = meta.idle !== before.idle || isToBeAnnounced(plan, meta.announcedMs, meta.watermarkMs);
  if (toAll) meta.announcedMs = meta.watermarkMs;
  if (plan.shuffleOutputs.length === 0) return [];
  const batches: RecordsBatch[] = [];
  for (const { plan: shuffle, columns } of task.collector.takeShuffles()) {
    // A topic that feeds something else of the operator has no say in this shuffle's time.
    if (!shuffle.upstream.includes(name.short)) continue;
    const counters = meta.bundles.get(shuffle.name) ?? new Array<number>(shuffle.partitions).fill(0);
    meta.bundles.set(shuffle.name, counters);
    for (let partition = 0; partition < shuffle.partitions; partition++) {
      const own = columns[partition] ?? [];
      if (own.length === 0 && !toAll) continue;
      const number = (counters[partition] ?? 0) + 1;
      const head = {
        task: name.short,
        generation: name.generation,
        number,
        watermarkMs: meta.watermarkMs,
        idle: meta.idle,
      };
      let bundles: Uint8Array[];
      try {
        bundles = encodeBundles(head, before.watermarkMs, own, recordBytesMax - RECORD_BYTES_SPARE);
      } catch (error) {
        task.units.failSomewhere(error);
        return undefined;
      }
      counters[partition] = number + bundles.length - 1;
      const records = bundles.map((value) => ({ key: null, value, timestampMs: meta.nowMs, headers: [] }));
      batches.push({ kind: "sealed", topic: shuffle.name, partition, records, bundles: head });
    }
  }
  return batches;
}

/** Room for what a broker adds to a record. */
const RECORD_BYTES_SPARE = 256;

function countTotals(task: OpenTask, records: number, batches: readonly OutboxBatch[]): void {
  const { totals } = task.meta;
  for (const [name, n] of Object.entries(task.counts) as [keyof typeof task.counts, number][]) totals[name] += n;
  totals.records += records;
  for (const batch of batches) totals.outputs += outputsIn(batch);
}
