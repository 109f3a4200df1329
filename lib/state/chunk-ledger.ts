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
  /** Bytes of the chunk of each range. */
  #bytes = new Map<number, number>();

  /** Entry `sequenceNumber` touched these ranges. */
  touch(sequenceNumber: number, ranges: Iterable<number>): void {
    for (const range of ranges) if (!this.#waiting.has(range)) this.#waiting.set(range, sequenceNumber);
  }

  /** The chunk of `range` as of the head is durable. Only then (L6). */
  wrote(range: number, bytes: number): void {
    this.#waiting.delete(range);
    this.#bytes.set(range, bytes);
  }

  /** A chunk of this size was found for `range`. */
  found(range: number, bytes: number): void {
    this.#bytes.set(range, bytes);
  }

  /** How many bytes the chunks of all ranges have. */
  get chunkBytes(): number {
    let sum = 0;
    for (const bytes of this.#bytes.values()) sum += bytes;
    return sum;
  }

  /** A self-contained entry holds all there is: earlier entries are needed by nobody. */
  restart(sequenceNumber: number, ranges: Iterable<number>): void {
    this.#waiting = new Map();
    this.#bytes = new Map();
    this.touch(sequenceNumber, ranges);
  }

  /** Every range became `2^bits` smaller ones, covered by the same chunk until they have their own. */
  split(bits: number): void {
    const parts = 2 ** bits;
    const spread = (before: ReadonlyMap<number, number>, share: (value: number) => number) =>
      new Map(
        [...before].flatMap(([range, value]) =>
          Array.from({ length: parts }, (_, i) => [range * parts + i, share(value)] as const),
        ),
      );
    this.#waiting = spread(this.#waiting, (since) => since);
    this.#bytes = spread(this.#bytes, (bytes) => bytes / parts);
  }

  /** The newest entry that nobody needs, once entry `next` is there. */
  base(next: number): number {
    // The head itself is always needed.
    let oldest = next;
    for (const since of this.#waiting.values()) oldest = Math.min(oldest, since);
    return oldest - 1;
  }

  /**
   * The ranges whose chunks to write after entry `head`, longest waiting first: none while all have waited for less than half of `span` entries, then so many a
   * commit that the last has its turn when it has waited for `span`. Where that is too much at once, as many as in a lap of the ring of `slots`.
   */
  due(head: number, span: number, slots: number): number[] {
    const waiting = [...this.#waiting].sort((a, b) => a[1] - b[1]);
    const share = Math.ceil(waiting.length / (slots / 4));
    let count = 0;
    for (const [i, [, since]] of waiting.entries())
      count = Math.max(count, Math.ceil(i - 2 * waiting.length * (1 - (head - since) / span)));
    return waiting.slice(0, Math.min(count, share)).map(([range]) => range);
  }

  /** The ranges that need an entry up to `sequenceNumber`. */
  needing(sequenceNumber: number): number[] {
    return [...this.#waiting].filter(([, since]) => since <= sequenceNumber).map(([range]) => range);
  }
}
