/**
 * Elements per key that are kept for a while of event time: found by time, and dropped by stretches of it, so that neither costs what else is kept.
 *
 * A cell holds elements of one key and one stretch, by timestamp, those of one in order of arrival; where there are many of them a further cell is
 * begun, so that what a commit writes does not grow with what a busy key keeps.
 */

import type { KeyedTable, Namespace } from "../state/keyed-state.ts";

/** Elements in one cell. */
const CELL_MAX = 32;

/** Time since the begin of the stretch and value in turn, by time. */
type Cell = unknown[];

export class TimedBuffer {
  readonly #table: KeyedTable;
  readonly #stretchMs: number;
  readonly #keepMs: number;
  /** The stretches that have cells, in order, with how many cells a key has there at most; undefined: nobody has looked. */
  #stretches: { readonly stretch: number; parts: number }[] | undefined;

  /** Elements are kept in `table` until `keepMs` behind them, by stretches of `stretchMs`, which never changes. */
  constructor(table: KeyedTable, stretchMs: number, keepMs: number) {
    this.#table = table;
    this.#stretchMs = stretchMs;
    this.#keepMs = keepMs;
  }

  /** Keeps an element. `key` is encoded; the value is storable one level below a cell. */
  add(key: string, timestampMs: number, value: unknown): void {
    const stretch = Math.floor(timestampMs / this.#stretchMs);
    const sinceMs = timestampMs - stretch * this.#stretchMs;
    const there = this.#sorted()[this.#indexOf(stretch)];
    let part = there?.stretch === stretch ? there.parts - 1 : 0;
    const cells = there?.stretch === stretch ? this.#table.at(key) : undefined;
    const cellOf = (n: number) => cells?.get(nameOf(stretch, n))?.get(key) as Cell | undefined;
    // To the key's last cell, so that elements of one time stay in order of arrival.
    let cell = cellOf(part);
    while (cell === undefined && part > 0) cell = cellOf(--part);
    if (cell === undefined || cell.length >= 2 * CELL_MAX) {
      if (cell !== undefined) part++;
      this.#note(stretch, part + 1);
      cell = [sinceMs, value];
    } else if ((cell.at(-2) as number) <= sinceMs) cell.push(sinceMs, value);
    else cell.splice(firstAbove(cell, sinceMs), 0, sinceMs, value);
    this.#table.set(nameOf(stretch, part), key, cell);
  }

  /** Visits the elements of a key from `fromMs` to `toMs`, both inclusive, that are still kept at watermark `watermarkMs`. */
  forEach(
    key: string,
    fromMs: number,
    toMs: number,
    watermarkMs: number,
    visit: (timestampMs: number, value: unknown) => void,
  ): void {
    const aboveMs = Math.max(fromMs - 1, watermarkMs - this.#keepMs);
    const stretches = this.#sorted();
    const cells = this.#table.at(key);
    if (cells === undefined) return;
    for (let i = this.#indexOf(Math.floor((aboveMs + 1) / this.#stretchMs)); i < stretches.length; i++) {
      const { stretch, parts } = stretches[i] as { stretch: number; parts: number };
      const startMs = stretch * this.#stretchMs;
      if (startMs > toMs) break;
      for (let part = 0; part < parts; part++) {
        const cell = cells.get(nameOf(stretch, part))?.get(key) as Cell | undefined;
        if (cell === undefined) continue;
        for (let j = firstAbove(cell, aboveMs - startMs); j < cell.length; j += 2) {
          const timestampMs = startMs + (cell[j] as number);
          if (timestampMs > toMs) break;
          visit(timestampMs, cell[j + 1]);
        }
      }
    }
  }

  /** Drops what is behind: stretches of which nothing is kept any more at `watermarkMs`. */
  dropBehind(watermarkMs: number): void {
    const stretches = this.#sorted();
    let count = 0;
    for (const { stretch, parts } of stretches) {
      if (this.#dropMs(stretch) > watermarkMs) break;
      this.#drop(stretch, parts);
      count++;
    }
    if (count > 0) stretches.splice(0, count);
  }

  /** Takes out what has a timestamp of at most `watermarkMs`, in order of stretch; within one in no order. */
  take(watermarkMs: number, visit: (key: string, timestampMs: number, value: unknown) => void): void {
    const stretches = this.#sorted();
    let count = 0;
    for (const { stretch, parts } of stretches) {
      if (stretch * this.#stretchMs > watermarkMs) break;
      const whole = (stretch + 1) * this.#stretchMs - 1 <= watermarkMs;
      for (let part = 0; part < parts; part++)
        this.#takeFrom(nameOf(stretch, part), stretch * this.#stretchMs, watermarkMs, whole, visit);
      if (!whole) break;
      this.#drop(stretch, parts);
      count++;
    }
    if (count > 0) stretches.splice(0, count);
  }

  /**
   * Visits what lies above `aboveMs` and at most at `toMs`, in order of stretch; within one in no order. Drops stretches of which nothing is left, whole, and writes nothing of
   * another: whoever calls knows how far it came. Stops behind the stretch with which it has visited `enough`; returns up to where it came.
   */
  pass(
    aboveMs: number,
    toMs: number,
    enough: number,
    visit: (key: string, timestampMs: number, value: unknown) => void,
  ): number {
    const stretches = this.#sorted();
    let visited = 0;
    let count = 0;
    let passedMs = toMs;
    for (const { stretch, parts } of stretches) {
      const startMs = stretch * this.#stretchMs;
      if (startMs > toMs) break;
      let isLeft = false;
      for (let part = 0; part < parts; part++)
        this.#table.forEach(nameOf(stretch, part), (key, value) => {
          const cell = value as Cell;
          for (let i = 0; i < cell.length; i += 2) {
            const timestampMs = startMs + (cell[i] as number);
            if (timestampMs > toMs) {
              isLeft = true;
              break;
            }
            if (timestampMs <= aboveMs) continue;
            visit(key, timestampMs, cell[i + 1]);
            visited++;
          }
        });
      if (isLeft) break;
      this.#drop(stretch, parts);
      count++;
      if (visited < enough) continue;
      passedMs = Math.min(startMs + this.#stretchMs - 1, toMs);
      break;
    }
    if (count > 0) stretches.splice(0, count);
    return passedMs;
  }

  /** When there is something to drop next; +∞: never. */
  nextDropMs(): number {
    const first = this.#sorted()[0];
    return first === undefined ? Number.POSITIVE_INFINITY : this.#dropMs(first.stretch);
  }

  #takeFrom(
    namespace: Namespace,
    startMs: number,
    watermarkMs: number,
    whole: boolean,
    visit: (key: string, timestampMs: number, value: unknown) => void,
  ): void {
    this.#table.forEach(namespace, (key, value) => {
      const cell = value as Cell;
      const end = whole ? cell.length : firstAbove(cell, watermarkMs - startMs);
      for (let i = 0; i < end; i += 2) visit(key, startMs + (cell[i] as number), cell[i + 1]);
      if (whole || end === 0) return;
      if (end === cell.length) this.#table.remove(namespace, key);
      else this.#table.set(namespace, key, cell.slice(end));
    });
  }

