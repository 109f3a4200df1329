/**
 * What a pattern keeps of its keys: partial matches, and the elements that were taken, each once.
 *
 * An element has the steps that it was taken for: a stage, and the path that it continues. A path is the number of its last step, so that paths share what they have in common.
 * The head of a key names its partial matches, and holds the few elements that came last, so that most keys are one cell; where there are more of them they move to cells of
 * their own, which are never written again. Elements that none of the partial matches has any more are looked for when there may be as many of them as of the others, and
 * dropped all at once when there is no partial match.
 */

import type { KeyedTable } from "../state/keyed-state.ts";
import { MillraceError } from "../stream/error.ts";
import { type Candidate, EMPTY_PATH, type PathId, type PathLook } from "./pattern-match.ts";

/** A path is the number of its last element, times this, and which step of the element's it is. */
const STEPS_PER_ELEMENT_MAX = 2 ** 20;

/** Elements that a key may have in its partial matches, for each partial match that it may have. */
const STEPS_PER_PARTIAL_MATCH = 25;

/** With fewer steps nobody looks for those that are not needed. */
const SWEPT_STEPS_MIN = 64;

/** Elements that lie in the head of their key. It is written with each one that is taken, so these should be few. */
const NEAR_MAX = 4;

/** `steps`: stage and path before, in turn. */
type ElementCell = readonly [timestampMs: number, value: unknown, steps: readonly number[], number: number];

/** Levels of a cell above an element's value, at most. */
export const VALUE_DEPTH = 3;

/** Candidates as state, path and start in turn. Where elements have cells of their own, their numbers and how many steps there were, of all and when they were last swept. */
type Head = readonly [
  next: number,
  partials: readonly number[],
  waiting: readonly number[],
  near: readonly ElementCell[],
  ...far: [] | [elements: readonly number[], steps: number, sweptSteps: number],
];

/** The namespace of heads; elements lie under their numbers. */
const HEAD = "";

/** What is kept of one key while its elements are matched; `save` puts it back. */
export class PatternMemory implements PathLook {
  readonly #table: KeyedTable;
  readonly #key: string;
  readonly #partialsMax: number;
  partials: readonly Candidate[];
  /** Complete, behind a partial match that may still come first. */
  waiting: readonly Candidate[];
  #next: number;
  /** By number, in order. */
  readonly #near = new Map<number, ElementCell>();
  /** The numbers of the elements that have cells of their own. */
  #far: readonly number[];
  #steps: number;
  #sweptSteps: number;
  readonly #before: Head | undefined;
  /** The element that is being matched. */
  #current: readonly [timestampMs: number, value: unknown, steps: number[], number: number];

  /** `key` is encoded. */
  constructor(table: KeyedTable, key: string, partialsMax: number) {
    this.#table = table;
    this.#key = key;
    this.#partialsMax = partialsMax;
    const head = table.get(HEAD, key) as Head | undefined;
    const [next, partials, waiting, near, far = [], steps = 0, sweptSteps = 0] = head ?? [0, [], [], []];
    this.#before = head;
    this.#next = next;
    this.partials = toCandidates(partials);
    this.waiting = toCandidates(waiting);
    this.#far = far;
    this.#steps = steps;
    this.#sweptSteps = sweptSteps;
    for (const cell of near) {
      this.#near.set(cell[3], cell);
      if (far.length === 0) this.#steps += cell[2].length / 2;
    }
    this.#current = [0, undefined, [], next];
  }

  /** An element is going to be matched; returns its number. */
  begin(timestampMs: number, value: unknown): number {
    this.#current = [timestampMs, value, [], this.#next];
    return this.#next;
  }

  /** Takes the element for a stage, behind a path. */
  take(stage: number, before: PathId): PathId {
    const steps = this.#current[2];
    const n = steps.length / 2;
    if (n === STEPS_PER_ELEMENT_MAX) throw this.#tooMany();
    steps.push(stage, before);
    return this.#next * STEPS_PER_ELEMENT_MAX + n;
  }

