/**
 * Timers of a step in one kind of time: one for each (key, namespace, time), kept in tables of the step, so that they are committed, cut into
 * chunks and undone with everything else.
 *
 * The tables are the truth. The order in memory is a heap of hints that is made when a timer is first due: whatever is in the tables has an
 * entry in it, and an entry whose timer is gone is passed over. A million timers cost an opened task one look at each, for the earliest.
 */

import type { KeyedTable, Namespace } from "../state/keyed-state.ts";
import { MillraceError } from "../stream/error.ts";

/** A key's timers of one namespace share a cell up to this many; more have a cell each, so that setting one never costs what all of them take. */
const SHARED_MAX = 32;

/** A timer that sets the next one, which is due as well, and so on: after so many in one advance it is taken for a mistake. */
const TIMER_CHAIN_MAX = 1_000_000;

/** Entries of timers that are gone may be as many as the timers, and this many more, before the heap is made anew. */
const STALE_SPARE = 1_024;

/** Fires a timer; it is out of the tables by then. `nth` tells several firings of one timer in one advance apart. */
export type FireTimer = (namespace: Namespace, key: string, timeMs: number, nth: number) => void;

type Entry = {
  readonly timeMs: number;
  readonly namespace: Namespace;
  readonly key: string;
  /** How many timers, each set by the one before it in this advance, led to it. */
  readonly chain: number;
};

export class Timers {
  readonly #shared: KeyedTable;
  readonly #single: KeyedTable;
  /** There may be cells of single timers; undefined: nobody has looked. */
  #hasSingle: boolean | undefined;
  /** How many timers there are; undefined until the tables were looked through. */
  #count: number | undefined;
  /** While there is no heap: undefined where the earliest timer was deleted, or nobody has looked. */
  #earliestMs: number | undefined;
  #heap: Entry[] | undefined;
  /** Up to where timers are being fired, and the chain of the one that is. */
  #firingToMs = Number.NEGATIVE_INFINITY;
  #chain = 0;
  /** How often each timer that was set and fired in this advance did so. */
  readonly #firedAgain = new Map<string, number>();

  /** `tables` gives tables of the step by suffix; `kind` ("event", "processing") is a part of their names, and so of the state's identity. */
  constructor(tables: (suffix: string) => KeyedTable, kind: string) {
    this.#shared = tables(`${kind}-timers`);
    this.#single = tables(`${kind}-timers-single`);
  }

