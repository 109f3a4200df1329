/**
 * What the rules of the state log decide, apart from all I/O: may I append, what does a refusal mean, is this the whole log.
 *
 * Slots of a ring of four (RING_SLOTS in truth) with the head at 6, and the same entries in time:
 *
 *     slot    0   1   2   3             append 7: slot 3 must hold exactly 7 − 4 = 3 (L2),
 *     holds   4   5   6   3             and chunks must cover 3: base ≥ 3 (L6)
 *                     ↑
 *                     h = 6, base(h) = 3
 *
 *     1 ─── 2 ─── 3 ═══ 4 ═══ 5 ═══ 6 · · · 7
 *     covered by  │ base(h)+1 … h,  │       found in h's place by a reader who was slow: newer, start again;
 *     chunks      │ read from slots │       found 2 where 6 belongs: older, the slot was read before 6 came, read it again
 *
 * Invariants:
 * - L1: the entries of an assembled log are consecutive, and each names the attempt before it.
 * - L2: a number is appended only where exactly the entry one lap earlier lies, so one put of each number succeeds.
 * - L4: a refusal by one's own attempt is a success whose reply was lost.
 * - L6: an entry is overwritten only when durable chunks cover it, or a self-contained entry after it.
 * - L8: what is not complete is never returned; what cannot have come from the rules is called broken.
 */

import { type Chunk, LAYOUT, type LogEntry, RING_SLOTS } from "./state-log.ts";

/** The clauses that everything below is made of, one promise each. Tests run other rings, and switch clauses off one at a time. */
export interface Rules {
  readonly slots: number;
  /** The slot in which an entry lies. */
  slotOf(sequenceNumber: number): number;
  /** L2: the number that the slot must hold for `sequenceNumber` to be put there; undefined: the slot must be empty. */
  requiredInSlot(sequenceNumber: number): number | undefined;
  /** L2: the put condition. */
  slotAccepts(found: LogEntry | undefined, sequenceNumber: number): boolean;
  /** L4: what refused the put is the put itself, repeated. */
  isOwnEntry(found: LogEntry, entry: LogEntry): boolean;
  /** L2: somebody else has the number, or the log has gone on past it. */
  isTaken(found: LogEntry, sequenceNumber: number): boolean;
  /** L6: chunks cover the entry that `sequenceNumber` overwrites, if there is one. */
  coversOverwritten(sequenceNumber: number, base: number): boolean;
  /** L6: chunks can only cover what was committed before; a self-contained entry makes all of it superfluous. */
  isPossibleBase(entry: LogEntry): boolean;
  /** L6: what is out of the ring and not covered lies in segments. */
  isPossibleCover(entry: LogEntry): boolean;
  /** L6: `base` and `covered` never go back. */
  keepsBase(previous: LogEntry, entry: LogEntry): boolean;
  /** L1: the slot holds the entry that belongs there, not one of another lap. */
  isEntry(found: LogEntry, sequenceNumber: number): boolean;
  /** L1: `entry` was appended to `previous`. */
  follows(previous: LogEntry, entry: LogEntry): boolean;
  /** L1: the first entry follows nothing. */
  isFirst(entry: LogEntry): boolean;
  /** L8: a chunk of a state later than the head: the log that was read is old. */
  isAhead(chunk: Chunk, headNumber: number): boolean;
  /** L8: a log that was read after `seen` was known to be committed cannot end before it. */
  reaches(headNumber: number, seen: number): boolean;
  /** Written by this version or an earlier one. */
  isKnownLayout(entry: LogEntry): boolean;
}

