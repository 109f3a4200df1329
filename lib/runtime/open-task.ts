/**
 * A task's state as it is in memory: built from the log, changed by batches, thrown away when a commit does not go through.
 *
 * L7: state = chunks + the entries after them, in order. L8: it is a cache that is never trusted; the conditional append decides.
 */

import { buildChain, type Chain } from "../operators/chain.ts";
import { type Caller, type Counts, noCounts, type TaskTime } from "../operators/step.ts";
import { ChunkLedger } from "../state/chunk-ledger.ts";
import { ChunkCover, levelAfter, parseRangeName } from "../state/chunk-range.ts";
import { KeyedState, type StateChanges } from "../state/keyed-state.ts";
import type { ArchivedEntry } from "../state-log/segments.ts";
import type { LogEntry, StateLog } from "../state-log/state-log.ts";
import { openLog, readTail } from "../state-log/workflow.ts";
import type { FunctionPlan } from "../stream/plan.ts";
import { decompressJson } from "../wire/compress.ts";
import { AuthorCalls } from "./author-calls.ts";
import { Collector } from "./collector.ts";
import { COMMIT_LIMITS, type CommitLimits } from "./commit-limits.ts";
import { KeptLog } from "./kept-log.ts";
import { decodeMeta, newMeta, type TaskMeta } from "./task-meta.ts";
import type { TaskName } from "./task-name.ts";
import { awaitTopics, takeInputs, takeShapes } from "./task-shapes.ts";
import { Units } from "./units.ts";

export type OpenTask = {
  readonly name: TaskName;
  readonly plan: FunctionPlan;
  head: LogEntry | undefined;
  /** L9: the head's outputs are known to be acknowledged, or it has none. */
  settled: boolean;
  meta: TaskMeta;
  readonly state: KeyedState;
  readonly ledger: ChunkLedger;
  readonly kept: KeptLog;
  readonly time: TaskTime;
  readonly counts: Counts;
  readonly calls: AuthorCalls;
  readonly units: Units;
  readonly collector: Collector;
  readonly chain: Chain;
  /** More is due than went into this commit. */
  isFull: boolean;
};

/** The state of a task that keeps no log: as new. */
export function freshTask(
  plan: FunctionPlan,
  name: TaskName,
  recordBytesMax: number,
  limits: CommitLimits = COMMIT_LIMITS,
): OpenTask {
  const state = new KeyedState(maxParallelismOf(plan));
  const log = { state, ledger: new ChunkLedger(), kept: new KeptLog() };
  return assemble(plan, name, recordBytesMax, limits, log, newMetaOf(plan, name), undefined);
}

/** Reads a task's state from its log. */
export async function openTask(
  log: StateLog,
  plan: FunctionPlan,
  name: TaskName,
  recordBytesMax: number,
  limits: CommitLimits = COMMIT_LIMITS,
): Promise<OpenTask> {
  const opened = await openLog(log, name.full);
  if (opened.head === undefined) {
    const task = freshTask(plan, name, recordBytesMax, limits);
    await skipFormerGenerations(log, task.meta);
    return task;
  }
  const chunks = opened.chunks.map((chunk) => ({
    range: parseRangeName(chunk.range),
    asOf: chunk.asOf,
    bytes: chunk.bytes.length,
    content: () => decompressJson(chunk.bytes) as StateChanges,
  }));
  const cover = new ChunkCover(chunks);
  const state = new KeyedState(maxParallelismOf(plan));
  state.level = chunks.reduce(
    (level, { range, bytes, content }) => Math.max(level, levelAfter(range, bytes, content)),
    cover.level,
  );
  for (const { range, asOf, content } of chunks) state.apply(content(), cover.speaks(range, asOf));
  const ledger = new ChunkLedger();
  for (const { range, asOf, bytes } of chunks)
    for (const [prefix, share] of cover.shares(range, asOf, state.level)) ledger.found(prefix, bytes * share);
  const read: LogState = { state, ledger, kept: new KeptLog() };
  for (const entry of opened.archived) applyEntry(read, entry, cover);
  for (const entry of opened.entries) applyEntry(read, entry, cover);
  read.kept.archived(opened.archivedTo);
  return assemble(plan, name, recordBytesMax, limits, read, decodeMeta(opened.head.meta), opened.head);
}

/**
 * A task that begins while its upstream functions are of a later generation than the first: what they sent before they started over, they sent again
 * since. So a whole operator can start over although its shuffles still hold what it sent in its former life.
 */
