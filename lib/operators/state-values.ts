/** States of one value per key: value, reducing, aggregating, counter. A cell is the value and, where there is a time to live, when it was last used. */

import { MillraceError } from "../stream/error.ts";
import type { AggregatingState, CounterState, ReducingState, StateSpec, ValueState } from "../stream/process-state.ts";
import type { StateRules, StateTable } from "./state-scope.ts";

/** There is one cell per key. */
const NAMESPACE = "";

type Cell = readonly [value: unknown, usedMs?: number];

/** A state as the step sees it. */
export type StateCells = {
  /** What authors' functions get. */
  readonly handle: unknown;
  /** Drops what has expired of a cell; returns the time of the oldest use that is left in it. */
  readonly sweep: (namespace: string | number, key: string) => number | undefined;
};

class OneValue {
  readonly rules: StateRules;
  readonly #table: StateTable;

  constructor(table: StateTable, rules: StateRules) {
    this.#table = table;
    this.rules = rules;
  }

  /** The value as it is kept; undefined where there is none, or none any more. */
  read(): unknown {
    const key = this.rules.scope.keyFor(this.rules.what);
    const cell = this.#table.get(NAMESPACE, key) as Cell | undefined;
    if (cell === undefined || this.rules.isOver(cell[1])) return undefined;
    if (this.rules.isRefreshedBy(cell[1])) this.#put(key, cell[0]);
    return cell[0];
  }

  write(value: unknown): void {
    this.#put(this.rules.scope.keyFor(this.rules.what), value);
  }

  clear(): void {
    this.#table.remove(NAMESPACE, this.rules.scope.keyFor(this.rules.what));
  }

  readonly sweep = (_namespace: unknown, key: string): number | undefined => {
    const cell = this.#table.get(NAMESPACE, key) as Cell | undefined;
    if (cell === undefined || !this.rules.isOver(cell[1])) return cell?.[1];
    this.#table.remove(NAMESPACE, key);
    return undefined;
  };

  #put(key: string, value: unknown): void {
    const { nowMs } = this.rules;
    this.#table.set(NAMESPACE, key, nowMs === null ? [value] : [value, nowMs]);
    this.rules.written(NAMESPACE, key);
  }
}

export function valueCells(table: StateTable, rules: StateRules): StateCells {
  const one = new OneValue(table, rules);
  const handle: ValueState<unknown> = {
    get() {
      const value = one.read();
      return value === undefined ? undefined : rules.toShown(value);
    },
    set: (value) => one.write(rules.toKept(value)),
    clear: () => one.clear(),
  };
  return { handle, sweep: one.sweep };
}

export function reducingCells(table: StateTable, rules: StateRules, { reduce }: StateSpec): StateCells {
  const one = new OneValue(table, rules);
  const get = () => {
    const value = one.read();
    return value === undefined ? undefined : rules.toShown(value);
  };
  const handle: ReducingState<unknown> = {
    get,
    add(value) {
      const before = get();
      const after = rules.toKept(before === undefined ? value : (reduce as NonNullable<typeof reduce>)(before, value));
      one.write(after);
      return after;
    },
    clear: () => one.clear(),
  };
  return { handle, sweep: one.sweep };
}

export function aggregatingCells(table: StateTable, rules: StateRules, { aggregate }: StateSpec): StateCells {
  const one = new OneValue(table, rules);
  const { create, add, result } = aggregate as NonNullable<typeof aggregate>;
  const shown = (accumulator: unknown) => {
    const value: unknown = result(accumulator);
    rules.scope.call.freeze?.(value);
    return value;
  };
  const handle: AggregatingState<unknown, unknown> = {
    get() {
      const accumulator = one.read();
      return accumulator === undefined ? undefined : shown(accumulator);
    },
    add(value) {
      const before = one.read();
      const accumulator: unknown = add(before === undefined ? create() : before, value);
      rules.requireKeepable(accumulator);
      one.write(accumulator);
      return shown(accumulator);
    },
    clear: () => one.clear(),
  };
  return { handle, sweep: one.sweep };
}

export function counterCells(table: StateTable, rules: StateRules): StateCells {
  const one = new OneValue(table, rules);
  const read = () => (one.read() ?? 0) as number;
  const handle: CounterState = {
    get value() {
      return read();
    },
    add(n = 1) {
      if (typeof n !== "number" || !Number.isFinite(n))
        throw new MillraceError("author", `${rules.what} adds numbers, not ${String(n)}`);
      const sum = read() + n;
      one.write(sum);
      return sum;
    },
    clear: () => one.clear(),
  };
  return { handle, sweep: one.sweep };
}
