/**
 * A list per key, in cells of a few elements each: adding one writes the last cell, however long the list is.
 *
 * The namespace of a cell is its number; where there are several, or not the first any more, a head says from which to which.
 */

import { MillraceError } from "../stream/error.ts";
import type { ListState } from "../stream/process-state.ts";
import { ENTRIES_MAX, type StateRules, type StateTable } from "./state-scope.ts";
import type { StateCells } from "./state-values.ts";

const CELL_ELEMENTS_MAX = 64;
const HEAD = "head";

type Cell = readonly [values: unknown[], usedMs: (number | null)[]];
type Head = readonly [first: number, last: number];

export function listCells(table: StateTable, rules: StateRules): StateCells {
  const headOf = (key: string) => (table.get(HEAD, key) ?? [0, 0]) as Head;
  const current = () => rules.scope.keyFor(rules.what);

  const append = (key: string, value: unknown) => {
    let [first, last] = headOf(key);
    let cell = table.get(last, key) as Cell | undefined;
    if (cell !== undefined && cell[0].length >= CELL_ELEMENTS_MAX) {
      if ((last - first + 1) * CELL_ELEMENTS_MAX >= ENTRIES_MAX)
        throw new MillraceError(
          "unstorable",
          `${rules.what} has ${ENTRIES_MAX} elements, which is as many as a list may have`,
        );
      last++;
      cell = undefined;
      table.set(HEAD, key, [first, last]);
    }
    cell ??= [[], []];
    cell[0].push(value);
    cell[1].push(rules.nowMs);
    table.set(last, key, cell);
    rules.written(last, key);
  };

  const clear = (key: string) => {
    const [first, last] = headOf(key);
    for (let n = first; n <= last; n++) table.remove(n, key);
    table.remove(HEAD, key);
  };

  const handle: ListState<unknown> = {
    get() {
      const key = current();
      const [first, last] = headOf(key);
      const found: unknown[] = [];
      for (let n = first; n <= last; n++) {
        const cell = table.get(n, key) as Cell | undefined;
        if (cell === undefined) continue;
        const [values, usedMs] = cell;
        let refreshed = false;
        for (let i = 0; i < values.length; i++) {
          if (rules.isOver(usedMs[i])) continue;
          if (rules.isRefreshedBy(usedMs[i])) {
            usedMs[i] = rules.nowMs;
            refreshed = true;
          }
          found.push(rules.toShown(values[i]));
        }
        if (!refreshed) continue;
        table.set(n, key, cell);
        rules.written(n, key);
      }
      return found;
    },
    add: (value) => append(current(), rules.toKept(value, `an element of ${rules.what}`)),
    set(values) {
      const key = current();
      const kept = Array.from(values, (value) => rules.toKept(value, `an element of ${rules.what}`));
      clear(key);
      for (const value of kept) append(key, value);
    },
    clear: () => clear(current()),
  };

  const sweep = (namespace: string | number, key: string): number | undefined => {
    const cell = table.get(namespace, key) as Cell | undefined;
    if (cell === undefined) return undefined;
    const [values, usedMs] = cell;
    const left = values.map((_, i) => i).filter((i) => !rules.isOver(usedMs[i]));
    if (left.length === values.length) return oldestOf(usedMs);
    if (left.length > 0) {
      const rest: Cell = [left.map((i) => values[i]), left.map((i) => usedMs[i] as number | null)];
      table.set(namespace, key, rest);
      return oldestOf(rest[1]);
    }
    table.remove(namespace, key);
    let [first, last] = headOf(key);
    while (first <= last && table.get(first, key) === undefined) first++;
    if (first > last) table.remove(HEAD, key);
    else if (last > 0) table.set(HEAD, key, [first, last]);
    return undefined;
  };

  return { handle, sweep };
}

/** The oldest of some times of use; undefined where none has one. */
export function oldestOf(usedMs: readonly (number | null)[]): number | undefined {
  let oldest: number | undefined;
  for (const ms of usedMs) if (ms !== null && (oldest === undefined || ms < oldest)) oldest = ms;
  return oldest;
}
