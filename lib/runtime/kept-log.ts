/**
 * The entries of a task that no chunk covers yet, as far as its writer must know them: the bytes of those in the ring, which segments are made of, and how
 * large all are.
 */

import { type ArchivedEntry, LOG_ENTRIES_MAX } from "../state-log/segments.ts";
import { RING_SLOTS } from "../state-log/state-log.ts";

/**
 * Chunks that the ring alone has room for are written so often that each is at most so many entries behind. What is left is for the commits of who dies
 * before he has written his.
 */
export const RING_SPAN = RING_SLOTS - Math.ceil(RING_SLOTS / 8) - 2;

/** Below this a longer log gains nothing: writing the chunks once a lap costs less than the segments, and chunks once in a longer while. */
const LONG_SPAN_MIN = 2 * RING_SLOTS;

/** What an entry costs whoever opens the task, beside its bytes. */
const ENTRY_BYTES = 256;

/** How large a long log becomes, of what the chunks are: the larger it is, the less is written, and the longer it takes to open a task. */
const LOG_OF_CHUNKS = 1 / 2;

export class KeptLog {
  /** The entries after `archivedTo`. */
  #entries: ArchivedEntry[] = [];
  /** What each entry that is needed costs whoever opens the task, the oldest first, and all together. */
  #costs: number[] = [];
  #cost = 0;
  #last = 0;
  /** Entries up to this one lie in segments, or are not needed. */
  archivedTo = 0;

  /** An entry was committed, or read. */
  add({ sequenceNumber, selfContained, changes }: ArchivedEntry): void {
    if (selfContained) {
      this.#costs = [];
      this.#cost = 0;
      this.archived(sequenceNumber - 1);
    }
    if (sequenceNumber > this.archivedTo) this.#entries.push({ sequenceNumber, selfContained, changes });
    const cost = changes.length + ENTRY_BYTES;
    this.#costs.push(cost);
    this.#cost += cost;
    this.#last = sequenceNumber;
  }

  /** Entries up to this one are durable outside of the ring. Only then (L6). */
  archived(to: number): void {
    this.archivedTo = Math.max(this.archivedTo, to);
    this.#entries = this.#entries.filter(({ sequenceNumber }) => sequenceNumber > this.archivedTo);
  }

  /** The entries above `covered` for the segment that ends with `end`. */
  upTo(end: number, covered: number): ArchivedEntry[] {
    return this.#entries.filter(({ sequenceNumber }) => sequenceNumber > covered && sequenceNumber <= end);
  }

  /**
   * How many entries may follow a chunk before it is written again, where the chunks have so many bytes and cover all entries up to `covered`: what a ring has
   * room for, or so many that the log stays in proportion to the chunks. So of a batch's changes a multiple is written, whatever is kept beside it.
   */
  span(chunkBytes: number, covered: number): number {
    for (const cost of this.#costs.splice(0, this.#costs.length - (this.#last - covered))) this.#cost -= cost;
    const span = Math.floor((LOG_OF_CHUNKS * chunkBytes * this.#costs.length) / this.#cost);
    return span >= LONG_SPAN_MIN ? Math.max(RING_SPAN, Math.min(span, LOG_ENTRIES_MAX)) : RING_SPAN;
  }
}