async function skipFormerGenerations(log: StateLog, { upstream }: TaskMeta): Promise<void> {
  const generations = new Map<string, number>();
  for (const [task, position] of upstream) {
    const functionName = task.slice(0, task.indexOf("/"));
    const generation = generations.get(functionName) ?? (await log.generationOf(functionName));
    generations.set(functionName, generation);
    position.generation = generation;
  }
}

/**
 * Brings an open task up to the head of its log, where that takes little. False: it must be opened anew.
 */
export async function catchUp(log: StateLog, task: OpenTask): Promise<boolean> {
  if (task.head === undefined) return false;
  const tail = await readTail(log, task.name.full, task.head);
  // What others appended was decided on their steps, whose watermarks ours do not know: simplest is to open anew.
  return tail.kind === "current";
}

/** What a task has in memory of its log. */
type LogState = Pick<OpenTask, "state" | "ledger" | "kept">;

function applyEntry(log: LogState, entry: ArchivedEntry, cover: ChunkCover): void {
  const { state, ledger } = log;
  const { sequenceNumber } = entry;
  log.kept.add(entry);
  const accepts = cover.newest >= sequenceNumber ? cover.misses(sequenceNumber) : undefined;
  if (entry.selfContained) {
    state.clear(accepts ?? (() => true));
    // Who wrote the chunk that is due after such an entry may not have been able to say so in a commit.
    if (!cover.holdsWhole(sequenceNumber)) restartChunks(state, ledger, sequenceNumber);
  }
  if (entry.changes.length === 0) return;
  const changes = decompressJson(entry.changes) as StateChanges;
  const touched = state.apply(changes, accepts);
  if (!entry.selfContained) ledger.touch(sequenceNumber, touched);
}

/** An entry that changed these ranges was committed. */
export function noteCommitted(task: OpenTask, entry: LogEntry, ranges: Iterable<number>): void {
  const { state, ledger } = task;
  task.head = entry;
  task.settled = entry.outputs.length === 0;
  task.kept.add(entry);
  if (entry.selfContained) restartChunks(state, ledger, entry.sequenceNumber);
  else ledger.touch(entry.sequenceNumber, ranges);
}

/**
 * Entry `sequenceNumber` is the whole state. Chunks of any level may be left from before it, in ranges that nothing in memory tells of; the next
 * chunk is therefore one for all ranges, newer than each of them.
 */
function restartChunks(state: KeyedState, ledger: ChunkLedger, sequenceNumber: number): void {
  state.level = 0;
  ledger.restart(sequenceNumber, [0]);
}

function assemble(
  plan: FunctionPlan,
  name: TaskName,
  recordBytesMax: number,
  limits: CommitLimits,
  log: LogState,
  meta: TaskMeta,
  head: LogEntry | undefined,
): OpenTask {
  const { state } = log;
  const counts = noCounts();
  const time: TaskTime = { watermarkMs: meta.watermarkMs, nowMs: meta.nowMs };
  const calls = new AuthorCalls();
  const units = new Units(calls);
  const collector = new Collector(plan, name, recordBytesMax, calls.caller);
  const partitionsOf = (topicName: string) =>
    plan.topicOutputs.find(({ topic }) => topic.topicName === topicName)?.partitions ?? 1;
  const chain = buildChain(plan, {
    state,
    time,
    counts,
    guard: units.guard,
    isFull: () => units.results >= limits.resultsMax || collector.bytes >= limits.bytesMax,
    toldMs: (table) => (meta.moving?.told.includes(table) ? meta.moving.toMs : meta.watermarkMs),
    call: calls.caller satisfies Caller,
    scope: units.scope,
    sink: ({ target }) => collector.sink(target, partitionsOf),
    shuffle: (node) => collector.shuffle(node),
    late: (topic) => collector.late(topic, partitionsOf(topic.topicName)),
  });
  takeShapes(name, state, meta, chain);
  takeInputs(name, plan, state, meta);
  awaitTopics(plan, meta);
  return {
    name,
    plan,
    head,
    settled: head === undefined || head.outputs.length === 0,
    meta,
    ...log,
    time,
    counts,
    calls,
    units,
    collector,
    chain,
    isFull: false,
  };
}

/** Functions without a shuffle partition their state by the source's keys; the groups then only serve chunks. */
const DEFAULT_MAX_PARALLELISM = 128;

function maxParallelismOf(plan: FunctionPlan): number {
  return plan.shuffle?.maxParallelism ?? DEFAULT_MAX_PARALLELISM;
}

function newMetaOf(plan: FunctionPlan, name: TaskName): TaskMeta {
  const nodes = plan.sources.find(({ topic }) => topic.topicName === name.topic)?.nodes.length ?? 0;
  return newMeta(plan.shuffle?.upstream ?? [], nodes);
}
