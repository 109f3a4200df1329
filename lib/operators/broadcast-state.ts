/**
 * What a step keeps of a broadcast side: the same in every task, as every task is given the same elements. It lies in keyed tables as all state does, with an entry's
 * name as its key: a task's chunks cover all keys, not only those of its own groups, so that each task commits, restores and undoes a copy of its own.
 */

import type { KeyedTable } from "../state/keyed-state.ts";
import type { TableView } from "../stream/broadcast.ts";
import { MillraceError } from "../stream/error.ts";
import { decodeKey, encodeKey, type Key } from "../stream/key.ts";
import type { BroadcastNode } from "../stream/node.ts";
import { type MapState, STATE_KINDS, type StateSpec, type ValueState } from "../stream/process-state.ts";
import { type CallScope, ENTRIES_MAX, StateRules } from "./state-scope.ts";
import type { Caller, StepSetup } from "./step.ts";

/** There is one cell per name. */
const NAMESPACE = "";

/** The name of what a valueState keeps. */
const ONLY = "";

/** When what is broadcast may be read, and when changed: otherwise it would not be the same in all tasks. */
export class BroadcastTurn {
  #isOpen = false;
  /** Whether the call whose turn it is has an element of the broadcast side. */
  mayWrite = false;

  open(): void {
    this.#isOpen = true;
  }

  close(): void {
    this.#isOpen = false;
  }

  /** Throws a MillraceError "author" outside of a call. */
  requireOpen(what: string): void {
    if (!this.#isOpen)
      throw new MillraceError("author", `${what} is used outside of the call that it was given to: do not keep it`);
  }

  /** Throws a MillraceError "author" outside of onBroadcast. */
  requireWritable(what: string): void {
    this.requireOpen(what);
    if (!this.mayWrite)
      throw new MillraceError(
        "author",
        `${what} is changed outside of onBroadcast: it is to be the same in every task, and only onBroadcast is called in all of them`,
      );
  }
}

type Sorted = readonly (readonly [name: string, value: unknown])[];

/** Entries by encoded names, which are looked through in one order whatever they were made by: a change, or a log. */
class Entries {
  readonly #table: KeyedTable;
  #sorted: Sorted | undefined;

  constructor(table: KeyedTable) {
    this.#table = table;
  }

  get(name: string): unknown {
    return this.#table.get(NAMESPACE, name);
  }

  set(name: string, value: unknown): void {
    this.#table.set(NAMESPACE, name, value);
    this.#sorted = undefined;
  }

  remove(name: string): void {
    this.#table.remove(NAMESPACE, name);
    this.#sorted = undefined;
  }

  clear(): void {
    this.#table.drop(NAMESPACE);
    this.#sorted = undefined;
  }

  get size(): number {
    return this.#table.size;
  }

  all(): Sorted {
    if (this.#sorted === undefined) {
      const entries: [string, unknown][] = [];
      this.#table.forEach(NAMESPACE, (name, value) => entries.push([name, value]));
      this.#sorted = entries.sort(([a], [b]) => (a < b ? -1 : 1));
    }
    return this.#sorted;
  }
}

/** The newest value of each key of a broadcast table. */
export type KeptTable = {
  readonly view: TableView<unknown, unknown>;
  /** Takes a change; null deletes. */
  readonly put: (key: Key, value: unknown) => void;
};

export function broadcastTable({ tables }: StepSetup, call: Caller, turn: BroadcastTurn): KeptTable {
  const entries = new Entries(tables("broadcast"));
  const opened = () => {
    turn.requireOpen("the broadcast table");
    return entries;
  };
  const toShown = (value: unknown) => {
    call.freeze?.(value);
    return value;
  };
  return {
    view: {
      get: (key) => toShown(opened().get(encodeKey(key))),
      has: (key) => opened().get(encodeKey(key)) !== undefined,
      entries: () =>
        opened()
          .all()
          .map(([name, value]) => [decodeKey(name), toShown(value)] as const),
      keys: () =>
        opened()
          .all()
          .map(([name]) => decodeKey(name)),
      values: () =>
        opened()
          .all()
          .map(([, value]) => toShown(value)),
      get size() {
        return opened().size;
      },
    },
    put(key, value) {
      if (value === null) entries.remove(encodeKey(key));
      else entries.set(encodeKey(key), value);
    },
  };
}

/** The handles of the declared states of a broadcast stream, by name. Throws MillraceError "state-unusable" where one was kept as another kind. */
export function broadcastStates(
  states: Exclude<BroadcastNode["keeps"], "table">,
  scope: CallScope,
  setup: StepSetup,
  turn: BroadcastTurn,
): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    states.map(({ name, spec }) => {
      const tableOf = (kind: string) => setup.tables(`broadcast/${name}/${kind}`);
      for (const kind of STATE_KINDS)
        if (kind !== spec.state && tableOf(kind).size > 0)
          throw new MillraceError(
            "state-unusable",
            `The broadcast state "${name}" was kept as ${kind}State by an earlier version of the code and is a ${spec.state}State now: give it another name, or reset the function.`,
          );
      return [name, handleOf(spec, tableOf(spec.state), new StateRules(name, spec, scope, setup), turn)];
    }),
  );
}

function handleOf(spec: StateSpec, table: KeyedTable, rules: StateRules, turn: BroadcastTurn): unknown {
  const entries = new Entries(table);
  const { what } = rules;
  const opened = () => {
    turn.requireOpen(what);
    return entries;
  };
  const writable = () => {
    turn.requireWritable(what);
    return entries;
  };
  const shown = (value: unknown) => (value === undefined ? undefined : rules.toShown(value));
  if (spec.state === "value") {
    const value: ValueState<unknown> = {
      get: () => shown(opened().get(ONLY)),
      set: (value) => writable().set(ONLY, rules.toKept(value)),
      clear: () => writable().remove(ONLY),
    };
    return value;
  }
  const map: MapState<unknown> = {
    get: (name) => shown(opened().get(encodeName(name, what))),
    set(name, value) {
      const encoded = encodeName(name, what);
      const kept = rules.toKept(value, `an entry of ${what}`);
      rules.requireKeepable(name, `a name in ${what}`);
      if (writable().get(encoded) === undefined && entries.size >= ENTRIES_MAX)
        throw new MillraceError("unstorable", `${what} has ${ENTRIES_MAX} entries, which is as many as a map may have`);
      entries.set(encoded, kept);
    },
    has: (name) => opened().get(encodeName(name, what)) !== undefined,
    delete(name) {
      const encoded = encodeName(name, what);
      const wasThere = writable().get(encoded) !== undefined;
      if (wasThere) entries.remove(encoded);
      return wasThere;
    },
    entries: () =>
      opened()
        .all()
        .map(([name, value]) => [decodeKey(name) as string, shown(value)] as const),
    keys: () =>
      opened()
        .all()
        .map(([name]) => decodeKey(name) as string),
    values: () =>
      opened()
        .all()
        .map(([, value]) => shown(value)),
    get size() {
      return opened().size;
    },
    clear: () => writable().clear(),
  };
  return map;
}

function encodeName(name: unknown, what: string): string {
  if (typeof name === "string") return encodeKey(name);
  throw new MillraceError("author", `${what} has strings for names, not ${typeof name}: use String(…)`);
}
