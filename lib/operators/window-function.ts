/**
 * An author's function of windows: called with what a window holds, and when the window is forgotten; with state per window, which goes with it, and per key.
 * After Flink's ProcessWindowFunction.
 */

import type { KeyedTable } from "../state/keyed-state.ts";
import type { Key } from "../stream/key.ts";
import type { WindowNode } from "../stream/node.ts";
import { nameOf, type Span, toWindow } from "../windows/assign.ts";
import { type MadeState, makeStates } from "./process-states.ts";
import { CallScope } from "./state-scope.ts";
import type { StepSetup } from "./step.ts";

/** A window of a key. */
export type OneWindow = { readonly span: Span; readonly encoded: string; readonly key: Key | null };

export class WindowFunction {
  readonly #node: NonNullable<WindowNode["process"]>;
  readonly #setup: StepSetup;
  readonly #scope: CallScope;
  readonly #windowStates: readonly MadeState[];
  readonly #globalStates: readonly MadeState[];
  readonly #handles: { readonly windowState: object; readonly globalState: object };
  /** The window whose turn it is. */
  #name = "";

  constructor(node: NonNullable<WindowNode["process"]>, setup: StepSetup) {
    this.#node = node;
    this.#setup = setup;
    this.#scope = new CallScope(setup.call);
    const { tables, time } = setup;
    const under = (prefix: string) => ({ time, tables: (suffix: string) => tables(`${prefix}/${suffix}`) });
    // Cells of one window are called by its name and by what the state calls them.
    const ofWindow = (table: KeyedTable): Pick<KeyedTable, "get" | "set" | "remove"> => ({
      get: (name, key) => table.get(`${this.#name} ${name}`, key),
      set: (name, key, value) => table.set(`${this.#name} ${name}`, key, value),
      remove: (name, key) => table.remove(`${this.#name} ${name}`, key),
    });
    this.#windowStates = makeStates(node.windowStates, this.#scope, under("window"), ofWindow);
    this.#globalStates = makeStates(node.globalStates, this.#scope, under("global"));
    const handlesOf = (states: readonly MadeState[]) =>
      Object.fromEntries(states.map(({ name, cells }) => [name, cells.handle]));
    this.#handles = { windowState: handlesOf(this.#windowStates), globalState: handlesOf(this.#globalStates) };
  }

  /** Hands on what the function makes of a window. */
  run(one: OneWindow, held: unknown, timestampMs: number, timestampsMs: readonly number[] | undefined): void {
    const { call, out } = this.#setup;
    const context = {
      ...this.#contextOf(one, timestampMs),
      ...(timestampsMs !== undefined && { timestampsMs }),
    };
    call.step = "window (process)";
    this.#within(one, () => {
      for (const result of this.#node.fn(held, context) as Iterable<unknown>) {
        // Behind it another step runs, with the same state in hand that nobody is to use there.
        this.#scope.close();
        out(result, one.key, timestampMs);
        call.step = "window (process)";
        this.#open(one);
      }
    });
  }

  /** A window is forgotten: the author's last word on it. */
  clear(one: OneWindow, timestampMs: number): void {
    const { clear } = this.#node;
    if (clear === undefined) return;
    this.#within(one, () => clear(this.#contextOf(one, timestampMs)));
  }

  /** Drops the state of a window. */
  drop(one: OneWindow): void {
    if (this.#windowStates.length === 0) return;
    this.#within(one, () => {
      for (const { cells } of this.#windowStates) (cells.handle as { clear(): void }).clear();
    });
  }

  /** Drops state that has expired. */
  sweep(): void {
    for (const { rules, cells } of this.#globalStates) rules.sweep(cells.sweep);
  }

  /** When something will have to be swept. */
  nextSweepMs(): number {
    return this.#globalStates.reduce((ms, { rules }) => Math.min(ms, rules.nextSweepMs()), Number.POSITIVE_INFINITY);
  }

  #contextOf({ span, key }: OneWindow, timestampMs: number): object {
    const { log, metrics } = this.#setup.call.ctx;
    const { nowMs } = this.#setup.time;
    return { key, window: toWindow(span), timestampMs, processingTimeMs: nowMs, log, metrics, ...this.#handles };
  }

  #open({ span, encoded }: OneWindow): void {
    this.#name = nameOf(span);
    this.#scope.open(encoded);
  }

  #within(one: OneWindow, run: () => void): void {
    this.#open(one);
    try {
      run();
    } finally {
      this.#scope.close();
    }
  }
}