/** The rules of a ring with this many slots, at least one. */
export function rulesOf(slots: number): Rules {
  const requiredInSlot = (sequenceNumber: number): number | undefined =>
    sequenceNumber <= slots ? undefined : sequenceNumber - slots;
  return {
    slots,
    slotOf: (sequenceNumber) => sequenceNumber % slots,
    requiredInSlot,
    slotAccepts: (found, sequenceNumber) => found?.sequenceNumber === requiredInSlot(sequenceNumber),
    isOwnEntry: (found, entry) => found.sequenceNumber === entry.sequenceNumber && found.attemptId === entry.attemptId,
    isTaken: (found, sequenceNumber) => found.sequenceNumber >= sequenceNumber,
    coversOverwritten: (sequenceNumber, base) => base >= sequenceNumber - slots,
    isPossibleBase: ({ base, sequenceNumber, selfContained }) =>
      base >= 0 && (selfContained ? base === sequenceNumber - 1 : base < sequenceNumber),
    isPossibleCover: ({ covered, base, selfContained }) =>
      covered >= 0 && (selfContained ? covered === base : covered <= base),
    keepsBase: (previous, entry) => previous.base <= entry.base && previous.covered <= entry.covered,
    isEntry: (found, sequenceNumber) => found.sequenceNumber === sequenceNumber,
    follows: (previous, entry) => entry.previousAttemptId === previous.attemptId,
    isFirst: (entry) => entry.previousAttemptId === "",
    isAhead: (chunk, headNumber) => chunk.asOf > headNumber,
    reaches: (headNumber, seen) => headNumber >= seen,
    isKnownLayout: (entry) => entry.layout <= LAYOUT,
  };
}

/** The rules of every log that is kept. */
export const RULES: Rules = rulesOf(RING_SLOTS);

/** Why nobody may go on with this log. `reason` follows "the state log of … ". */
export type Stop =
  | { readonly kind: "broken"; readonly reason: string }
  | { readonly kind: "unknown-layout"; readonly entry: LogEntry };

const broken = (reason: string): Stop => ({ kind: "broken", reason });

/** L6: whether the entry may be put at all, given what chunks cover. If not: write chunks as of the head first. */
export function mayAppend(sequenceNumber: number, base: number, rules: Rules = RULES): boolean {
  return rules.coversOverwritten(sequenceNumber, base);
}

export type Refusal =
  | { readonly kind: "won" }
  /** `winner` has the same number or, when the log has gone round since, a higher one. */
  | { readonly kind: "lost"; readonly winner: LogEntry }
  | Stop;

/** What it means that the slot refused `entry` and holds `found`. */
export function judgeRefusal(entry: LogEntry, found: LogEntry | undefined, rules: Rules = RULES): Refusal {
  const { sequenceNumber } = entry;
  if (found !== undefined && rules.isOwnEntry(found, entry)) {
    return { kind: "won" };
  }
  if (found !== undefined && !rules.isKnownLayout(found)) {
    return { kind: "unknown-layout", entry: found };
  }
  if (found !== undefined && rules.isTaken(found, sequenceNumber)) {
    return { kind: "lost", winner: found };
  }
  // Whoever appends n has seen n − 1 committed, so every slot has been filled up to it.
  const holds = found === undefined ? "is empty" : `holds entry ${found.sequenceNumber}`;
  return broken(
    `has lost entries: the slot for entry ${sequenceNumber} ${holds}, which is older than what was read before`,
  );
}

export type Assembly =
  /** Nothing was ever committed. */
  | { readonly kind: "empty" }
  /** `entries` are base(h)+1 … h in order, of which only the first can be self-contained: the base follows it. */
  | { readonly kind: "complete"; readonly head: LogEntry; readonly entries: readonly LogEntry[] }
  /** These slots were older than the head demands: read each once more. */
  | { readonly kind: "read-slots"; readonly sequenceNumbers: readonly number[] }
  /** The ring has moved on: read all of it again; what comes must reach `seen`. */
  | { readonly kind: "start-again"; readonly seen: number }
  | Stop;

/**
 * Makes a log of the slots that one reading returned, each as of a moment of its own.
 *
 * @param slots what the reading returned, in any order
 * @param again what slots held that were read once more, after the reading, by the number that belongs there
 * @param seen an entry known to have been committed before the reading began, 0 for none
 */
