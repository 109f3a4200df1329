/**
 * What an element, and time, do to the partial matches of a key, after Flink's NFA: pure but for the elements that are taken, which whoever calls keeps.
 *
 * Partial matches are in order of their first elements; those of one in the order in which they came to be.
 */

import type { SkipStrategy } from "../stream/pattern-spec.ts";
import type { Automaton, ConditionId, State } from "./pattern-automaton.ts";

/** What was taken so far, by a number that its keeper gives: the last step of a path. */
export type PathId = number;

/** Nothing was taken yet. */
export const EMPTY_PATH: PathId = -1;

/** A sequence that has begun, and the state that waits for what comes next. */
export type Candidate = {
  readonly state: number;
  readonly path: PathId;
  /** The number of its first element; those of a key are counted in the order in which they are matched. */
  readonly start: number;
};

/** An element that is being matched. */
export interface MatchedElement {
  readonly number: number;
  /** From here on it is `path` that it would continue. */
  turnTo(path: PathId): void;
  /** Whether a condition holds of it, for the path. */
  holds(condition: ConditionId): boolean;
  /** Takes it for a stage: the path and it. */
  take(stage: number): PathId;
}

/** Partial matches that go on, and matches that are complete. */
export type Matched = { readonly partials: Candidate[]; readonly complete: Candidate[] };

/** Gives an element to all partial matches, and to a new one. */
export function matchElement(
  { states, start }: Automaton,
  before: readonly Candidate[],
  element: MatchedElement,
): Matched {
  const partials: Candidate[] = [];
  const complete: Candidate[] = [];
  const open: number[] = [];

  const feed = (from: number, path: PathId, first: number, isNew: boolean) => {
    element.turnTo(path);
    const goingOn = partials.length;
    let stopped = false;
    open.push(from);
    for (let index = open.pop(); index !== undefined; index = open.pop()) {
      const state = states[index] as State;
      for (const { action, to, tests } of state.edges) {
        if (!tests.every(({ condition, holds }) => element.holds(condition) === holds)) continue;
        if (action === "proceed") open.push(to);
        else if (action === "stop") stopped = true;
        // Before anything was taken there is nothing to pass over for.
        else if (action === "take" || !isNew) {
          const next = states[to] as State;
          const partial = { state: to, path: action === "take" ? element.take(state.stage) : path, start: first };
          if (!next.isFinal) partials.push(partial);
          if (next.isFinal || (action === "take" && next.accepts)) complete.push(partial);
        }
      }
    }
    // What it has completed stays complete.
    if (stopped) partials.length = goingOn;
  };

  for (const { state, path, start: first } of before) feed(state, path, first, false);
  feed(start, EMPTY_PATH, element.number, true);
  return { partials, complete };
}

/** What a path has, as far as it matters for what is skipped. */
export interface PathLook {
  /** The number of the last element. */
  lastOf(path: PathId): number;
  /** The numbers of a stage's elements, in order. */
  elementsOf(path: PathId, stage: number): readonly number[];
}

/** What is let go at one time, what waits, and what goes on. */
export type Settled = {
  readonly matches: readonly Candidate[];
  readonly waiting: Candidate[];
  readonly partials: Candidate[];
};

/** Lets matches go, and drops what each takes away from others. `waiting` and `complete` are each in order of their first elements. */
export function settle(
  skip: SkipStrategy,
  stageNamed: (name: string) => number,
  partials: Candidate[],
  before: readonly Candidate[],
  complete: readonly Candidate[],
  paths: PathLook,
): Settled {
  if (skip.kind === "none") return { matches: complete, waiting: [], partials };
  const matches: Candidate[] = [];
  // A sort leaves those with one first element in order.
  let waiting = [...before, ...complete].sort((a, b) => a.start - b.start);
  let left = partials;
  for (let match = waiting[0]; match !== undefined; match = waiting[0]) {
    if (left[0] !== undefined && left[0].start < match.start) break;
    matches.push(match);
    const fromStart = firstToStay(skip, stageNamed, match, paths);
    waiting = waiting.slice(1).filter(({ start }) => start >= fromStart);
    left = left.filter(({ start }) => start >= fromStart);
  }
  return { matches, waiting, partials: left };
}

/** What begins from this element on is not touched by a match. */
function firstToStay(
  skip: SkipStrategy,
  stageNamed: (name: string) => number,
  { path, start }: Candidate,
  paths: PathLook,
): number {
  switch (skip.kind) {
    case "none":
      return 0;
    case "to-next":
      return start + 1;
    case "past-last":
      return paths.lastOf(path) + 1;
    case "to-first":
      return paths.elementsOf(path, stageNamed(skip.stage))[0] ?? 0;
    case "to-last":
      return paths.elementsOf(path, stageNamed(skip.stage)).at(-1) ?? 0;
    default:
      return skip satisfies never;
  }
}
