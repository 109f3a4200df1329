/** A state log behind a network: every request waits for the scheduler, may be lost, answered in vain, or take effect long after its caller gave up. */

import type fc from "fast-check";
import type { Chunk, LogEntry, PutEntryResult, StateLog } from "../../lib/state-log/state-log.ts";
import { MillraceError } from "../../lib/stream/error.ts";

export type Fault = "none" | "lost request" | "lost reply" | "late";

/** What the network needs to know of the log behind it, to read it in pieces. */
export type Pieces = { readonly slots: number; readonly ranges: readonly string[] };

/**
 * The port over `inner`. Writes suffer what `nextFault` says; readings are torn: each slot and each chunk is read at a moment of its own.
 */
export function unreliable(inner: StateLog, scheduler: fc.Scheduler, pieces: Pieces, nextFault: () => Fault): StateLog {
  const travel = (label: string) => scheduler.schedule(Promise.resolve(), label);

  async function write<T>(label: string, call: () => Promise<T>): Promise<T> {
    const fault = nextFault();
    if (fault === "late") {
      // Nobody waits for it: the caller hears of a failure first.
      void travel(`${label}, late`)
        .then(() => travel(label))
        .then(call);
      await travel(`${label} timed out`);
      throw new MillraceError("state-store", "no answer in time");
    }
    await travel(label);
    if (fault === "lost request") {
      throw new MillraceError("state-store", "request lost");
    }
    const result = await call();
    await travel(`${label} answered`);
    if (fault === "lost reply") {
      throw new MillraceError("state-store", "reply lost");
    }
    return result;
  }

  return {
    putEntry: (task: string, entry: LogEntry): Promise<PutEntryResult> =>
      write(`put ${entry.attemptId} at ${entry.sequenceNumber}`, () => inner.putEntry(task, entry)),
    putChunk: (task: string, chunk: Chunk): Promise<void> =>
      write(`chunk ${chunk.range} as of ${chunk.asOf}`, () => inner.putChunk(task, chunk)),
    async readEntries(task: string): Promise<readonly LogEntry[]> {
      const found: LogEntry[] = [];
      for (let slot = 0; slot < pieces.slots; slot += 1) {
        await travel(`read slot ${slot}`);
        const entry = await inner.readSlot(task, slot);
        if (entry !== undefined) found.push(entry);
      }
      return found;
    },
    async readSlot(task: string, sequenceNumber: number): Promise<LogEntry | undefined> {
      await travel(`read slot of ${sequenceNumber}`);
      return inner.readSlot(task, sequenceNumber);
    },
    async readChunks(task: string): Promise<readonly Chunk[]> {
      const found: Chunk[] = [];
      for (const range of pieces.ranges) {
        await travel(`read chunk ${range}`);
        found.push(...(await inner.readChunks(task)).filter((chunk) => chunk.range === range));
      }
      return found;
    },
    generationOf: (functionName) => inner.generationOf(functionName),
    allotGeneration: (functionName, after) => inner.allotGeneration(functionName, after),
    tasks: () => inner.tasks(),
    close: () => inner.close(),
  };
}
