/**
 * The port to the state log: the append-only sequence of commits of a task, in a ring of slots, and the chunks that let it be short.
 * The port offers conditional writes and reads; what a refusal means and when to write what is decided in decisions.ts.
 */

import type { BlobRequests } from "./blob-store.ts";

/** Slots of the ring: an entry n lies in slot n mod N and may be overwritten once chunks cover it. Fixed per layout. */
export const RING_SLOTS = 32;

/** The encoding of entries, chunks and segments that this version writes. Whoever meets a higher one stops. 1 was without segments. */
export const LAYOUT = 2;

/** One commit of a task. */
export type LogEntry = {
  /** 1, 2, 3, … without a gap (L1). */
  readonly sequenceNumber: number;
  /** Fresh for each content (L4). */
  readonly attemptId: string;
  /** The attempt id of entry n − 1; "" for the first (L1). */
  readonly previousAttemptId: string;
  /**
   * Entries up to and including this one are not needed in their slots any more: durable chunks cover them, or segments hold them (L6). Always below
   * sequenceNumber, never lower than the base of the entry before; sequenceNumber − 1 where `selfContained`.
   */
  readonly base: number;
  /** Entries up to and including this one are not needed at all: durable chunks cover them. Those after it, up to `base`, lie in segments. Never goes back. */
  readonly covered: number;
  readonly layout: number;
  /** `changes` is the whole state of the task, not a difference. */
  readonly selfContained: boolean;
  /** Checkpoint, watermark, upstream positions, counters and the rest of what is true of the task as of this entry; always whole. */
  readonly meta: string;
  readonly changes: Uint8Array;
  /** The outbox; empty: nothing to emit, so the entry is settled by nature (L9). */
  readonly outputs: Uint8Array;
  /** When the task wants a tick, epoch milliseconds; null: never. */
  readonly wakeAtMs: number | null;
};

/** A range of a task's state as of one commit, or a segment of its log (segments.ts). */
export type Chunk = {
  /** Names the range, `level-prefix`, or the place of a segment, `log-places-place`. */
  readonly range: string;
  /** The entry whose state it is; it holds everything up to and including it. Of a segment, its last entry. */
  readonly asOf: number;
  readonly bytes: Uint8Array;
};

export type PutEntryResult =
  | { readonly kind: "stored" }
  /** The condition failed; `found` is what the slot holds. */
  | { readonly kind: "refused"; readonly found: LogEntry | undefined };

/** What can be seen of a task without opening it. */
export type TaskHead = {
  readonly task: string;
  readonly sequenceNumber: number;
  readonly wakeAtMs: number | null;
  readonly meta: string;
  readonly entryBytes: number;
  readonly chunkBytes: number;
};

/** What a store charges, in its own units, and the requests to a second one beside it that are paid by number. */
export type StoreUnits = { readonly read: number; readonly write: number; readonly requests?: BlobRequests };

/** A store of state logs. Failures throw MillraceError "state-store" and say nothing about whether a write took effect. */
export interface StateLog {
  /**
   * Puts an entry into its slot. Condition: for sequenceNumber ≤ RING_SLOTS the slot is empty; above, it holds exactly sequenceNumber − RING_SLOTS.
   * Atomic and linearizable per task (L2, L3).
   */
  putEntry(task: string, entry: LogEntry): Promise<PutEntryResult>;
  /** Every slot of the task, in any order, each as of some moment during the call. */
  readEntries(task: string): Promise<readonly LogEntry[]>;
  /** What the slot of `sequenceNumber` holds now, whatever its number is. */
  readSlot(task: string, sequenceNumber: number): Promise<LogEntry | undefined>;
  /** Puts a chunk unless one of the same range with the same or a higher `asOf` is there, which counts as done. Returns when it is durable. */
  putChunk(task: string, chunk: Chunk): Promise<void>;
  readChunks(task: string): Promise<readonly Chunk[]>;
  /** The generation of a function, 0 until one was allotted. */
  generationOf(functionName: string): Promise<number>;
  /** Allots generation `after + 1` if `after` is the current one; returns the current one afterwards, which only grows. */
  allotGeneration(functionName: string, after: number): Promise<number>;
  /** All tasks, by name. */
  tasks(): Promise<readonly TaskHead[]>;
  /** What the store has charged for a task since it was last asked; absent where reads and writes cost nothing. */
  takeUnits?(task: string): StoreUnits;
  close(): Promise<void>;
}
