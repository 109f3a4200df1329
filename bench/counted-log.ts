/** A state log in memory that counts the write units that DynamoDB would charge for what is put, were each item by itself. */

import { MemoryStateLog } from "../lib/state-log/memory-state-log.ts";
import type { StateLog } from "../lib/state-log/state-log.ts";

/** Bytes of keys and attributes beside those of an item's content, about. */
const ITEM_BYTES = 150;
const UNIT_BYTES = 1_024;

export type CountedLog = {
  readonly log: StateLog;
  /** What was put since the last call. */
  takeUnits(): { readonly entries: number; readonly chunks: number };
};

export function countedLog(): CountedLog {
  const inner = new MemoryStateLog();
  let units = { entries: 0, chunks: 0 };
  const unitsOf = (bytes: number) => Math.ceil((bytes + ITEM_BYTES) / UNIT_BYTES);
  const log: StateLog = {
    putEntry: (task, entry) => {
      units.entries += unitsOf(entry.meta.length + entry.changes.length + entry.outputs.length);
      return inner.putEntry(task, entry);
    },
    putChunk: (task, chunk) => {
      units.chunks += unitsOf(chunk.bytes.length);
      return inner.putChunk(task, chunk);
    },
    readEntries: (task) => inner.readEntries(task),
    readSlot: (task, sequenceNumber) => inner.readSlot(task, sequenceNumber),
    readChunks: (task) => inner.readChunks(task),
    generationOf: (name) => inner.generationOf(name),
    allotGeneration: (name, after) => inner.allotGeneration(name, after),
    tasks: () => inner.tasks(),
    close: () => inner.close(),
  };
  return {
    log,
    takeUnits: () => {
      const taken = units;
      units = { entries: 0, chunks: 0 };
      return taken;
    },
  };
}
