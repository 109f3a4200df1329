/**
 * Units of a batch: what becomes a dead letter as a whole when author's code throws in it, with nothing left of what it did before it threw.
 *
 * A batch is a pure function of state and input, so undoing is: forget everything, process the batch again, and leave those units out. The first
 * pass goes on after a failure, to find as many as it can at once.
 */

import type { Guard } from "../operators/step.ts";
import type { AuthorCalls } from "./author-calls.ts";

/** Why a unit failed, and in which step. */
export type Problem = { readonly error: Error; readonly step: string };

/** A unit: an input record's offset, `offset:element` inside a bundle, or what names a timer's result. */
export type UnitId = number | string;

/** A dead letter without an input record: the result of a timer. */
export type FailedResult = { readonly problem: Problem; readonly result: unknown };

export class Units {
  readonly #calls: AuthorCalls;
  /** Known to fail: left out. */
  bad = new Map<UnitId, Problem>();
  /** Some unit failed in this pass: all that was done must be forgotten. */
  failed = false;
  /** Something failed that belongs to no unit: the next pass must go step by step. */
  careful = false;
  failedResults: FailedResult[] = [];
  /** The unit of input that is being processed; undefined while timers fire. */
  #within: UnitId | undefined;
  #element: number | undefined;
  /** How often each result was made within it. */
  readonly #results = new Map<string, number>();

  constructor(calls: AuthorCalls) {
    this.#calls = calls;
  }

  /** Remembers that a unit failed. */
  fail(unit: UnitId, error: unknown): void {
    this.failed = true;
    this.bad.set(unit, {
      error: error instanceof Error ? error : new Error(String(error)),
      step: this.#calls.caller.step,
    });
  }

  /** Remembers that something failed outside of any unit. Throws when that happened in a pass that went step by step already. */
  failSomewhere(error: unknown): void {
    if (this.careful) throw error;
    this.failed = true;
    this.careful = true;
  }

  /** What is guarded from here on belongs to a unit of input, or to none: the same result made for two of them is two units. */
  enter(unit: UnitId | undefined, element?: number): void {
    this.#within = unit;
    this.#element = element;
    if (this.#results.size > 0) this.#results.clear();
  }

  readonly guard: Guard = (unit, run, result) => {
    const within = this.#within;
    let id: string | undefined;
    if (within !== undefined) {
      const name = unit();
      const n = this.#results.get(name) ?? 0;
      this.#results.set(name, n + 1);
      id = `${within}:${this.#element ?? ""}, ${n}: ${name}`;
    }
    if (this.bad.size > 0) {
      id ??= unit();
      const problem = this.bad.get(id);
      if (problem !== undefined) {
        this.failedResults.push({ problem, result: result() });
        return;
      }
    }
    try {
      run();
    } catch (error) {
      this.fail(id ?? unit(), error);
    }
  };
}
