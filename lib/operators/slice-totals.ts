/**
 * What a window made of slices holds per key, folded from the slices.
 *
 * The fold is in two parts that meet in the window's middle: towards it from the start, and on from it to the end. Windows that share a middle share both,
 * so that a window costs a key a merge or two, and not one for each of its slices. What is remembered of it is a cache: it depends on nothing
 * but the slices, so that results are the same to the last bit after a restart. Accumulators that grow with what is in them are not remembered.
 */

import type { KeyedTable } from "../state/keyed-state.ts";
import type { AggregatorSpec } from "../stream/aggregate.ts";
import type { Slicing } from "../windows/slices.ts";
import { copierOf, isCompact } from "./accumulator.ts";

type Merge = (a: unknown, b: unknown) => unknown;

/** What a key has in the slices before the middle: for each of them, the newest first, the fold from there to the middle. */
type Suffixes = { readonly starts: number[]; readonly folds: unknown[] };

export class SliceTotals {
  readonly #table: KeyedTable;
  readonly #slicing: Slicing;
  /** May change its first argument, and keep what the second holds. */
  readonly #merge: Merge;
  readonly #copy: (accumulator: unknown) => unknown;
  readonly #remembers: boolean;
  #middle = Number.NaN;
  /** Before the middle, from `#backStart` on. */
  #back: Map<string, Suffixes> | undefined;
  #backStart = 0;
  /** From the middle up to `#frontEnd`. */
  #front = new Map<string, unknown>();
  #frontEnd = 0;

  constructor(table: KeyedTable, slicing: Slicing, aggregator: AggregatorSpec) {
    this.#table = table;
    this.#slicing = slicing;
    // What is handed on is not kept, so that it need not be checked.
    this.#merge = aggregator.merge as Merge;
    this.#copy = copierOf(aggregator);
    this.#remembers = isCompact(aggregator);
  }

  /** A slice was changed: what was made of it is forgotten. */
  changed(slice: number): void {
    if (slice < this.#middle) {
      if (slice >= this.#backStart) this.#back = undefined;
    } else if (slice < this.#frontEnd) {
      this.#front = new Map();
      this.#frontEnd = this.#middle;
    }
  }

  /** What every key has in the window that ends at `endMs`. Windows are asked for in order of time. */
  *entries(endMs: number): Iterable<[key: string, accumulator: unknown]> {
    const start = this.#slicing.startOf(endMs);
    const middle = this.#middleOf(endMs);
    if (middle !== this.#middle) {
      this.#middle = middle;
      this.#back = undefined;
      this.#front = new Map();
      this.#frontEnd = middle;
    }
    const front = this.#foldFront(endMs);
    const back = this.#foldBack(start);
    for (const [key, { starts, folds }] of back) {
      while ((starts.at(-1) as number) < start) {
        starts.pop();
        folds.pop();
      }
      if (starts.length === 0) {
        back.delete(key);
        continue;
      }
      const rest = front.get(key);
      yield [key, rest === undefined ? folds.at(-1) : this.#merge(this.#copy(folds.at(-1)), rest)];
    }
    for (const entry of front) if (!back.has(entry[0])) yield entry;
    if (this.#remembers) return;
    this.#back = undefined;
    this.#front = new Map();
    this.#frontEnd = middle;
  }

  /** What one key has in the window that ends at `endMs`, folded in the same way; undefined for nothing. */
  of(endMs: number, key: string): unknown {
    const { sliceMs } = this.#slicing;
    const middle = this.#middleOf(endMs);
    let before: unknown;
    for (let slice = middle - sliceMs; slice >= this.#slicing.startOf(endMs); slice -= sliceMs)
      before = this.#join(this.#table.get(slice, key), before);
    let after: unknown;
    for (let slice = middle; slice < endMs; slice += sliceMs) after = this.#join(after, this.#table.get(slice, key));
    return this.#join(before, after);
  }

  /** Where nothing is remembered, one fold from the start costs least. */
  #middleOf(endMs: number): number {
    return this.#remembers ? this.#slicing.middleOf(endMs) : this.#slicing.startOf(endMs);
  }

  #join(a: unknown, b: unknown): unknown {
    if (a === undefined) return b;
    return b === undefined ? a : this.#merge(this.#copy(a), this.#copy(b));
  }

  #foldFront(endMs: number): ReadonlyMap<string, unknown> {
    const { sliceMs } = this.#slicing;
    for (; this.#frontEnd < endMs; this.#frontEnd += sliceMs)
      this.#table.forEach(this.#frontEnd, (key, accumulator) => {
        const there = this.#front.get(key);
        this.#front.set(
          key,
          there === undefined ? this.#copy(accumulator) : this.#merge(there, this.#copy(accumulator)),
        );
      });
    return this.#front;
  }

  #foldBack(start: number): Map<string, Suffixes> {
    if (this.#back !== undefined) return this.#back;
    const { sliceMs } = this.#slicing;
    const back = new Map<string, Suffixes>();
    for (let slice = this.#middle - sliceMs; slice >= start; slice -= sliceMs)
      this.#table.forEach(slice, (key, accumulator) => {
        const there = back.get(key);
        if (there === undefined) back.set(key, { starts: [slice], folds: [accumulator] });
        else {
          there.starts.push(slice);
          there.folds.push(this.#merge(this.#copy(accumulator), there.folds.at(-1)));
        }
      });
    this.#back = back;
    this.#backStart = start;
    return back;
  }
}