  /**
   * Sets a timer; twice is once. `timeMs` is a whole number of epoch milliseconds, `key` is encoded. Throws MillraceError "author" where timers that are due set the next
   * one TIMER_CHAIN_MAX times in one advance.
   */
  set(namespace: Namespace, key: string, timeMs: number): void {
    const chain = timeMs <= this.#firingToMs ? this.#chain + 1 : 0;
    if (chain > TIMER_CHAIN_MAX)
      throw new MillraceError(
        "author",
        `a timer sets another one that is due at once, and that one the next, ${TIMER_CHAIN_MAX} times in a row: set it behind where time stands`,
      );
    if (!this.#add(namespace, key, timeMs)) return;
    if (this.#count !== undefined) this.#count++;
    if (this.#heap !== undefined) {
      push(this.#heap, { timeMs, namespace, key, chain });
      if (this.#heap.length > 2 * (this.#count as number) + STALE_SPARE) this.#compact(this.#heap);
    } else if (this.#earliestMs !== undefined && timeMs < this.#earliestMs) this.#earliestMs = timeMs;
  }

  /** Deletes a timer; one that is not there is no mistake. */
  delete(namespace: Namespace, key: string, timeMs: number): void {
    if (!this.#remove(namespace, key, timeMs)) return;
    if (this.#count !== undefined) this.#count--;
    if (this.#heap === undefined && timeMs === this.#earliestMs) this.#earliestMs = undefined;
  }

  /** Whether a timer is set. */
  has(namespace: Namespace, key: string, timeMs: number): boolean {
    const cell = this.#shared.get(namespace, key) as number | number[] | undefined;
    if (cell === timeMs || (Array.isArray(cell) && cell[indexIn(cell, timeMs)] === timeMs)) return true;
    return this.#looksForSingle() && this.#single.get(singleName(namespace, timeMs), key) !== undefined;
  }

  /** Whether a key has any timer in a namespace, but for those that have cells of their own. */
  hasAny(namespace: Namespace, key: string): boolean {
    return this.#shared.get(namespace, key) !== undefined;
  }

  /** The time of the earliest timer; +∞ without any. */
  nextMs(): number {
    if (this.#heap === undefined) {
      // Where the earliest is deleted again and again, looking through all for the next would be dear.
      if (this.#earliestMs === undefined && this.#count !== undefined) this.#order();
      else return (this.#earliestMs ??= this.#findEarliest());
    }
    const heap = this.#heap as unknown as Entry[];
    for (let top = heap[0]; top !== undefined; top = heap[0]) {
      if (this.has(top.namespace, top.key, top.timeMs)) return top.timeMs;
      pop(heap);
    }
    return Number.POSITIVE_INFINITY;
  }

  /**
   * Fires all timers up to `toMs`, in order of time, then of namespace (numbers before names), then of encoded key. What is set meanwhile and due by then
   * fires too, in its turn, as in Flink. Where `isEnough` says so, the others stay for the next time. Returns whether there are any.
   */
  advance(toMs: number, fire: FireTimer, isEnough: (fired: number) => boolean = () => false): boolean {
    if (this.nextMs() > toMs) return false;
    if (this.#heap === undefined) this.#order();
    this.#firingToMs = toMs;
    let fired = 0;
    try {
      for (let heap = this.#heap as unknown as Entry[]; heap.length > 0; heap = this.#heap as unknown as Entry[]) {
        const { timeMs, namespace, key, chain } = heap[0] as Entry;
        if (timeMs > toMs) break;
        pop(heap);
        if (!this.#remove(namespace, key, timeMs)) continue;
        (this.#count as number)--;
        this.#chain = chain;
        fired++;
        fire(namespace, key, timeMs, chain === 0 ? 0 : this.#nth(namespace, key, timeMs));
        // At the end of time there is always a next one.
        if (isEnough(fired)) return this.nextMs() <= toMs && (this.#heap as Entry[]).length > 0;
      }
    } finally {
      this.#firingToMs = Number.NEGATIVE_INFINITY;
      this.#chain = 0;
      this.#firedAgain.clear();
    }
    return false;
  }

  #nth(namespace: Namespace, key: string, timeMs: number): number {
    const name = `${singleName(namespace, timeMs)} ${key}`;
    const nth = (this.#firedAgain.get(name) ?? 0) + 1;
    this.#firedAgain.set(name, nth);
    return nth;
  }

  /** False: it is there already. */
  #add(namespace: Namespace, key: string, timeMs: number): boolean {
    const cell = this.#shared.get(namespace, key) as number | number[] | undefined;
    if (cell === timeMs) return false;
    if (this.#looksForSingle() && this.#single.get(singleName(namespace, timeMs), key) !== undefined) return false;
    if (cell === undefined) this.#shared.set(namespace, key, timeMs);
    else if (!Array.isArray(cell)) this.#shared.set(namespace, key, cell < timeMs ? [cell, timeMs] : [timeMs, cell]);
    else {
      const i = indexIn(cell, timeMs);
      if (cell[i] === timeMs) return false;
      if (cell.length < SHARED_MAX) {
        cell.splice(i, 0, timeMs);
        this.#shared.set(namespace, key, cell);
      } else {
        this.#single.set(singleName(namespace, timeMs), key, 1);
        this.#hasSingle = true;
      }
    }
    return true;
  }

  /** False: it is not there. */
  #remove(namespace: Namespace, key: string, timeMs: number): boolean {
    const cell = this.#shared.get(namespace, key) as number | number[] | undefined;
    if (cell === timeMs) {
      this.#shared.remove(namespace, key);
      return true;
    }
    if (Array.isArray(cell)) {
      const i = indexIn(cell, timeMs);
      if (cell[i] === timeMs) {
        cell.splice(i, 1);
        this.#shared.set(namespace, key, cell.length === 1 ? cell[0] : cell);
        return true;
      }
    }
    if (!this.#looksForSingle()) return false;
    const name = singleName(namespace, timeMs);
    if (this.#single.get(name, key) === undefined) return false;
    this.#single.remove(name, key);
    return true;
  }

  #looksForSingle(): boolean {
    return (this.#hasSingle ??= this.#single.size > 0);
  }

  #findEarliest(): number {
    let earliest = Number.POSITIVE_INFINITY;
    let count = 0;
    this.#forEach((timeMs) => {
      count++;
      if (timeMs < earliest) earliest = timeMs;
    });
    this.#count = count;
    return earliest;
  }

  /** Makes the heap, of what is in the tables. */
  #order(): void {
    const heap: Entry[] = [];
    this.#forEach((timeMs, namespace, key) => heap.push({ timeMs, namespace, key, chain: 0 }));
    for (let i = (heap.length >> 1) - 1; i >= 0; i--) sink(heap, i);
    this.#heap = heap;
    this.#count = heap.length;
    this.#earliestMs = undefined;
  }

  /** Leaves the entries of timers that are gone out of the heap, and all but one of each that was deleted and set again. */
  #compact(heap: readonly Entry[]): void {
    const live = heap.filter(({ namespace, key, timeMs }) => this.has(namespace, key, timeMs));
    live.sort((a, b) => (isBefore(a, b) ? -1 : isBefore(b, a) ? 1 : 0));
    // What is sorted is a heap.
    this.#heap = live.filter((entry, i) => i === 0 || isBefore(live[i - 1] as Entry, entry));
  }

  #forEach(visit: (timeMs: number, namespace: Namespace, key: string) => void): void {
    for (const namespace of this.#shared.namespaces())
      this.#shared.forEach(namespace, (key, cell) => {
        if (Array.isArray(cell)) for (const timeMs of cell as number[]) visit(timeMs, namespace, key);
        else visit(cell as number, namespace, key);
      });
    if (!this.#looksForSingle()) return;
    for (const name of this.#single.namespaces() as Set<string>) {
      const { timeMs, namespace } = parseSingleName(name);
      this.#single.forEach(name, (key) => visit(timeMs, namespace, key));
    }
  }
}

/** Where a time is in a list, or belongs. */
function indexIn(times: readonly number[], timeMs: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((times[middle] as number) < timeMs) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The namespace of a cell that is one timer: its time and its own namespace, which is a number or a name. */
function singleName(namespace: Namespace, timeMs: number): string {
  return typeof namespace === "number" ? `${timeMs}#${namespace}` : `${timeMs}/${namespace}`;
}

function parseSingleName(name: string): { timeMs: number; namespace: Namespace } {
  const at = name.search(/[#/]/);
  const own = name.slice(at + 1);
  return { timeMs: Number(name.slice(0, at)), namespace: name[at] === "#" ? Number(own) : own };
}

function isBefore(a: Entry, b: Entry): boolean {
  if (a.timeMs !== b.timeMs) return a.timeMs < b.timeMs;
  if (a.namespace !== b.namespace) {
    if (typeof a.namespace !== typeof b.namespace) return typeof a.namespace === "number";
    return a.namespace < b.namespace;
  }
  return a.key < b.key;
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
  heap[0] = last;
  sink(heap, 0);
}

function sink(heap: Entry[], start: number): void {
  const entry = heap[start] as Entry;
  const { length } = heap;
  let i = start;
  for (let child = 2 * i + 1; child < length; child = 2 * i + 1) {
    if (child + 1 < length && isBefore(heap[child + 1] as Entry, heap[child] as Entry)) child++;
    if (!isBefore(heap[child] as Entry, entry)) break;
    heap[i] = heap[child] as Entry;
    i = child;
  }
  heap[i] = entry;
}