export function assembleLog(
  slots: readonly LogEntry[],
  again: ReadonlyMap<number, LogEntry | undefined>,
  seen: number,
  rules: Rules = RULES,
): Assembly {
  const bySlot = new Map<number, LogEntry>();
  let head: LogEntry | undefined;
  for (const entry of slots) {
    if (!rules.isKnownLayout(entry)) {
      return { kind: "unknown-layout", entry };
    }
    bySlot.set(rules.slotOf(entry.sequenceNumber), entry);
    if (head === undefined || entry.sequenceNumber > head.sequenceNumber) {
      head = entry;
    }
  }
  const headNumber = head?.sequenceNumber ?? 0;
  if (!rules.reaches(headNumber, seen)) {
    return broken(`ends at entry ${headNumber}, although entry ${seen} was committed`);
  }
  if (head === undefined) {
    return { kind: "empty" };
  }
  if (!rules.isPossibleBase(head) || !rules.isPossibleCover(head) || !rules.coversOverwritten(headNumber, head.base)) {
    return broken(`has an entry ${headNumber} that rests on entry ${head.base}, which no log allows`);
  }

  const entries: LogEntry[] = [];
  const missing: number[] = [];
  for (let number = head.base + 1; number <= headNumber; number += 1) {
    const found = bySlot.get(rules.slotOf(number));
    if (found !== undefined && rules.isEntry(found, number)) {
      entries.push(found);
      continue;
    }
    if (!again.has(number)) {
      missing.push(number);
      continue;
    }
    const later = again.get(number);
    if (later !== undefined && !rules.isKnownLayout(later)) {
      return { kind: "unknown-layout", entry: later };
    }
    if (later !== undefined && rules.isEntry(later, number)) {
      entries.push(later);
    } else if (later !== undefined && rules.isTaken(later, number)) {
      return { kind: "start-again", seen: later.sequenceNumber };
    } else {
      return broken(`does not hold entry ${number}, which entry ${headNumber} needs`);
    }
  }
  if (missing.length > 0) {
    return { kind: "read-slots", sequenceNumbers: missing };
  }
  return findBreak(entries, rules) ?? { kind: "complete", head, entries };
}

/** The first place where consecutive entries do not belong together. */
function findBreak(entries: readonly LogEntry[], rules: Rules): Stop | undefined {
  let previous: LogEntry | undefined;
  for (const entry of entries) {
    const stop = previous === undefined ? judgeStart(entry, rules) : judgeLink(previous, entry, rules);
    if (stop !== undefined) {
      return stop;
    }
    previous = entry;
  }
  return undefined;
}

function judgeStart(entry: LogEntry, rules: Rules): Stop | undefined {
  return entry.sequenceNumber > 1 || rules.isFirst(entry)
    ? undefined
    : broken("has a first entry that follows another");
}

function judgeLink(previous: LogEntry, entry: LogEntry, rules: Rules): Stop | undefined {
  if (!rules.follows(previous, entry)) {
    return broken(`has an entry ${entry.sequenceNumber} that does not follow its entry ${previous.sequenceNumber}`);
  }
  if (!rules.keepsBase(previous, entry)) {
    return broken(`goes back from base ${previous.base} to ${entry.base} at entry ${entry.sequenceNumber}`);
  }
  return undefined;
}

/** The latest state among chunks that were read after a log which ends at `headNumber`, if the log is too old for them. */
export function findChunkAhead(chunks: readonly Chunk[], headNumber: number, rules: Rules = RULES): number | undefined {
  let ahead: number | undefined;
  for (const chunk of chunks) {
    if (rules.isAhead(chunk, headNumber) && (ahead === undefined || chunk.asOf > ahead)) {
      ahead = chunk.asOf;
    }
  }
  return ahead;
}

export type Tail =
  /** `head` is the head. */
  | { readonly kind: "current" }
  /** The entry after `head`: apply it and look for the one after that. */
  | { readonly kind: "next"; readonly entry: LogEntry }
  /** The ring has gone round: what lies between is gone from the slots. */
  | { readonly kind: "reload" }
  | Stop;

/** What the slot of the entry after `head` says of a reader who knows everything up to `head`. */
export function judgeTail(head: LogEntry, found: LogEntry | undefined, rules: Rules = RULES): Tail {
  const next = head.sequenceNumber + 1;
  if (found !== undefined && !rules.isKnownLayout(found)) {
    return { kind: "unknown-layout", entry: found };
  }
  if (found !== undefined && rules.isEntry(found, next)) {
    return judgeLink(head, found, rules) ?? { kind: "next", entry: found };
  }
  if (found !== undefined && rules.isTaken(found, next)) {
    return { kind: "reload" };
  }
  // With `head` committed the slot holds the entry one lap before the next, or nothing in the first lap.
  if (rules.slotAccepts(found, next)) {
    return { kind: "current" };
  }
  const holds = found === undefined ? "is empty" : `holds entry ${found.sequenceNumber}`;
  return broken(`has lost entries: after entry ${head.sequenceNumber}, the slot of the next one ${holds}`);
}
