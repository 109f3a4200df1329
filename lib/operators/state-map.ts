/**
 * A map per key, in cells of a few entries each: reading or writing an entry touches one cell, however many there are.
 *
 * A small map is one cell. A larger one is spread over a power of two of cells by the hash of the name; a head says over how many, and how many
 * entries there are. The namespace of a cell is its number.
 */

import { murmur2 } from "../state/murmur2.ts";
import { MillraceError } from "../stream/error.ts";
import type { MapState } from "../stream/process-state.ts";
import { oldestOf } from "./state-list.ts";
import { ENTRIES_MAX, type StateRules, type StateTable } from "./state-scope.ts";
import type { StateCells } from "./state-values.ts";

/** On average; one cell may have more. */
const CELL_ENTRIES_MAX = 64;
const HEAD = "head";

type Cell = readonly [names: string[], values: unknown[], usedMs: (number | null)[]];
type Head = readonly [cells: number, entries: number];

export function mapCells(table: StateTable, rules: StateRules): StateCells {
  const current = () => rules.scope.keyFor(rules.what);
  const headOf = (key: string) => table.get(HEAD, key) as Head | undefined;
  const cellOf = (name: string, cells: number) => (cells === 1 ? 0 : murmur2(name) & (cells - 1));
  const nameOf = (name: unknown): string => {
    if (typeof name === "string") return name;
    throw new MillraceError("author", `${rules.what} has strings for names, not ${typeof name}: use String(…)`);
  };

  /** An entry that is there: its cell and its place in it. */
  const find = (key: string, name: string): { n: number; cell: Cell; i: number } | undefined => {
    const n = cellOf(name, headOf(key)?.[0] ?? 1);
    const cell = table.get(n, key) as Cell | undefined;
    const i = cell === undefined ? -1 : cell[0].indexOf(name);
    return i < 0 ? undefined : { n, cell: cell as Cell, i };
  };

  /** The same where it has not expired; reading it may be a use. */
  const use = (key: string, name: string) => {
    const found = find(key, name);
    if (found === undefined || rules.isOver(found.cell[2][found.i])) return undefined;
    if (rules.isRefreshedBy(found.cell[2][found.i])) {
      found.cell[2][found.i] = rules.nowMs;
      table.set(found.n, key, found.cell);
      rules.written(found.n, key);
    }
    return found;
  };

  const insert = (key: string, n: number, name: string, value: unknown, usedMs: number | null) => {
    const cell = (table.get(n, key) as Cell | undefined) ?? [[], [], []];
    cell[0].push(name);
    cell[1].push(value);
    cell[2].push(usedMs);
    table.set(n, key, cell);
    if (usedMs !== null) rules.written(n, key, usedMs);
  };

  /** Spreads a map over twice as many cells: what is in a cell goes there or to the one that shares its lower bits. */
  const grow = (key: string, cells: number) => {
    for (let n = 0; n < cells; n++) {
      const cell = table.get(n, key) as Cell | undefined;
      if (cell === undefined) continue;
      table.remove(n, key);
      for (let i = 0; i < cell[0].length; i++) {
        const name = cell[0][i] as string;
        insert(key, cellOf(name, 2 * cells), name, cell[1][i], cell[2][i] as number | null);
      }
    }
  };

  const removeAt = (key: string, n: number, cell: Cell, places: readonly number[]) => {
    for (const i of [...places].reverse()) for (const column of cell) column.splice(i, 1);
    if (cell[0].length === 0) table.remove(n, key);
    else table.set(n, key, cell);
    const head = headOf(key);
    if (head === undefined) return;
    const entries = head[1] - places.length;
    if (entries === 0) table.remove(HEAD, key);
    else table.set(HEAD, key, [head[0], entries]);
  };

  /** Visits all entries that have not expired. */
  const visit = (key: string, look: (name: string, value: unknown) => void, isUse = true) => {
    const cells = headOf(key)?.[0] ?? 1;
    for (let n = 0; n < cells; n++) {
      const cell = table.get(n, key) as Cell | undefined;
      if (cell === undefined) continue;
      const [names, values, usedMs] = cell;
      let refreshed = false;
      for (let i = 0; i < names.length; i++) {
        if (rules.isOver(usedMs[i])) continue;
        if (isUse && rules.isRefreshedBy(usedMs[i])) {
          usedMs[i] = rules.nowMs;
          refreshed = true;
        }
        look(names[i] as string, values[i]);
      }
      if (!refreshed) continue;
      table.set(n, key, cell);
      rules.written(n, key);
    }
  };

  const handle: MapState<unknown> = {
    get(name) {
      const found = use(current(), nameOf(name));
      return found === undefined ? undefined : rules.toShown(found.cell[1][found.i]);
    },
    set(name, value) {
      const key = current();
      const kept = rules.toKept(value, `an entry of ${rules.what}`);
      const found = find(key, nameOf(name));
      if (found !== undefined) {
        found.cell[1][found.i] = kept;
        found.cell[2][found.i] = rules.nowMs;
        table.set(found.n, key, found.cell);
        rules.written(found.n, key);
        return;
      }
      rules.requireKeepable(name, `a name in ${rules.what}`);
      const head = headOf(key);
      let cells = head?.[0] ?? 1;
      const entries = head?.[1] ?? (table.get(0, key) as Cell | undefined)?.[0].length ?? 0;
      if (entries >= ENTRIES_MAX)
        throw new MillraceError(
          "unstorable",
          `${rules.what} has ${ENTRIES_MAX} entries, which is as many as a map may have`,
        );
      if (entries >= cells * CELL_ENTRIES_MAX) {
        grow(key, cells);
        cells *= 2;
      }
      if (cells > 1) table.set(HEAD, key, [cells, entries + 1]);
      insert(key, cellOf(name, cells), name, kept, rules.nowMs);
    },
    has: (name) => use(current(), nameOf(name)) !== undefined,
    delete(name) {
      const key = current();
      const found = find(key, nameOf(name));
      if (found === undefined) return false;
      const wasThere = !rules.isOver(found.cell[2][found.i]);
      removeAt(key, found.n, found.cell, [found.i]);
      return wasThere;
    },
    entries() {
      const found: (readonly [string, unknown])[] = [];
      visit(current(), (name, value) => found.push([name, rules.toShown(value)]));
      return found;
    },
    keys() {
      const found: string[] = [];
      visit(current(), (name) => found.push(name));
      return found;
    },
    values() {
      const found: unknown[] = [];
      visit(current(), (_, value) => found.push(rules.toShown(value)));
      return found;
    },
    get size() {
      const key = current();
      if (!rules.expires) return headOf(key)?.[1] ?? (table.get(0, key) as Cell | undefined)?.[0].length ?? 0;
      let size = 0;
      visit(key, () => size++, false);
      return size;
    },
    clear() {
      const key = current();
      const cells = headOf(key)?.[0] ?? 1;
      for (let n = 0; n < cells; n++) table.remove(n, key);
      table.remove(HEAD, key);
    },
  };

  const sweep = (namespace: string | number, key: string): number | undefined => {
    const cell = table.get(namespace, key) as Cell | undefined;
    if (cell === undefined) return undefined;
    const over = cell[2].flatMap((usedMs, i) => (rules.isOver(usedMs) ? [i] : []));
    if (over.length > 0) removeAt(key, namespace as number, cell, over);
    return oldestOf(cell[2]);
  };

  return { handle, sweep };
}
