/**
 * Opens, follows and extends a state log: the decisions, carried out over the port.
 *
 * Invariants:
 * - L2, L4: an append ends as won or lost only on the word of the log; without one it repeats the same put, then throws.
 * - L7: chunks and segments are read after the log, so every chunk is of the head's state or earlier, or the log is read again.
 * - L8: what is returned was complete at one moment; a reader who was overtaken starts again.
 */

import assert from "node:assert/strict";

import { MillraceError } from "../stream/error.ts";
import {
  type Assembly,
  assembleLog,
  findChunkAhead,
  judgeRefusal,
  judgeTail,
  mayAppend,
  RULES,
  type Rules,
  type Stop,
} from "./decisions.ts";
import { type ArchivedEntry, assembleArchive } from "./segments.ts";
import { type Chunk, LAYOUT, type LogEntry, type StateLog } from "./state-log.ts";

/** How often `openLog` reads everything again because writers overtook it. */
export const OPEN_RESTARTS_MAX = 8;

/** How many entries `readTail` fetches one by one; somebody further behind reads the whole ring at once. */
export const TAIL_READS_MAX = 8;

/** How often `append` puts the same entry when the store fails without an answer. */
export const APPEND_ATTEMPTS_MAX = 3;

/** A task's state as of `head`: to each chunk apply the entries above its asOf, `archived` and then `entries`, in order. */
export type OpenedLog = {
  /** undefined: nothing was ever committed. */
  readonly head: LogEntry | undefined;
  /**
   * covered(h)+1 … base(h) in order, from segments. Only the first of these, or where there are none the first of `entries`, can be self-contained: then it
   * replaces all that chunks hold of earlier entries.
   */
  readonly archived: readonly ArchivedEntry[];
  /** base(h), or the end of the last segment that is there for who goes on. */
  readonly archivedTo: number;
  /** base(h)+1 … h in order. */
  readonly entries: readonly LogEntry[];
  /** None where h is self-contained: what the store still holds is from before. */
  readonly chunks: readonly Chunk[];
};

/**
 * Reads a task's log and then its chunks, as of one head.
 * Throws "conflict" when writers overtook it too often, "state-broken" when entries are lost, "state-unusable" for a newer layout.
 */
export async function openLog(log: StateLog, task: string, rules: Rules = RULES): Promise<OpenedLog> {
  let seen = 0;
  let lacking: number | undefined;
  for (let restart = 0; restart <= OPEN_RESTARTS_MAX; restart += 1) {
    const read = await readLog(log, task, seen, rules);
    if (read.kind === "start-again") {
      seen = read.seen;
      continue;
    }
    const head = read.kind === "empty" ? undefined : read.head;
    const entries = read.kind === "empty" ? [] : read.entries;
    if (head?.selfContained) {
      return { head, archived: [], archivedTo: head.base, entries, chunks: [] };
    }
    // An empty log is checked too: chunks without a log are what a lost log leaves behind.
    const stored = await log.readChunks(task);
    const { sequenceNumber, covered, base } = head ?? NOTHING;
    const ahead = findChunkAhead(stored, sequenceNumber, rules);
    if (ahead !== undefined) {
      seen = ahead;
      continue;
    }
    const { chunks, entries: archived, isWhole, archivedTo } = assembleArchive({ covered, base }, stored);
    if (isWhole) {
      return { head, archived, archivedTo, entries, chunks };
    }
    // A place is only taken again when a committed entry says that what lay there is not needed.
    if (lacking === covered) {
      throw toError(task, { kind: "broken", reason: `lacks entries between ${covered} and ${base}` });
    }
    lacking = covered;
    seen = sequenceNumber;
  }
  throw new MillraceError(
    "conflict",
    `The state log of ${task} was overtaken by its writers ${OPEN_RESTARTS_MAX + 1} times while it was read; the batch will be delivered again.`,
  );
}

const NOTHING = { sequenceNumber: 0, covered: 0, base: 0 };

type ReadLog = Extract<Assembly, { kind: "empty" | "complete" | "start-again" }>;

/** Reads the slots, and those once more that were read too early. */
async function readLog(log: StateLog, task: string, seen: number, rules: Rules): Promise<ReadLog> {
  const slots = await log.readEntries(task);
  const first = assembleLog(slots, new Map(), seen, rules);
  if (first.kind !== "read-slots") {
    return expectRead(task, first);
  }
  const again = new Map<number, LogEntry | undefined>();
  for (const number of first.sequenceNumbers) {
    again.set(number, await log.readSlot(task, number));
  }
  return expectRead(task, assembleLog(slots, again, seen, rules));
}