  /**
   * The element was matched, and `partials` and `waiting` are what goes on: keeps it, if it was taken. Throws a MillraceError "unstorable" where that is more than a key may
   * have; what was done is to be forgotten then.
   */
  keep(): void {
    const steps = this.#current[2];
    if (steps.length === 0) return;
    this.#near.set(this.#next, this.#current);
    this.#next++;
    this.#steps += steps.length / 2;
    if (this.partials.length + this.waiting.length > this.#partialsMax) throw this.#tooMany();
    if (this.#steps <= this.#partialsMax * STEPS_PER_PARTIAL_MATCH) return;
    this.#sweep();
    if (this.#steps > this.#partialsMax * STEPS_PER_PARTIAL_MATCH) throw this.#tooMany();
  }

  /** Writes what changed. */
  save(): void {
    if (this.partials.length + this.waiting.length === 0) {
      for (const number of this.#far) this.#table.remove(number, this.#key);
      this.#table.remove(HEAD, this.#key);
      return;
    }
    const isOverfull = this.#near.size > NEAR_MAX;
    if (this.#steps > Math.max(2 * this.#sweptSteps, SWEPT_STEPS_MIN) || (isOverfull && this.#far.length === 0))
      this.#sweep();
    if (this.#near.size > NEAR_MAX) {
      for (const [number, cell] of this.#near) this.#table.set(number, this.#key, cell);
      this.#far = [...this.#far, ...this.#near.keys()];
      this.#near.clear();
    }
    const partials = toNumbers(this.partials);
    const waiting = toNumbers(this.waiting);
    if (this.#isAsBefore(partials, waiting)) return;
    const own = [this.#next, partials, waiting, [...this.#near.values()]] as const;
    const head: Head = this.#far.length === 0 ? own : [...own, this.#far, this.#steps, this.#sweptSteps];
    this.#table.set(HEAD, this.#key, head);
  }

  /** Nothing was taken since, and nothing dropped. */
  #isAsBefore(partials: readonly number[], waiting: readonly number[]): boolean {
    if (this.#before === undefined) return false;
    const [next, partialsBefore, waitingBefore, near, far = [], , sweptSteps = 0] = this.#before;
    return (
      next === this.#next &&
      near.length === this.#near.size &&
      far.length === this.#far.length &&
      sweptSteps === this.#sweptSteps &&
      areSame(partials, partialsBefore) &&
      areSame(waiting, waitingBefore)
    );
  }

  timestampOf(number: number): number {
    return this.#cell(number)[0];
  }

  lastOf(path: PathId): number {
    return Math.floor(path / STEPS_PER_ELEMENT_MAX);
  }

  elementsOf(path: PathId, stage: number): readonly number[] {
    const found: number[] = [];
    this.#walk(path, (number, of) => {
      if (of === stage) found.push(number);
      return true;
    });
    return found.reverse();
  }

  /** The elements of a path by stage, in order. */
  valuesOf(path: PathId, stages: number): readonly (readonly unknown[])[] {
    const found: unknown[][] = [];
    for (let stage = 0; stage < stages; stage++) found.push([]);
    this.#walk(path, (number, stage) => {
      found[stage]?.push(this.#cell(number)[1]);
      return true;
    });
    for (const values of found) if (values.length > 1) values.reverse();
    return found;
  }

  /** From the last step to the first, as long as `visit` says so. */
  #walk(from: PathId, visit: (number: number, stage: number, path: PathId) => boolean): void {
    for (let path = from; path !== EMPTY_PATH; ) {
      const number = this.lastOf(path);
      const at = 2 * (path % STEPS_PER_ELEMENT_MAX);
      const steps = this.#cell(number)[2];
      if (!visit(number, steps[at] as number, path)) return;
      path = steps[at + 1] as number;
    }
  }

  #cell(number: number): ElementCell {
    // Before it is kept, the current one is nowhere else.
    if (number === this.#current[3]) return this.#current;
    return this.#near.get(number) ?? (this.#table.get(number, this.#key) as ElementCell);
  }

  /** Drops the elements that no candidate has. */
  #sweep(): void {
    const paths = new Set<PathId>();
    const live = new Set<number>();
    for (const { path: end } of [...this.partials, ...this.waiting])
      this.#walk(end, (number, _, path) => {
        // What is before it was walked already.
        if (paths.has(path)) return false;
        paths.add(path);
        live.add(number);
        return true;
      });
    let steps = 0;
    const count = (number: number) => {
      steps += this.#cell(number)[2].length / 2;
    };
    for (const number of this.#near.keys())
      if (live.has(number)) count(number);
      else this.#near.delete(number);
    this.#far = this.#far.filter((number) => {
      if (live.has(number)) count(number);
      else this.#table.remove(number, this.#key);
      return live.has(number);
    });
    this.#steps = steps;
    this.#sweptSteps = steps;
  }

  #tooMany(): MillraceError {
    return new MillraceError(
      "unstorable",
      `the element would give its key more than ${this.#partialsMax} partial matches, or ${this.#partialsMax * STEPS_PER_PARTIAL_MATCH} elements in them: say within() or afterMatch(), stricter conditions, or a larger partialMatchesMax`,
    );
  }
}

function toCandidates(numbers: readonly number[]): readonly Candidate[] {
  const candidates: Candidate[] = [];
  for (let i = 0; i < numbers.length; i += 3)
    candidates.push({ state: numbers[i] as number, path: numbers[i + 1] as number, start: numbers[i + 2] as number });
  return candidates;
}

function toNumbers(candidates: readonly Candidate[]): number[] {
  const numbers: number[] = [];
  for (const { state, path, start } of candidates) numbers.push(state, path, start);
  return numbers;
}

function areSame(a: readonly number[], b: readonly number[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** When the first partial match of a key has begun; undefined where it has none. */
export function firstStartMs(table: KeyedTable, key: string): number | undefined {
  const [, partials, , near] = (table.get(HEAD, key) ?? []) as Partial<Head>;
  const start = partials?.[2];
  if (start === undefined) return undefined;
  const cell = near?.find(([, , , number]) => number === start) ?? (table.get(start, key) as ElementCell);
  return cell[0];
}

/** Visits the keys that have anything. */
export function forEachHead(table: KeyedTable, visit: (key: string) => void): void {
  table.forEach(HEAD, visit);
}
