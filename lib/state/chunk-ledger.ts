/**
 * Which chunk ranges of a task are behind its log, and which entries must therefore stay.
 *
 * L6: an entry may be overwritten only when durable chunks cover it. `base` is the newest entry that no range needs any more; a range
 * needs every entry since the first that touched it after its chunk, whoever wrote that entry.
 */

/** A range as the ledger knows it: the first entry that touched it since its chunk. Ranges that no entry touched since are left out. */
type Waiting = Map<number, number>;

export class ChunkLedger {
  #waiting: Waiting = new Map();

  /** Entry `sequenceNumber` touched these ranges. */
  touch(sequenceNumber: number, ranges: Iterable<number>): void {
    for (const range of ranges) if (!this.#waiting.has(range)) this.#waiting.set(range, sequenceNumber);
  }

  /** The chunk of `range` as of the head is durable. Only then (L6). */
  wrote(range: number): void {
    this.#waiting.delete(range);
  }

  /** A self-contained entry holds all there is: earlier entries are needed by nobody. */
  restart(sequenceNumber: number, ranges: Iterable<number>): void {
    this.#waiting = new Map();
    this.touch(sequenceNumber, ranges);
  }

  /** Every range became `2^bits` smaller ones, covered by the same chunk until they have their own. */
  split(bits: number): void {
    const before = this.#waiting;
    this.#waiting = new Map();
    for (const [range, since] of before)
      for (let i = 0; i < 2 ** bits; i++) this.#waiting.set(range * 2 ** bits + i, since);
  }

  /** The newest entry that nobody needs, once entry `next` is there. */
  base(next: number): number {
    // The head itself is always needed.
    let oldest = next;
    for (const since of this.#waiting.values()) oldest = Math.min(oldest, since);
    return oldest - 1;
  }

  /**
   * The ranges whose chunks to write after entry `head`, longest waiting first: none while all are young, then so many a commit that each
   * has its turn well within the ring, and all that stand in the way of the next entry.
   */
  due(head: number, slots: number): number[] {
    const waiting = [...this.#waiting].sort((a, b) => a[1] - b[1]);
    const young = slots / 2;
    const share = Math.ceil(waiting.length / (slots / 4));
    return waiting
      .filter(([, since], i) => head - since >= young && (i < share || head - since >= slots - 6))
      .map(([range]) => range);
  }
}
