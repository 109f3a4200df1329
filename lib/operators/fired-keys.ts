/**
 * The keys of a window that have fired already, while a window with more keys than a commit has room for fires in several. In tables, for whoever goes on after
 * a crash. There is at most one such window; those before it have fired.
 */

import type { KeyedTable } from "../state/keyed-state.ts";

export class FiredKeys {
  readonly #table: KeyedTable;

  constructor(table: KeyedTable) {
    this.#table = table;
  }

  /** The last millisecond of the window; undefined where there is none. */
  get windowMs(): number | undefined {
    const [windowMs] = this.#table.namespaces() as Set<number>;
    return windowMs;
  }

  has(windowMs: number, key: string): boolean {
    return this.#table.get(windowMs, key) !== undefined;
  }

  add(windowMs: number, keys: readonly string[]): void {
    for (const key of keys) this.#table.set(windowMs, key, 1);
  }

  /** All keys of the window have fired. */
  clear(windowMs: number): void {
    this.#table.drop(windowMs);
  }
}
