/**
 * Snapshots of a task by chunks, a few a commit, and entries that carry the whole state while it is small.
 *
 * L6: a chunk counts only after its put was acknowledged.
 */

import { levelAfter, rangeName } from "../state/chunk-range.ts";
import type { KeyedState } from "../state/keyed-state.ts";
import { RING_SLOTS, type StateLog } from "../state-log/state-log.ts";
import { compressJson } from "../wire/compress.ts";
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

/** Whether the next entries would overwrite some that no chunk covers. */
export function isRingNearlyFull({ head, ledger }: OpenTask): boolean {
  return head !== undefined && head.sequenceNumber - ledger.base(head.sequenceNumber) >= RING_SLOTS - 4;
}

/** Writes the chunks that are due after the head was committed. */
export async function writeChunks(log: StateLog, task: OpenTask): Promise<void> {
  const { head, state, ledger } = task;
  if (head === undefined || head.selfContained) return;
  const { level } = state;
  let finer = level;
  for (const prefix of ledger.due(head.sequenceNumber, RING_SLOTS)) {
    const range = { level, prefix };
    const content = state.encode(prefix);
    const bytes = compressJson(content);
    await log.putChunk(task.name.full, { range: rangeName(range), asOf: head.sequenceNumber, bytes });
    ledger.wrote(prefix);
    finer = Math.max(
      finer,
      levelAfter(range, bytes.length, () => content),
    );
  }
  if (finer === level) return;
  state.level = finer;
  ledger.split(finer - level);
}