  #drop(stretch: number, parts: number): void {
    for (let part = 0; part < parts; part++) this.#table.drop(nameOf(stretch, part));
  }

  #dropMs(stretch: number): number {
    return (stretch + 1) * this.#stretchMs - 1 + this.#keepMs;
  }

  #note(stretch: number, parts: number): void {
    const stretches = this.#sorted();
    const i = this.#indexOf(stretch);
    const there = stretches[i];
    if (there?.stretch === stretch) there.parts = Math.max(there.parts, parts);
    else stretches.splice(i, 0, { stretch, parts });
  }

  /** The index of a stretch or of the first one behind it. Most often it is one of the last. */
  #indexOf(stretch: number): number {
    const stretches = this.#sorted();
    let i = stretches.length;
    while (i > 0 && (stretches[i - 1] as { stretch: number }).stretch >= stretch) i--;
    return i;
  }

  #sorted(): { readonly stretch: number; parts: number }[] {
    if (this.#stretches === undefined) {
      const found = new Map<number, number>();
      for (const namespace of this.#table.namespaces()) {
        const { stretch, parts } = parseName(namespace);
        found.set(stretch, Math.max(found.get(stretch) ?? 0, parts));
      }
      this.#stretches = [...found].map(([stretch, parts]) => ({ stretch, parts }));
      this.#stretches.sort((a, b) => a.stretch - b.stretch);
    }
    return this.#stretches;
  }
}

function nameOf(stretch: number, part: number): Namespace {
  return part === 0 ? stretch : `${stretch}/${part}`;
}

function parseName(namespace: Namespace): { readonly stretch: number; readonly parts: number } {
  if (typeof namespace === "number") return { stretch: namespace, parts: 1 };
  const [stretch, part] = namespace.split("/").map(Number);
  return { stretch: stretch as number, parts: (part as number) + 1 };
}

/** The index of the first element whose time is above. */
function firstAbove(cell: Cell, sinceMs: number): number {
  let low = 0;
  let high = cell.length >> 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((cell[2 * middle] as number) <= sinceMs) low = middle + 1;
    else high = middle;
  }
  return 2 * low;
}
