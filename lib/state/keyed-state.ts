/**
 * The keyed state of a task: tables of cells (namespace, key) → value, changed only through the methods of KeyedTable, which
 * remember what was touched for the next commit.
 *
 * Cells are kept in shards, one per chunk range, so that writing a chunk costs what lies in its range. While the task is small
 * there is one shard and no key is hashed. The state is a cache of the log: changed in place, and thrown away when a commit fails (L8).
 */

import { POSITION_BITS, positionOf } from "./key-group.ts";
import { decodeColumn, encodeColumn } from "./value-encoding.ts";

/** Separates what one key keeps in one table: a window's start, or a name. */
export type Namespace = number | string;

type Cells = Map<string, unknown>;
type Shard = Map<Namespace, Cells>;

/** Cells of one namespace as columns. */
type EncodedCells = [namespace: Namespace, keys: string[], values: unknown];

/** What a commit changed in one table, for JSON: dropped namespaces first, then cells set to absolute values, then cells removed. */
export type TableChanges = {
  readonly d?: readonly Namespace[];
  readonly s?: readonly EncodedCells[];
  readonly r?: readonly [Namespace, string[]][];
};

/** What a commit changed, by table; a chunk has the same form, with cells only. */
export type StateChanges = Readonly<Record<string, TableChanges>>;

/** The range of a chunk: all positions whose leading `level` bits are `prefix`. */
export type ChunkRange = { readonly level: number; readonly prefix: number };

/** Whether a cell at this position, or a whole range of them, takes a change; entries a chunk already holds are left out by it. */
export type Accepts = (position: number) => boolean;

/** Cells of one kind of one step. Values are storable (value-encoding.ts); what `get` returns may be changed in place if `set` follows. */
export class KeyedTable {
  readonly #state: KeyedState;
  #shards = new Map<number, Shard>();
  #touched = new Map<Namespace, Set<string>>();
  #dropped = new Set<Namespace>();
  /** Ranges that may have lost cells with a dropped namespace. */
  #droppedRanges = new Set<number>();

  constructor(state: KeyedState) {
    this.#state = state;
  }

  get(namespace: Namespace, key: string): unknown {
    return this.#shards.get(this.#state.prefixOf(key))?.get(namespace)?.get(key);
  }

  /** What `get` finds of a key in several namespaces: `at(key)?.get(namespace)?.get(key)`, with one look for where the key is. Only for reading. */
  at(key: string): ReadonlyMap<Namespace, ReadonlyMap<string, unknown>> | undefined {
    return this.#shards.get(this.#state.prefixOf(key));
  }

  set(namespace: Namespace, key: string, value: unknown): void {
    this.#cells(namespace, key).set(key, value);
    this.#touch(namespace).add(key);
  }

