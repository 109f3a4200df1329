/**
 * State logs in memory, for tests and for runs that keep nothing.
 *
 * Invariants:
 * - L2, L3: a put compares and stores without an await between, so it is atomic.
 * - What is stored and what is returned are copies: nobody changes a committed entry.
 */

import { RULES, type Rules } from "./decisions.ts";
import type { Chunk, LogEntry, PutEntryResult, StateLog, TaskHead } from "./state-log.ts";

type TaskState = { readonly slots: Map<number, LogEntry>; readonly chunks: Map<string, Chunk> };

/** A store of state logs that lives as long as the object. */
export class MemoryStateLog implements StateLog {
  readonly #rules: Rules;
  readonly #tasks = new Map<string, TaskState>();
  readonly #generations = new Map<string, number>();

  constructor(rules: Rules = RULES) {
    this.#rules = rules;
  }

  async putEntry(task: string, entry: LogEntry): Promise<PutEntryResult> {
    const { slots } = this.#openTask(task);
    const slot = this.#rules.slotOf(entry.sequenceNumber);
    const found = slots.get(slot);
    if (!this.#rules.slotAccepts(found, entry.sequenceNumber)) {
      return { kind: "refused", found: found === undefined ? undefined : copyEntry(found) };
    }
    slots.set(slot, copyEntry(entry));
    return { kind: "stored" };
  }

  async readEntries(task: string): Promise<readonly LogEntry[]> {
    return [...(this.#tasks.get(task)?.slots.values() ?? [])].map(copyEntry);
  }

  async readSlot(task: string, sequenceNumber: number): Promise<LogEntry | undefined> {
    const found = this.#tasks.get(task)?.slots.get(this.#rules.slotOf(sequenceNumber));
    return found === undefined ? undefined : copyEntry(found);
  }

  async putChunk(task: string, chunk: Chunk): Promise<void> {
    const { chunks } = this.#openTask(task);
    const found = chunks.get(chunk.range);
    if (found === undefined || found.asOf < chunk.asOf) {
      chunks.set(chunk.range, copyChunk(chunk));
    }
  }

  async readChunks(task: string): Promise<readonly Chunk[]> {
    return [...(this.#tasks.get(task)?.chunks.values() ?? [])].map(copyChunk);
  }

  async generationOf(functionName: string): Promise<number> {
    return this.#generations.get(functionName) ?? 0;
  }

  async allotGeneration(functionName: string, after: number): Promise<number> {
    const current = this.#generations.get(functionName) ?? 0;
    if (current !== after) {
      return current;
    }
    this.#generations.set(functionName, after + 1);
    return after + 1;
  }

  async tasks(): Promise<readonly TaskHead[]> {
    const heads: TaskHead[] = [];
    for (const [task, { slots, chunks }] of this.#tasks) {
      let head: LogEntry | undefined;
      let entryBytes = 0;
      for (const entry of slots.values()) {
        entryBytes += Buffer.byteLength(entry.meta) + entry.changes.byteLength + entry.outputs.byteLength;
        head = head === undefined || entry.sequenceNumber > head.sequenceNumber ? entry : head;
      }
      let chunkBytes = 0;
      for (const chunk of chunks.values()) {
        chunkBytes += chunk.bytes.byteLength;
      }
      if (head !== undefined) {
        const { sequenceNumber, wakeAtMs, meta } = head;
        heads.push({ task, sequenceNumber, wakeAtMs, meta, entryBytes, chunkBytes });
      }
    }
    return heads.sort((a, b) => (a.task < b.task ? -1 : 1));
  }

  async close(): Promise<void> {}

  #openTask(task: string): TaskState {
    let state = this.#tasks.get(task);
    if (state === undefined) {
      state = { slots: new Map(), chunks: new Map() };
      this.#tasks.set(task, state);
    }
    return state;
  }
}

function copyEntry(entry: LogEntry): LogEntry {
  return { ...entry, changes: copyBytes(entry.changes), outputs: copyBytes(entry.outputs) };
}

function copyChunk(chunk: Chunk): Chunk {
  return { ...chunk, bytes: copyBytes(chunk.bytes) };
}

/** Not `slice`: a Buffer's shares its memory. */
function copyBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}
