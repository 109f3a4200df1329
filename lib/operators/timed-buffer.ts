/**
 * Elements per key that are kept for a while of event time: found by time, and dropped by stretches of it, so that neither costs what else is kept.
 *
 * A cell holds elements of one key and one stretch, by timestamp, those of one in order of arrival; where there are many of them a further cell is
 * begun, so that what a commit writes does not grow with what a busy key keeps.
 */

import type { KeyedTable, Namespace } from "../state/keyed-state.ts";

/** Elements in one cell. */
const CELL_MAX = 32;

/** Timestamp and value in turn, by timestamp. */
type Cell = unknown[];

export class TimedBuffer {
  readonly #table: KeyedTable;
  readonly #stretchMs: number;
  /** The earliest event time at which a stretch may be dropped; undefined: nobody has looked. */
  #nextDropMs: number | undefined;
  readonly #keepMs: number;

  /** Elements are kept in `table` until `keepMs` behind them, by stretches of `stretchMs`, which never changes. */
  constructor(table: KeyedTable, stretchMs: number, keepMs: number) {
    this.#table = table;
    this.#stretchMs = stretchMs;
    this.#keepMs = keepMs;
  }

  /** Keeps an element. `key` is encoded; the value is storable one level below a cell. */
  add(key: string, timestampMs: number, value: unknown): void {
    const stretch = Math.floor(timestampMs / this.#stretchMs);
    for (let part = 0; ; part++) {
      const namespace = nameOf(stretch, part);
      const cell = this.#table.get(namespace, key) as Cell | undefined;
      if (cell === undefined) {
        this.#table.set(namespace, key, [timestampMs, value]);
        this.#nextDropMs = Math.min(this.nextDropMs(), this.#dropMs(stretch));
        return;
      }
      if (cell.length >= 2 * CELL_MAX) continue;
      if ((cell.at(-2) as number) <= timestampMs) cell.push(timestampMs, value);
      else cell.splice(firstAbove(cell, timestampMs), 0, timestampMs, value);
      this.#table.set(namespace, key, cell);
      return;
    }
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
    const last = Math.floor(toMs / this.#stretchMs);
    for (let stretch = Math.floor((aboveMs + 1) / this.#stretchMs); stretch <= last; stretch++)
      for (let part = 0; ; part++) {
        const cell = this.#table.get(nameOf(stretch, part), key) as Cell | undefined;
        if (cell === undefined) break;
        for (let i = firstAbove(cell, aboveMs); i < cell.length && (cell[i] as number) <= toMs; i += 2)
          visit(cell[i] as number, cell[i + 1]);
      }
  }

  /** Drops what is behind: stretches of which nothing is kept any more at `watermarkMs`. */
  dropBehind(watermarkMs: number): void {
    if (this.nextDropMs() > watermarkMs) return;
    for (const namespace of this.#table.namespaces())
      if (this.#dropMs(stretchOf(namespace)) <= watermarkMs) this.#table.drop(namespace);
    this.#nextDropMs = undefined;
  }

  /** When there is something to drop next; +∞: never. */
  nextDropMs(): number {
    if (this.#nextDropMs === undefined) {
      this.#nextDropMs = Number.POSITIVE_INFINITY;
      for (const namespace of this.#table.namespaces())
        this.#nextDropMs = Math.min(this.#nextDropMs, this.#dropMs(stretchOf(namespace)));
    }
    return this.#nextDropMs;
  }

  #dropMs(stretch: number): number {
    return (stretch + 1) * this.#stretchMs - 1 + this.#keepMs;
  }
}

function nameOf(stretch: number, part: number): Namespace {
  return part === 0 ? stretch : `${stretch}/${part}`;
}

function stretchOf(namespace: Namespace): number {
  return typeof namespace === "number" ? namespace : Number(namespace.slice(0, namespace.indexOf("/")));
}

/** The index of the first element whose timestamp is above. */
function firstAbove(cell: Cell, timestampMs: number): number {
  let low = 0;
  let high = cell.length >> 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((cell[2 * middle] as number) <= timestampMs) low = middle + 1;
    else high = middle;
  }
  return 2 * low;
}
