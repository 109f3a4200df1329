/** What the handles of a process function's states share: whose state it is at the moment, the checks of values, and their time to live. */

import type { KeyedTable, Namespace } from "../state/keyed-state.ts";
import { requireStorable } from "../state/value-encoding.ts";
import { MillraceError } from "../stream/error.ts";
import type { StateSpec } from "../stream/process-state.ts";
import type { Caller, StepSetup } from "./step.ts";
import { Timers } from "./timers.ts";

/** A value of state is at most this long, in characters of its texts, bytes, and a few for everything else. */
const VALUE_LENGTH_MAX = 1 << 20;

/** Elements of a list, entries of a map. */
export const ENTRIES_MAX = 1_000_000;

/** So many cells that have expired are looked at in one advance; the others have expired all the same. */
const SWEPT_MAX = 50_000;

/** Expired state wakes nobody at once: it is dropped with a delay of this part of its time to live, or of ten minutes. */
const SWEEP_DELAY_PART = 8;
const SWEEP_DELAY_MAX_MS = 600_000;

/** Whose turn it is. Handles work only while it is that of an author's function of the step. */
export class CallScope {
  readonly call: Caller;
  /** Encoded. */
  #key = "";
  #isOpen = false;

  constructor(call: Caller) {
    this.call = call;
  }

  open(key: string): void {
    this.#key = key;
    this.#isOpen = true;
  }

  close(): void {
    this.#isOpen = false;
  }

  /** The encoded key. Throws MillraceError "author" outside of a call. */
  keyFor(what: string): string {
    if (!this.#isOpen)
      throw new MillraceError("author", `${what} is used outside of the call that it was given to: do not keep it`);
    return this.#key;
  }
}

/** What states find around them. */
export type StateSetup = Pick<StepSetup, "tables" | "time">;

/** Where the cells of a state lie. */
export type StateTable = Pick<KeyedTable, "get" | "set" | "remove">;

/** One declared state of a step: its checks, and when what it keeps is too old. */
export class StateRules {
  /** For sentences. */
  readonly what: string;
  readonly scope: CallScope;
  readonly #check: StateSpec["check"];
  readonly #time: { readonly nowMs: number };
  readonly #ttlMs: number | undefined;
  readonly #onRead: boolean;
  /** The oldest time at which something in a cell was used, or an earlier one: a cell is looked at once in its time to live, not moved at each use. */
  readonly #sweeps: Timers | undefined;

  constructor(name: string, spec: StateSpec, scope: CallScope, { tables, time }: StateSetup) {
    this.what = `the state "${name}"`;
    this.scope = scope;
    this.#check = spec.check;
    this.#time = time;
    this.#ttlMs = spec.ttlMs;
    this.#onRead = spec.refresh === "read";
    this.#sweeps = spec.ttlMs === undefined ? undefined : new Timers(tables, `state/${name}/use`);
  }

  get expires(): boolean {
    return this.#sweeps !== undefined;
  }

  /** Whether a use at `usedMs` is too long ago. What was kept before there was a time to live has none. */
  isOver(usedMs: number | null | undefined): boolean {
    return this.#ttlMs !== undefined && typeof usedMs === "number" && usedMs + this.#ttlMs <= this.#time.nowMs;
  }

  /** What to note as the time of a use: now where there is a time to live. */
  get nowMs(): number | null {
    return this.expires ? this.#time.nowMs : null;
  }

  /** Whether reading what was used at `usedMs` is a use to be noted. */
  isRefreshedBy(usedMs: number | null | undefined): boolean {
    return this.#onRead && this.expires && usedMs !== this.#time.nowMs;
  }

  /** A cell was written: it will be looked at when it may have expired. */
  written(namespace: Namespace, key: string, usedMs = this.#time.nowMs): void {
    if (this.#sweeps !== undefined && !this.#sweeps.hasAny(namespace, key)) this.#sweeps.set(namespace, key, usedMs);
  }

  /** Looks at cells that may have expired: `sweep` drops what has, and returns the time of the oldest use that is left. */
  sweep(sweep: (namespace: Namespace, key: string) => number | undefined): void {
    const sweeps = this.#sweeps;
    if (sweeps === undefined) return;
    sweeps.advance(
      this.#time.nowMs - (this.#ttlMs as number),
      (namespace, key) => {
        const oldestMs = sweep(namespace, key);
        if (oldestMs !== undefined) this.written(namespace, key, oldestMs);
      },
      (swept) => swept === SWEPT_MAX,
    );
  }

  /** When something has to be swept. */
  nextSweepMs(): number {
    if (this.#sweeps === undefined) return Number.POSITIVE_INFINITY;
    const ttlMs = this.#ttlMs as number;
    return this.#sweeps.nextMs() + ttlMs + Math.min(SWEEP_DELAY_MAX_MS, Math.ceil(ttlMs / SWEEP_DELAY_PART));
  }

  /** A value that is to be kept, as its schema has it. */
  toKept(value: unknown, what = this.what): unknown {
    if (value === undefined)
      throw new MillraceError("unstorable", `${what} cannot be set to undefined: use clear(), or null for nothing`);
    const kept = this.#check === undefined ? value : this.#checked(value, `${what} was given`);
    this.requireKeepable(kept, what);
    this.scope.call.freeze?.(kept);
    return kept;
  }

  requireKeepable(value: unknown, what = this.what): void {
    if (value === undefined) throw new MillraceError("unstorable", `${what} cannot become undefined`);
    requireStorable(value, what);
    requireShort(value, what, ": keep parts of it under names of their own, in a mapState");
  }

  /** A value that was kept, as it is handed out. */
  toShown(value: unknown): unknown {
    const shown =
      this.#check === undefined
        ? value
        : this.#checked(value, `An earlier version of the code kept in ${this.what} what its schema now refuses`);
    this.scope.call.freeze?.(shown);
    return shown;
  }

  #checked(value: unknown, prefix: string): unknown {
    try {
      return (this.#check as (value: unknown) => unknown)(value);
    } catch (cause) {
      if (!(cause instanceof MillraceError) || cause.code !== "format") throw cause;
      throw new MillraceError("format", `${prefix}: ${cause.message}`, { cause });
    }
  }
}

/** A value of more characters would make every entry and chunk that it is in too large. */
export function requireShort(value: unknown, what: string, instead: string): void {
  if (lengthLeft(value, VALUE_LENGTH_MAX) < 0)
    throw new MillraceError("unstorable", `a value of ${what} is longer than ${VALUE_LENGTH_MAX} characters${instead}`);
}

/** What is left of `left` when the length of a value is taken off; negative where it is longer. */
function lengthLeft(value: unknown, left: number): number {
  if (typeof value === "string") return left - value.length;
  if (typeof value !== "object" || value === null) return left - 8;
  if (value instanceof Uint8Array) return left - value.length;
  let rest = left - 8;
  if (Array.isArray(value)) for (let i = 0; i < value.length && rest >= 0; i++) rest = lengthLeft(value[i], rest);
  else
    for (const name in value) {
      rest = lengthLeft((value as Record<string, unknown>)[name], rest - name.length);
      if (rest < 0) break;
    }
  return rest;
}
