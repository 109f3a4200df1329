/**
 * Snapshots of a task by chunks, a few a commit, segments of its log where it is longer than the ring, and entries that carry the whole state while it is small.
 *
 * L6: a chunk counts only after its put was acknowledged, and so does a segment.
 */

import { levelAfter, rangeName } from "../state/chunk-range.ts";
import type { KeyedState } from "../state/keyed-state.ts";
import { encodeSegment, placeOf, segmentEnd } from "../state-log/segments.ts";
import { type LogEntry, RING_SLOTS, type StateLog } from "../state-log/state-log.ts";
import { compressJson } from "../wire/compress.ts";
import { RING_SPAN } from "./kept-log.ts";
import type { OpenTask } from "./open-task.ts";

/** More cells are not even tried to fit into an entry. */
const SELF_CONTAINED_CELLS_MAX = 256;

/** A whole state of at most this many bytes goes into the entry, or one not much larger than the difference. */
const SELF_CONTAINED_BYTES = 1_024;

/** The whole state, where it is small enough to go into the entry instead of `changesBytes` of changes. */
export function selfContained(state: KeyedState, changesBytes: number): Uint8Array | undefined {
  if (state.size > SELF_CONTAINED_CELLS_MAX) return undefined;
  const whole = compressJson(state.encode());
  return whole.length <= SELF_CONTAINED_BYTES || whole.length <= changesBytes * 1.25 ? whole : undefined;
}

/** Whether the next entries would overwrite some that no chunk covers and no segment holds. */
export function isRingNearlyFull(task: OpenTask): boolean {
  return task.head !== undefined && task.head.sequenceNumber - restsOn(task).base > RING_SPAN + 1;
}

/** What the entry after the head rests on (L6). */
export function restsOn({ head, ledger, kept }: OpenTask): Pick<LogEntry, "base" | "covered"> {
  const covered = Math.max(ledger.base((head?.sequenceNumber ?? 0) + 1), head?.covered ?? 0);
  return { covered, base: Math.max(covered, kept.archivedTo, head?.base ?? 0) };
}

/** Writes what is due after the head was committed: chunks, and segments of what they do not cover and the ring has no room for. */
export async function writeChunks(log: StateLog, task: OpenTask): Promise<void> {
  const { head, state, ledger, kept } = task;
  if (head === undefined || head.selfContained) return;
  const { sequenceNumber } = head;
  const span = kept.span(ledger.chunkBytes, restsOn(task).covered);
  let level = await writeRanges(log, task, head, ledger.due(sequenceNumber, span, RING_SLOTS));
  while (isRingNearlyFull(task)) {
    const end = segmentEnd(restsOn(task).base + 1);
    // L6: what the head says, not what has been covered since, which nobody else can know yet.
    const range = placeOf(end, head.covered);
    if (range === undefined) {
      level = Math.max(level, await writeRanges(log, task, head, ledger.needing(end)));
      continue;
    }
    await log.putChunk(task.name.full, { range, asOf: end, bytes: encodeSegment(kept.upTo(end, head.covered)) });
    kept.archived(end);
  }
  if (level === state.level) return;
  ledger.split(level - state.level);
  state.level = level;
}

/** Writes the chunks of these ranges as of the head; returns the level from which on the state is to be split. */
async function writeRanges(
  log: StateLog,
  task: OpenTask,
  head: LogEntry,
  prefixes: readonly number[],
): Promise<number> {
  const { state, ledger } = task;
  const { level } = state;
  let finer = level;
  for (const prefix of prefixes) {
    const range = { level, prefix };
    const content = state.encode(prefix);
    const bytes = compressJson(content);
    await log.putChunk(task.name.full, { range: rangeName(range), asOf: head.sequenceNumber, bytes });
    ledger.wrote(prefix, bytes.length);
    finer = Math.max(
      finer,
      levelAfter(range, bytes.length, () => content),
    );
  }
  return finer;
}
