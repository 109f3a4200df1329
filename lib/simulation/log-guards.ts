/** Guards of the state log: entries, chunks, parts. */

import { at, type Guard } from "./guard.ts";

const TASK = "runtime/task.ts";
const DECISIONS = "state-log/decisions.ts";
const ITEMS = "state-log/dynamodb-items.ts";
const STATE_LOG = "state-log/dynamodb-state-log.ts";
const OPEN_TASK = "runtime/open-task.ts";
const TO_ENTRY = "runtime/to-entry.ts";
const SNAPSHOT = "runtime/snapshot.ts";
const SEGMENTS = "state-log/segments.ts";

export const LOG_GUARDS: readonly Guard[] = [
  {
    name: "put condition, first lap",
    invariant: "L2",
    without: "two writers store the same number, and the later put replaces the earlier",
    patches: [at(ITEMS, '"attribute_not_exists(#seq)"', '"attribute_not_exists(#seq) OR attribute_exists(#seq)"')],
  },
  {
    name: "put condition, later laps",
    invariant: "L2",
    without: "a slot is overwritten whatever it holds",
    patches: [at(ITEMS, '"#seq = :lapBefore"', '"attribute_exists(#seq) OR #seq = :lapBefore"')],
  },
  {
    name: "a refusal is one's own only by attempt id",
    invariant: "L4",
    without: "any refusal is taken for a success whose reply was lost",
    patches: [
      at(
        DECISIONS,
        "isOwnEntry: (found, entry) => found.sequenceNumber === entry.sequenceNumber && found.attemptId === entry.attemptId",
        "isOwnEntry: () => true",
      ),
    ],
  },
  {
    name: "attempt id fresh for each content",
    invariant: "L4",
    without: "a writer takes another content of its own for the one it puts",
    patches: [
      at(
        TASK,
        "const attemptId = this.#host.newAttemptId();",
        "const attemptId = ((this.#host as { fixed?: string }).fixed ??= this.#host.newAttemptId());",
      ),
    ],
  },
  {
    name: "an entry names the one before it",
    invariant: "L1",
    without: "entries that do not follow each other are read as one log",
    patches: [at(TO_ENTRY, 'previousAttemptId: task.head?.attemptId ?? "",', 'previousAttemptId: "",')],
  },
  {
    name: "slots that were read too early are read again",
    invariant: "L8",
    without: "a log with entries missing is taken for whole",
    patches: [at(DECISIONS, "      missing.push(number);\n      continue;", "      continue;")],
  },
  {
    name: "an entry of another lap is not taken",
    invariant: "L1",
    without: "what an earlier lap left in a slot is applied again",
    patches: [
      at(
        DECISIONS,
        "isEntry: (found, sequenceNumber) => found.sequenceNumber === sequenceNumber",
        "isEntry: () => true",
      ),
    ],
  },
  {
    name: "chunks are read after the log",
    invariant: "L7",
    without: "chunks that are older than the log's base are used",
    patches: [
      at(
        "state-log/workflow.ts",
        "    const read = await readLog(log, task, seen, rules);",
        "    const early = await log.readChunks(task);\n    const read = await readLog(log, task, seen, rules);",
      ),
      at("state-log/workflow.ts", "    const stored = await log.readChunks(task);", "    const stored = early;"),
    ],
  },
  {
    name: "a chunk ahead of the log is no part of it",
    invariant: "L8",
    without: "state of a later entry is mixed with an older log",
    patches: [at(DECISIONS, "isAhead: (chunk, headNumber) => chunk.asOf > headNumber", "isAhead: () => false")],
    redundant: "an entry follows the head that was read, so that whoever appends loses the race and reads again",
  },
  {
    name: "chunks only go forward",
    invariant: "L6",
    without: "a slow writer replaces a chunk by an older one",
    patches: [at(ITEMS, '"attribute_not_exists(#asOf)"', '"attribute_not_exists(#asOf) OR attribute_exists(#asOf)"')],
  },
  {
    name: "as-of of a chunk",
    invariant: "L7",
    without: "entries that a chunk already holds are applied to it again",
    patches: [
      at(
        OPEN_TASK,
        "const accepts = cover.newest >= sequenceNumber ? cover.misses(sequenceNumber) : undefined;",
        'const accepts = undefined as ReturnType<ChunkCover["misses"]> | undefined;',
      ),
    ],
  },
  {
    name: "base only after the chunk was acknowledged",
    invariant: "L6",
    without: "entries are overwritten that no chunk covers yet",
    patches: [
      at(
        SNAPSHOT,
        "await log.putChunk(task.name.full, { range: rangeName(range), asOf: head.sequenceNumber, bytes });",
        "void log.putChunk(task.name.full, { range: rangeName(range), asOf: head.sequenceNumber, bytes }).catch(() => {});",
      ),
    ],
  },
  {
    name: "no entry is overwritten without cover",
    invariant: "L6",
    without: "the ring goes round over entries that nothing else holds",
    patches: [
      at(
        "state/chunk-ledger.ts",
        "waiting.slice(0, Math.min(count, share))",
        "waiting.slice(0, Math.min(count, share, 0))",
      ),
      at(SNAPSHOT, "> RING_SPAN + 1;", "> RING_SLOTS * 1_000;"),
      at(DECISIONS, "base >= sequenceNumber - slots,\n", "base >= sequenceNumber - slots || base >= 0,\n"),
      at(
        SNAPSHOT,
        "  const covered = Math.max(ledger.base((head?.sequenceNumber ?? 0) + 1), head?.covered ?? 0);",
        "  const covered = Math.max(0, head?.covered ?? 0, (head?.sequenceNumber ?? 0) - RING_SLOTS + 1);",
      ),
    ],
  },
  {
    name: "entries leave the ring only when their segment was acknowledged",
    invariant: "L6",
    without: "entries are overwritten that lie nowhere else yet",
    patches: [
      at(
        SNAPSHOT,
        "await log.putChunk(task.name.full, { range, asOf: end, bytes: encodeSegment(kept.upTo(end, head.covered)) });",
        "void log.putChunk(task.name.full, { range, asOf: end, bytes: encodeSegment(kept.upTo(end, head.covered)) }).catch(() => {});",
      ),
    ],
  },
  {
    name: "a segment in use is not overwritten",
    invariant: "L6",
    without: "entries are lost that no chunk covers yet",
    patches: [at(SEGMENTS, "if (covered >= end - places * SEGMENT_ENTRIES)", "if (covered >= 0)")],
  },
  {
    name: "a segment is superfluous when a commit says so",
    invariant: "L6",
    without: "entries are overwritten which the head still demands",
    patches: [at(SNAPSHOT, "placeOf(end, head.covered)", "placeOf(end, restsOn(task).covered)")],
  },
  {
    name: "a log without its segments is not whole",
    invariant: "L8",
    without: "entries are left out whose place was taken again while they were read",
    patches: [
      at(
        SEGMENTS,
        "    if (entry === undefined) return { chunks, entries, isWhole: false, archivedTo: base };\n",
        "    if (entry === undefined) continue;\n",
      ),
    ],
    redundant:
      "whoever took the place has read a later head than the one that was read here, so that an append to this one loses the race, and its writer reads again; it tells of a segment that was taken away",
  },
  {
    name: "segments come before the ring",
    invariant: "L7",
    without: "what entries in the ring changed is changed back",
    patches: [
      at(OPEN_TASK, "  for (const entry of opened.archived) applyEntry(read, entry, cover);\n", ""),
      at(
        OPEN_TASK,
        "  for (const entry of opened.entries) applyEntry(read, entry, cover);\n",
        "  for (const entry of opened.entries) applyEntry(read, entry, cover);\n  for (const entry of opened.archived) applyEntry(read, entry, cover);\n",
      ),
    ],
  },
  {
    name: "chunks touched by others are written too",
    invariant: "L6",
    without: "ranges that another writer touched never get a chunk",
    patches: [at(OPEN_TASK, "  if (!entry.selfContained) ledger.touch(sequenceNumber, touched);", "")],
  },
  {
    name: "a self-contained entry replaces what was before",
    invariant: "L7",
    without: "cells that were removed come back",
    patches: [at(OPEN_TASK, "    state.clear(accepts ?? (() => true));", "")],
  },
  {
    name: "chunks start anew after a self-contained entry",
    invariant: "L7",
    without: "chunks from before the entry speak for what came after it",
    patches: [
      at(OPEN_TASK, "if (entry.selfContained) restartChunks(state, ledger, entry.sequenceNumber);\n  else ", ""),
      at(OPEN_TASK, "    if (!cover.holdsWhole(sequenceNumber)) restartChunks(state, ledger, sequenceNumber);", ""),
    ],
  },
  {
    name: "parts belong to an attempt",
    invariant: "L4",
    without: "whoever loses a race overwrites the parts of the winner",
    patches: [
      at(ITEMS, "{ sequenceNumber, attemptId }: Pick<LogEntry", "{ sequenceNumber }: Pick<LogEntry"),
      at(
        ITEMS,
        'return { task, folder: "entries", number: sequenceNumber, attemptId };',
        'return { task, folder: "entries", number: sequenceNumber, attemptId: "" };',
      ),
    ],
  },
  {
    name: "parts are put before the entry that names them",
    invariant: "L3",
    without: "an entry is there whose changes are not",
    patches: [
      at(
        STATE_LOG,
        "await this.#entryBlobs.put(blob, body);",
        "void this.#entryBlobs.put(blob, body).catch(() => {});",
      ),
    ],
  },
  {
    name: "parts in use are not swept",
    invariant: "L6",
    without: "the parts of entries in the ring are taken away",
    patches: [
      at(STATE_LOG, "sequenceNumber - this.#rules.slots + 1", "sequenceNumber"),
      at(STATE_LOG, "if (!this.#known.hasBelow(blobs, folder, number)) return;", ""),
    ],
  },
  {
    name: "a later layout stops",
    invariant: "layout",
    without: "an old version writes behind a newer one",
    patches: [at(DECISIONS, "isKnownLayout: (entry) => entry.layout <= LAYOUT", "isKnownLayout: () => true")],
  },
  {
    name: "who was overtaken has lost",
    invariant: "L2",
    without: "a lost race is taken for a broken log",
    patches: [
      at(
        DECISIONS,
        "isTaken: (found, sequenceNumber) => found.sequenceNumber >= sequenceNumber",
        "isTaken: () => false",
      ),
    ],
  },
  {
    name: "an entry follows the one that it names",
    invariant: "L1",
    without: "two logs are read as one",
    patches: [
      at(
        DECISIONS,
        "follows: (previous, entry) => entry.previousAttemptId === previous.attemptId",
        "follows: () => true",
      ),
    ],
    redundant: "the put condition keeps no other log; it tells of one that was restored or written by somebody else",
  },
  {
    name: "the first entry follows nothing",
    invariant: "L1",
    without: "a log without its beginning is read as whole",
    patches: [at(DECISIONS, 'isFirst: (entry) => entry.previousAttemptId === ""', "isFirst: () => true")],
    redundant: "the put condition keeps no other log; it tells of one that was truncated",
  },
  {
    name: "base lies before its entry",
    invariant: "L6",
    without: "an entry says that chunks cover it which cannot be there yet",
    patches: [
      at(
        DECISIONS,
        "base >= 0 && (selfContained ? base === sequenceNumber - 1 : base < sequenceNumber)",
        "base >= 0 || selfContained || sequenceNumber > 0",
      ),
    ],
    redundant: "nobody writes another one; it tells of a writer that is not ours",
  },
  {
    name: "what is out of the ring and not covered lies before base",
    invariant: "L6",
    without: "an entry says that chunks cover what still lies in the ring as a difference",
    patches: [
      at(
        DECISIONS,
        "isPossibleCover: ({ covered, base, selfContained }) =>\n      covered >= 0 && (selfContained ? covered === base : covered <= base)",
        "isPossibleCover: () => true",
      ),
    ],
    redundant: "nobody writes another one; it tells of a writer that is not ours",
  },
  {
    name: "base never goes back",
    invariant: "L6",
    without: "a log demands entries that were overwritten",
    patches: [
      at(
        DECISIONS,
        "keepsBase: (previous, entry) => previous.base <= entry.base && previous.covered <= entry.covered",
        "keepsBase: () => true",
      ),
    ],
    redundant: "a writer's base is never below that of the head it read; it tells of a writer that is not ours",
  },
  {
    name: "a log reaches what was seen of it",
    invariant: "L8",
    without: "a log that was truncated while it was read is taken for whole",
    patches: [at(DECISIONS, "reaches: (headNumber, seen) => headNumber >= seen", "reaches: () => true")],
    redundant: "a consistent read shows what was seen before; it tells of a table that was restored meanwhile",
  },
];