  /** Merges values into the cells of one namespace: `merge(there, value)` where a cell is there, the value itself where not. */
  merge(
    namespace: Namespace,
    keys: readonly string[],
    values: readonly unknown[],
    merge: (a: unknown, b: unknown) => unknown,
  ): void {
    if (keys.length === 0) return;
    const touched = this.#touch(namespace);
    let cells = this.#cells(namespace, keys[0] as string);
    const sharded = this.#state.level > 0;
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i] as string;
      if (sharded) cells = this.#cells(namespace, key);
      const there = cells.get(key);
      cells.set(key, there === undefined ? values[i] : merge(there, values[i]));
      touched.add(key);
    }
  }

  remove(namespace: Namespace, key: string): void {
    if (this.#delete(namespace, key)) this.#touch(namespace).add(key);
  }

  /** Removes all cells of a namespace, at the price of one change. */
  drop(namespace: Namespace): void {
    let found = false;
    for (const [prefix, shard] of this.#shards) {
      if (!shard.delete(namespace)) continue;
      found = true;
      this.#droppedRanges.add(prefix);
    }
    // Without cells of its own left, what was touched are removals, which the next commit still has to tell.
    if (!found) return;
    for (const key of this.#touched.get(namespace) ?? []) this.#droppedRanges.add(this.#state.prefixOf(key));
    this.#touched.delete(namespace);
    this.#dropped.add(namespace);
  }

  /** The namespaces that have cells, in no order. */
  namespaces(): Set<Namespace> {
    const all = new Set<Namespace>();
    for (const shard of this.#shards.values())
      for (const [namespace, cells] of shard) if (cells.size > 0) all.add(namespace);
    return all;
  }

  /** Calls `visit` for every cell of a namespace. */
  forEach(namespace: Namespace, visit: (key: string, value: unknown) => void): void {
    for (const shard of this.#shards.values()) {
      const cells = shard.get(namespace);
      if (cells !== undefined) for (const [key, value] of cells) visit(key, value);
    }
  }

  /** The cells of a namespace, in parts. Only for reading; what is removed meanwhile is not met again. */
  cellsOf(namespace: Namespace): ReadonlyMap<string, unknown>[] {
    return [...this.#shards.values()].flatMap((shard) => shard.get(namespace) ?? []);
  }

  /** How many cells there are. */
  get size(): number {
    let size = 0;
    for (const shard of this.#shards.values()) for (const cells of shard.values()) size += cells.size;
    return size;
  }

  /** For KeyedState: what was touched since the last call, and the chunk ranges it lies in. */
  takeChanges(touchedRanges: Set<number>): { changes: TableChanges; cells: number } | undefined {
    if (this.#touched.size === 0 && this.#dropped.size === 0) return undefined;
    const set: EncodedCells[] = [];
    const removed: [Namespace, string[]][] = [];
    let cells = 0;
    for (const [namespace, touched] of this.#touched) {
      const keys: string[] = [];
      const values: unknown[] = [];
      const gone: string[] = [];
      for (const key of touched) {
        const prefix = this.#state.prefixOf(key);
        touchedRanges.add(prefix);
        const value = this.#shards.get(prefix)?.get(namespace)?.get(key);
        if (value === undefined) gone.push(key);
        else {
          keys.push(key);
          values.push(value);
        }
      }
      cells += keys.length + gone.length;
      if (keys.length > 0) set.push([namespace, keys, encodeColumn(values)]);
      if (gone.length > 0) removed.push([namespace, gone]);
    }
    for (const prefix of this.#droppedRanges) touchedRanges.add(prefix);
    const changes = {
      ...(this.#dropped.size > 0 && { d: [...this.#dropped] }),
      ...(set.length > 0 && { s: set }),
      ...(removed.length > 0 && { r: removed }),
    };
    this.#touched = new Map();
    this.#dropped = new Set();
    this.#droppedRanges = new Set();
    return { changes, cells };
  }

  /** For KeyedState: the cells of one shard, or of all. */
  encodeShard(prefix: number | undefined): readonly EncodedCells[] {
    const shards =
      prefix === undefined ? [...this.#shards.values()] : [this.#shards.get(prefix) ?? new Map<Namespace, Cells>()];
    const encoded: EncodedCells[] = [];
    for (const shard of shards)
      for (const [namespace, cells] of shard)
        if (cells.size > 0) encoded.push([namespace, [...cells.keys()], encodeColumn([...cells.values()])]);
    return encoded;
  }

  /** For KeyedState: applies a committed change, where `accepts` says so, and notes the ranges in which it did. */
  apply(changes: TableChanges, accepts: Accepts | undefined, touchedRanges: Set<number>): void {
    for (const namespace of changes.d ?? [])
      for (const [prefix, shard] of this.#shards) {
        const cells = shard.get(namespace);
        if (cells === undefined) continue;
        if (accepts === undefined) {
          shard.delete(namespace);
          touchedRanges.add(prefix);
        } else
          for (const key of cells.keys())
            if (accepts(this.#state.positionOf(key))) {
              this.#delete(namespace, key);
              touchedRanges.add(prefix);
            }
      }
    for (const [namespace, keys, column] of changes.s ?? []) {
      const values = decodeColumn(column);
      for (let i = 0; i < keys.length; i++) {
        const key = keys[i] as string;
        if (accepts !== undefined && !accepts(this.#state.positionOf(key))) continue;
        this.#cells(namespace, key).set(key, values[i]);
        touchedRanges.add(this.#state.prefixOf(key));
      }
    }
    for (const [namespace, keys] of changes.r ?? [])
      for (const key of keys) {
        if (accepts !== undefined && !accepts(this.#state.positionOf(key))) continue;
        this.#delete(namespace, key);
        touchedRanges.add(this.#state.prefixOf(key));
      }
  }

  /** For KeyedState: removes all cells that `accepts`. */
  clear(accepts: Accepts): void {
    for (const shard of this.#shards.values())
      for (const [namespace, cells] of shard)
        for (const key of cells.keys()) if (accepts(this.#state.positionOf(key))) this.#delete(namespace, key);
  }

  /** For KeyedState: sorts the cells into the shards of a new level. */
  reshard(): void {
    const before = this.#shards;
    this.#shards = new Map();
    for (const shard of before.values())
      for (const [namespace, cells] of shard)
        for (const [key, value] of cells) this.#cells(namespace, key).set(key, value);
  }

  /** Removes a cell, and its namespace from the shard with the last one: whoever asks for namespaces pays for each. */
  #delete(namespace: Namespace, key: string): boolean {
    const shard = this.#shards.get(this.#state.prefixOf(key));
    const cells = shard?.get(namespace);
    if (cells === undefined || !cells.delete(key)) return false;
    if (cells.size === 0) shard?.delete(namespace);
    return true;
  }

  #cells(namespace: Namespace, key: string): Cells {
    const prefix = this.#state.prefixOf(key);
    let shard = this.#shards.get(prefix);
    if (shard === undefined) {
      shard = new Map();
      this.#shards.set(prefix, shard);
    }
    let cells = shard.get(namespace);
    if (cells === undefined) {
      cells = new Map();
      shard.set(namespace, cells);
    }
    return cells;
  }

  #touch(namespace: Namespace): Set<string> {
    let touched = this.#touched.get(namespace);
    if (touched === undefined) {
      touched = new Set();
      this.#touched.set(namespace, touched);
    }
    return touched;
  }
}

/** What a commit takes from the state. */
export type TakenChanges = {
  readonly changes: StateChanges;
  /** Prefixes, at the current level, of the chunk ranges that were touched. */
  readonly ranges: ReadonlySet<number>;
  readonly cells: number;
};

/** All tables of a task. */
export class KeyedState {
  readonly maxParallelism: number;
  readonly #tables = new Map<string, KeyedTable>();
  #level = 0;
  /** Whose range was asked for last, at the present level. */
  #lastKey: string | undefined;
  #lastPrefix = 0;

  constructor(maxParallelism: number) {
    this.maxParallelism = maxParallelism;
  }

  /** The table with this name; made when first asked for. */
  table(name: string): KeyedTable {
    let table = this.#tables.get(name);
    if (table === undefined) {
      table = new KeyedTable(this);
      this.#tables.set(name, table);
    }
    return table;
  }

  tables(): ReadonlyMap<string, KeyedTable> {
    return this.#tables;
  }

  /** Leading bits of a position that name a chunk's range; 0: one chunk for all. */
  get level(): number {
    return this.#level;
  }

  set level(level: number) {
    if (level === this.#level) return;
    this.#level = level;
    this.#lastKey = undefined;
    for (const table of this.#tables.values()) table.reshard();
  }

  positionOf(key: string): number {
    return positionOf(key, this.maxParallelism);
  }

  /** The range that a key lies in. */
  prefixOf(key: string): number {
    if (this.#level === 0) return 0;
    // What a step keeps of a key lies in several cells and tables, and is looked for one after the other.
    if (key !== this.#lastKey) {
      this.#lastKey = key;
      this.#lastPrefix = positionOf(key, this.maxParallelism) >>> (POSITION_BITS - this.#level);
    }
    return this.#lastPrefix;
  }

  /** How many cells all tables have. */
  get size(): number {
    let size = 0;
    for (const table of this.#tables.values()) size += table.size;
    return size;
  }

  /** What was touched since the last call. Throws MillraceError "unstorable" for a value that cannot be kept. */
  takeChanges(): TakenChanges {
    const ranges = new Set<number>();
    const changes: Record<string, TableChanges> = {};
    let cells = 0;
    // By name: in which order tables came to be differs between a state that was read from its log and one that grew.
    for (const name of [...this.#tables.keys()].sort()) {
      const taken = this.table(name).takeChanges(ranges);
      if (taken === undefined) continue;
      changes[name] = taken.changes;
      cells += taken.cells;
    }
    return { changes, ranges, cells };
  }

  /** The cells of one range, or all: a chunk, or a self-contained entry. */
  encode(prefix?: number): StateChanges {
    const changes: Record<string, TableChanges> = {};
    for (const [name, table] of this.#tables) {
      const cells = table.encodeShard(prefix);
      if (cells.length > 0) changes[name] = { s: cells };
    }
    return changes;
  }

  /** Applies a committed change or a chunk; returns the prefixes, at the current level, of the ranges in which `accepts` let it change anything. */
  apply(changes: StateChanges, accepts?: Accepts): ReadonlySet<number> {
    const ranges = new Set<number>();
    for (const [name, tableChanges] of Object.entries(changes)) this.table(name).apply(tableChanges, accepts, ranges);
    return ranges;
  }

  /** Removes every cell that `accepts`. */
  clear(accepts: Accepts): void {
    for (const table of this.#tables.values()) table.clear(accepts);
  }
}
