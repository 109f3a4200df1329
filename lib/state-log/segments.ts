/**
 * Segments: entries that leave the ring before chunks cover them, copied as they are, so that a large state need not be written again each lap.
 *
 *     1 ─── covered ═══════════════ base ═══════ h          covered(h)+1 … base(h)   in segments
 *     in chunks    │ in segments    │ in the ring           base(h)+1 … h            in slots
 *
 * Segment k holds entries up to k · SEGMENT_ENTRIES. It is put like a chunk, as of its last entry, under the name of a place: one of a ring of
 * places that is as long as it must be, and that begins again where what it holds is not needed any more.
 *
 * Invariants:
 * - L6: a place is taken again only when the head that was read says that chunks cover what lies there.
 * - L7: a segment holds what was committed, so that whoever writes it writes the same.
 * - L8: a log of which a needed entry is in no segment is not whole.
 */

import { readVarint, skipVarint, varintBytes, writeVarint } from "../wire/varint.ts";
import { type Chunk, type LogEntry, RING_SLOTS } from "./state-log.ts";

/** Entries of a segment: four segments are a lap. Fixed per layout. */
const SEGMENT_ENTRIES = Math.floor(RING_SLOTS / 4);

/** Rings of places are of 4, 8, 16, … segments; a log that needs a longer one must be covered by chunks first. */
const PLACES_MIN = 4;
const PLACES_MAX = 1_024;

/** So many entries a log may have, with room for commits whose chunks are late. */
export const LOG_ENTRIES_MAX = SEGMENT_ENTRIES * (PLACES_MAX - Math.floor(PLACES_MAX / 8));

/** What is kept of an entry that is out of the ring. */
export type ArchivedEntry = Pick<LogEntry, "sequenceNumber" | "selfContained" | "changes">;

/** Begins the name of each place; ranges of chunks begin with their level. */
const PREFIX = "log-";

/** The last entry of the segment in which `sequenceNumber` lies. */
export function segmentEnd(sequenceNumber: number): number {
  return Math.ceil(sequenceNumber / SEGMENT_ENTRIES) * SEGMENT_ENTRIES;
}

/**
 * Where to put the segment that ends with entry `end`, for who has read a head with this `covered`: in the shortest ring of places in which the one
 * that lay there before is not needed (L6). Undefined: there is no room.
 */
export function placeOf(end: number, covered: number): string | undefined {
  const segment = end / SEGMENT_ENTRIES;
  for (let places = PLACES_MIN; places <= PLACES_MAX; places *= 2)
    if (covered >= end - places * SEGMENT_ENTRIES) return `${PREFIX}${places}-${segment % places}`;
  return undefined;
}

/** Entries that follow each other, up to the end of a segment. */
export function encodeSegment(entries: readonly ArchivedEntry[]): Uint8Array {
  const sizes = entries.map(({ changes, selfContained }) => 2 * changes.length + (selfContained ? 1 : 0));
  const length = entries.reduce((sum, { changes }, i) => sum + varintBytes(sizes[i] as number) + changes.length, 0);
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const [i, { changes }] of entries.entries()) {
    at = writeVarint(bytes, at, sizes[i] as number);
    bytes.set(changes, at);
    at += changes.length;
  }
  return bytes;
}

/** The entries of a segment as of its last one. Throws "format" for bytes that are none. */
export function decodeSegment({ asOf, bytes }: Pick<Chunk, "asOf" | "bytes">): ArchivedEntry[] {
  const read: Omit<ArchivedEntry, "sequenceNumber">[] = [];
  for (let at = 0; at < bytes.length; ) {
    const size = readVarint(bytes, at);
    at = skipVarint(bytes, at);
    const length = Math.floor(size / 2);
    read.push({ selfContained: size % 2 === 1, changes: bytes.subarray(at, at + length) });
    at += length;
  }
  return read.map((entry, i) => ({ ...entry, sequenceNumber: asOf - read.length + 1 + i }));
}

/** What was read of a task beside its ring, taken apart. */
export type Archive = {
  readonly chunks: readonly Chunk[];
  /** covered(h)+1 … base(h), in order. */
  readonly entries: readonly ArchivedEntry[];
  /** False: an entry is missing, since a place was taken again meanwhile, or it was lost. */
  readonly isWhole: boolean;
  /** Entries up to this one need not stay in the ring: a writer that died may have put segments of which no commit tells yet. */
  readonly archivedTo: number;
};

/** Finds the entries that a head needs before those in its ring (L8). */
export function assembleArchive(
  { covered, base }: Pick<LogEntry, "covered" | "base">,
  stored: readonly Chunk[],
): Archive {
  const chunks: Chunk[] = [];
  const found = new Map<number, ArchivedEntry>();
  for (const chunk of stored)
    if (!chunk.range.startsWith(PREFIX)) chunks.push(chunk);
    else if (chunk.asOf > covered) for (const entry of decodeSegment(chunk)) found.set(entry.sequenceNumber, entry);
  const entries: ArchivedEntry[] = [];
  for (let number = covered + 1; number <= base; number += 1) {
    const entry = found.get(number);
    if (entry === undefined) return { chunks, entries, isWhole: false, archivedTo: base };
    entries.push(entry);
  }
  let archivedTo = base;
  while (found.has(archivedTo + 1)) archivedTo += 1;
  return { chunks, entries, isWhole: true, archivedTo };
}
