/**
 * Units of a batch: what becomes a dead letter as a whole when author's code throws in it, with nothing left of what it did before it threw.
 *
 * A batch is a pure function of state and input, so undoing is: forget everything, process the batch again, and leave those units out. The first
 * pass goes on after a failure, to find as many as it can at once: all that failed before they came to state, and the first of the others. What fails
 * after that one may fail only for what it left behind, and is judged again in the next pass.
 */

import type { TaskGuard } from "../operators/chain.ts";
import type { AskScope } from "../operators/step.ts";
import type { AuthorCalls } from "./author-calls.ts";
import { type ResultDetail, toResultDetail } from "./dead-letter.ts";

/** Why a unit failed, and in which step. */
export type Problem = { readonly error: Error; readonly step: string };

/** A unit: an input record's offset, `offset:element` or `offset/side:element` inside a bundle, or what names a timer's result. */
export type UnitId = number | string;

/** A dead letter without an input record: the result of a timer. */
export type FailedResult = {
  readonly problem: Problem;
  readonly shown: unknown;
  /** What it takes to fire it again, as it was then: the cell it came from may change before the commit. */
  readonly detail: ResultDetail;
};

export class Units {
  readonly #calls: AuthorCalls;
  /** Known to fail: left out. */
  bad = new Map<UnitId, Problem>();
  /** Some unit failed in this pass: all that was done must be forgotten. */
  failed = false;
  /** Something failed that belongs to no unit: the next pass must go step by step. */
  careful = false;
  failedResults: FailedResult[] = [];
  /** How many results were made in this pass, by timers and by elements. */
  results = 0;
  /** Units are not blamed for what others left behind in state. Given up where many fail, as it takes a pass for each. */
  exact = true;
  /** A unit that failed in this pass had reached state, which may hold what should not be there. */
  #stateIsSpoilt = false;
  /** The unit of input that is being processed; undefined while timers fire. */
  #within: UnitId | undefined;
  #element: number | undefined;
  /** How often each result was made within it. */
  readonly #results = new Map<string, number>();
  /** The result that is being fired: its id, or what gives it. */
  #result: UnitId | (() => string) | undefined;
  /** The unit that is being processed, once it has something to ask. */
  #scope: AskScope | undefined;
  /** What this pass has left in state should not be there. */
  #isVoid = false;

  constructor(calls: AuthorCalls) {
    this.#calls = calls;
  }

  /** A pass begins. */
  begin(): void {
    this.failed = false;
    this.failedResults = [];
    this.results = 0;
    this.#stateIsSpoilt = false;
    this.#isVoid = false;
    this.enter(undefined);
  }

  /** Whether there is nothing to be asked in this pass any more: what would be asked may come of what will be undone. */
  get isVoid(): boolean {
    return this.#isVoid;
  }

  /** Remembers that a unit failed. `readState`: that may have depended on state. */
  fail(unit: UnitId, error: unknown, readState = this.#calls.caller.reachedState): void {
    this.failed = true;
    this.#isVoid ||= this.#calls.caller.reachedState;
    if (readState && this.exact && this.#stateIsSpoilt) return;
    this.#stateIsSpoilt ||= this.#calls.caller.reachedState;
    this.bad.set(unit, {
      error: error instanceof Error ? error : new Error(String(error)),
      step: this.#calls.caller.step,
    });
  }

  /** Remembers that something failed outside of any unit. Throws when that happened in a pass that went step by step already. */
  failSomewhere(error: unknown): void {
    if (this.careful) throw error;
    this.failed = true;
    this.#isVoid = true;
    this.careful = true;
  }

  /** What is guarded from here on belongs to a unit of input, or to none: the same result made for two of them is two units. */
  enter(unit: UnitId | undefined, element?: number): void {
    if (this.#scope !== undefined) this.#leaveScope();
    this.#within = unit;
    this.#element = element;
    this.#calls.caller.reachedState = false;
    if (this.#results.size > 0) this.#results.clear();
  }

  /** The unit that is being processed, for what is asked on its behalf. */
  readonly scope = (): AskScope => {
    this.#scope ??= {
      id: this.#idOf(),
      isResult: this.#result !== undefined,
      reachedState: false,
      asked: 0,
      answered: 0,
    };
    return this.#scope;
  };

  #idOf(): UnitId | undefined {
    if (this.#result !== undefined) return typeof this.#result === "function" ? this.#result() : this.#result;
    return this.#element === undefined ? this.#within : `${this.#within}:${this.#element}`;
  }

  #leaveScope(): void {
    if (this.#scope !== undefined) this.#scope.reachedState ||= this.#calls.caller.reachedState;
    this.#scope = undefined;
  }

  /** Goes on with a unit that was answered: what throws is its failure. Results made here are others than those made before. */
  resume(scope: AskScope, run: () => void): void {
    const { caller } = this.#calls;
    this.enter(scope.id === undefined ? undefined : `${scope.id}, answer ${scope.answered++}`);
    this.#scope = scope;
    caller.reachedState = scope.reachedState;
    try {
      run();
    } catch (error) {
      if (scope.id === undefined) this.failSomewhere(error);
      else this.fail(scope.id, error, scope.isResult || caller.reachedState);
    }
    this.enter(undefined);
  }

  readonly guard: TaskGuard = (unit, run, result) => {
    this.results++;
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
        const { shown, ...fired } = result();
        this.failedResults.push({ problem, shown, detail: toResultDetail(fired) });
        return;
      }
    }
    const { caller } = this.#calls;
    const outside = caller.reachedState;
    const outerScope = this.#scope;
    const outerResult = this.#result;
    this.#scope = undefined;
    this.#result = id ?? unit;
    // A result alone changes nothing; what it is pushed into may.
    caller.reachedState = false;
    try {
      run();
    } catch (error) {
      this.fail(id ?? unit(), error, true);
    }
    this.#leaveScope();
    this.#scope = outerScope;
    this.#result = outerResult;
    caller.reachedState ||= outside;
  };
}
