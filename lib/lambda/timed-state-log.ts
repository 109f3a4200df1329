/** A state log that tells how long its commits took. */

import type { StateLog } from "../state-log/state-log.ts";

/** `onPut` is told the milliseconds of each entry that was put, or refused. */
export function timedStateLog(log: StateLog, now: () => number, onPut: (ms: number) => void): StateLog {
  const { takeUnits } = log;
  return {
    async putEntry(task, entry) {
      const startedAtMs = now();
      const result = await log.putEntry(task, entry);
      onPut(now() - startedAtMs);
      return result;
    },
    readEntries: (task) => log.readEntries(task),
    readSlot: (task, sequenceNumber) => log.readSlot(task, sequenceNumber),
    putChunk: (task, chunk) => log.putChunk(task, chunk),
    readChunks: (task) => log.readChunks(task),
    generationOf: (functionName) => log.generationOf(functionName),
    allotGeneration: (functionName, after) => log.allotGeneration(functionName, after),
    tasks: () => log.tasks(),
    ...(takeUnits !== undefined && { takeUnits: (task: string) => takeUnits.call(log, task) }),
    close: () => log.close(),
  };
}