function expectRead(task: string, assembly: Assembly): ReadLog {
  switch (assembly.kind) {
    case "empty":
    case "complete":
    case "start-again":
      return assembly;
    case "read-slots":
      throw new assert.AssertionError({ message: `slots ${assembly.sequenceNumbers.join(", ")} were read again` });
    case "broken":
    case "unknown-layout":
      throw toError(task, assembly);
    default:
      return assembly satisfies never;
  }
}

export type ReadTail =
  | { readonly kind: "current" }
  /** What was appended after the head that the reader knows, in order and up to the head there is; a self-contained entry replaces all before it. */
  | { readonly kind: "behind"; readonly entries: readonly LogEntry[] }
  /** Too far behind: use `openLog`. */
  | { readonly kind: "reload" };

/**
 * What a reader who knows everything up to `head` has missed; one small read where it is nothing.
 * Throws "state-broken" when `head` is not in the log's past, "state-unusable" for a newer layout.
 */
export async function readTail(log: StateLog, task: string, head: LogEntry, rules: Rules = RULES): Promise<ReadTail> {
  const entries: LogEntry[] = [];
  let last = head;
  for (let read = 0; read < TAIL_READS_MAX; read += 1) {
    const tail = judgeTail(last, await log.readSlot(task, last.sequenceNumber + 1), rules);
    switch (tail.kind) {
      case "current":
        return entries.length === 0 ? { kind: "current" } : { kind: "behind", entries };
      case "next":
        last = tail.entry;
        entries.push(last);
        break;
      case "reload":
        return { kind: "reload" };
      case "broken":
      case "unknown-layout":
        throw toError(task, tail);
      default:
        tail satisfies never;
    }
  }
  return { kind: "reload" };
}

export type Appended =
  | { readonly kind: "won" }
  /** Somebody else's entry has the number, or the log has gone on past it. Reload and decide afresh; never put this entry again. */
  | { readonly kind: "lost"; readonly winner: LogEntry };

/**
 * Appends an entry whose predecessor the caller has seen in the log, whose outputs it knows to be acknowledged (L9), and whose
 * `base` durable chunks cover. Safe to repeat with the same entry.
 * Throws "state-broken" when entries are lost, "state-unusable" for a newer layout, and "state-store" when no attempt was
 * answered: then the entry may be committed or may still become so; only the log can tell.
 */
export async function append(log: StateLog, task: string, entry: LogEntry, rules: Rules = RULES): Promise<Appended> {
  assert(mayAppend(entry.sequenceNumber, entry.base, rules), "L6: chunks must cover the entry that is overwritten");
  assert(
    rules.isPossibleBase(entry) && rules.isPossibleCover(entry),
    "L6: base must lie before the entry, directly before it where it is self-contained, and what is covered not after it",
  );
  for (let attempt = 1; ; attempt += 1) {
    try {
      const result = await log.putEntry(task, entry);
      return result.kind === "stored" ? { kind: "won" } : expectAppended(task, entry, result.found, rules);
    } catch (error) {
      if (!isStoreFailure(error) || attempt >= APPEND_ATTEMPTS_MAX) {
        throw error;
      }
    }
  }
}

function expectAppended(task: string, entry: LogEntry, found: LogEntry | undefined, rules: Rules): Appended {
  const refusal = judgeRefusal(entry, found, rules);
  switch (refusal.kind) {
    case "won":
    case "lost":
      return refusal;
    case "broken":
    case "unknown-layout":
      throw toError(task, refusal);
    default:
      return refusal satisfies never;
  }
}

/** Only the store's own failures are worth a repeat: what else is thrown is not about this put. */
function isStoreFailure(error: unknown): boolean {
  return error instanceof MillraceError && error.code === "state-store";
}

function toError(task: string, stop: Stop): MillraceError {
  switch (stop.kind) {
    case "broken":
      return new MillraceError(
        "state-broken",
        `The state log of ${task} ${stop.reason}. It was truncated, restored from a backup or written by something else. Nothing was changed; start the function in a new generation, or restore the whole store.`,
      );
    case "unknown-layout":
      return new MillraceError(
        "state-unusable",
        `Entry ${stop.entry.sequenceNumber} of the state log of ${task} has layout ${stop.entry.layout}, and this version of Millrace knows layouts up to ${LAYOUT}. Run the version that wrote it.`,
      );
    default:
      return stop satisfies never;
  }
}
