/**
 * When each key has next to be looked at: an order in memory over what is in a table, made when it is first asked for. Times are hints that may be early; whoever
 * owns them says the true one when they come up.
 */

type Entry = { readonly timeMs: number; readonly key: string };

export class DueQueue {
  readonly #trueTimeOf: (key: string) => number;
  readonly #heap: Entry[] = [];
  /** The one entry of each key that counts. */
  readonly #times = new Map<string, number>();

  /** `trueTimeOf` says when a key is next due; +∞ for never. */
  constructor(keys: Iterable<string>, trueTimeOf: (key: string) => number) {
    this.#trueTimeOf = trueTimeOf;
    for (const key of keys) this.note(key, trueTimeOf(key));
  }

  /** A key is due at this time, or later. */
  note(key: string, timeMs: number): void {
    const known = this.#times.get(key);
    if (timeMs === Number.POSITIVE_INFINITY || (known !== undefined && known <= timeMs)) return;
    this.#times.set(key, timeMs);
    push(this.#heap, { timeMs, key });
  }

  /** The earliest time at which a key is due; +∞ for none. */
  nextMs(): number {
    for (let top = this.#heap[0]; top !== undefined; top = this.#heap[0]) {
      if (this.#times.get(top.key) === top.timeMs) {
        const timeMs = this.#trueTimeOf(top.key);
        if (timeMs === top.timeMs) return timeMs;
        this.#times.delete(top.key);
        pop(this.#heap);
        this.note(top.key, timeMs);
      } else pop(this.#heap);
    }
    return Number.POSITIVE_INFINITY;
  }

  /** Takes the key that is due first, at the latest at `toMs`; among several at one time the least. Whoever takes it notes when it is next due. */
  take(toMs: number): Entry | undefined {
    const nextMs = this.nextMs();
    const top = this.#heap[0];
    if (top === undefined || nextMs > toMs) return undefined;
    pop(this.#heap);
    this.#times.delete(top.key);
    return top;
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.timeMs < b.timeMs || (a.timeMs === b.timeMs && a.key < b.key);
}

function push(heap: Entry[], entry: Entry): void {
  let i = heap.length;
  heap.push(entry);
  while (i > 0) {
    const parent = (i - 1) >> 1;
    if (!isBefore(entry, heap[parent] as Entry)) break;
    heap[i] = heap[parent] as Entry;
    i = parent;
  }
  heap[i] = entry;
}

function pop(heap: Entry[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let i = 0;
  for (let child = 1; child < heap.length; child = 2 * i + 1) {
    if (child + 1 < heap.length && isBefore(heap[child + 1] as Entry, heap[child] as Entry)) child++;
    if (!isBefore(heap[child] as Entry, last)) break;
    heap[i] = heap[child] as Entry;
    i = child;
  }
  heap[i] = last;
}
