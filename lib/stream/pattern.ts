/** Patterns as authors write them: stages in order, then what holds for the whole. Immutable: every method returns a new pattern. */

import type { Ctx } from "./ctx.ts";
import type { Duration } from "./duration.ts";
import type { Mistake } from "./storable.ts";
import type { Guarded } from "./stream.ts";

/** How many elements a stage has in a match: exactly one, perhaps one, several, or any number. */
type Count = "one" | "maybe" | "some" | "any";

/** The stages of a pattern by name, each with how many elements of which type. */
export type Stages = Readonly<Record<string, readonly [Count, unknown]>>;

/** What a stage has in a match. */
type Slot<P> = P extends readonly [infer C, infer E]
  ? C extends "one"
    ? E
    : C extends "maybe"
      ? E | undefined
      : C extends "some"
        ? readonly [E, ...E[]]
        : readonly E[]
  : never;

/** A match: each stage's element, undefined where an optional stage has none; an array for a stage that may take several, in order of time. */
export type Match<S> = { readonly [N in keyof S]: Slot<S[N]> };

/** What was taken when time was up: any stage may be without an element. */
export type PartialMatch<S> = {
  readonly [N in keyof S]: S[N] extends readonly [infer C, infer E]
    ? C extends "one" | "maybe"
      ? E | undefined
      : readonly E[]
    : never;
};

/**
 * Whether an element fits a stage. `soFar` has what was taken for the stages before, as a match has it, and the elements of this stage, always in an array; it is made only
 * for functions that declare two parameters or more. Those with fewer are called once per element, the others once for each partial match.
 */
export type Condition<T, S, N extends string> = (element: T, soFar: SoFar<T, S, N>, ctx: Ctx) => boolean;

type SoFar<T, S, N extends string> = Match<S> & { readonly [Own in N]: readonly T[] };

/** `unknown` where no stage has the name yet, else a Mistake. */
type Fresh<S, N extends string> = N extends keyof S
  ? Mistake<`the pattern has a stage called ${N} already; give each a name of its own`>
  : unknown;

declare const stages: unique symbol;

/** A whole pattern, whose matches have the stages S. */
export interface Pattern<S> {
  readonly [stages]: S;
  /**
   * A match must be shorter than this, from the timestamp of its first element to that of its last. What has begun and is not complete by then times out: see
   * `PatternMatches.timedOut`. Without it, what has begun waits for ever.
   */
  within(duration: Duration): Pattern<S>;
  /**
   * What a match takes away from others. "none" (the default): nothing. "to-next": whatever began with the same element. "past-last": whatever began before the match
   * ended. `{ toFirst }`, `{ toLast }`: whatever began before the first, or last, element of that stage. With all but "none" a match waits while an earlier element has a partial
   * match that may still be completed: the earlier one goes first, as in Flink.
   */
  afterMatch(
    skip:
      | "none"
      | "to-next"
      | "past-last"
      | { readonly toFirst: keyof S & string }
      | { readonly toLast: keyof S & string },
  ): Pattern<S>;
}

/** A pattern that can go on with another stage. T is the stream's element, S the stages so far. */
export interface OpenPattern<T, S> extends Pattern<S> {
  /** The very next element. */
  next<const N extends string, F extends Condition<T, S, N>>(
    name: N & Fresh<S, N>,
    where?: F,
  ): Stage<T, S, N, "one", Guarded<F, T>>;
  /** The first later element that fits. What does not fit in between is passed over. */
  followedBy<const N extends string, F extends Condition<T, S, N>>(
    name: N & Fresh<S, N>,
    where?: F,
  ): Stage<T, S, N, "one", Guarded<F, T>>;
  /** Any later element that fits: each makes a match of its own. */
  followedByAny<const N extends string, F extends Condition<T, S, N>>(
    name: N & Fresh<S, N>,
    where?: F,
  ): Stage<T, S, N, "one", Guarded<F, T>>;
  /** The very next element must not fit. At the end of a pattern the match comes with that element. Not after an optional stage. */
  notNext<const N extends string, F extends Condition<T, S, N>>(name: N & Fresh<S, N>, where?: F): NotStage<T, S, N>;
  /**
   * No element that fits may come before the next stage's first. At the end of a pattern it needs `within`, and the match comes when that is over, with the timestamp of that
   * time. Not after an optional stage.
   */
  notFollowedBy<const N extends string, F extends Condition<T, S, N>>(
    name: N & Fresh<S, N>,
    where?: F,
  ): NotStage<T, S, N>;
}

/** Where a pattern begins. */
export interface PatternStart<T> {
  /** The first stage: every element that fits begins a match of its own. */
  begin<const N extends string, F extends Condition<T, unknown, N>>(
    name: N,
    where?: F,
  ): Stage<T, unknown, N, "one", Guarded<F, T>>;
}

/** A stage that says what must not come. */
export interface NotStage<T, S, N extends string> extends OpenPattern<T, S> {
  /** Must hold as well. */
  where(condition: Condition<T, S, N>): NotStage<T, S, N>;
  /** Or this holds, whatever was said before. */
  or(condition: Condition<T, S, N>): NotStage<T, S, N>;
}

type Many<C> = C extends "one" | "some" ? "some" : "any";
type Maybe<C> = C extends "one" | "maybe" ? "maybe" : "any";

/** A pattern whose last stage is called N and takes elements of E; more can be said of it. */
export interface Stage<T, S, N extends string, C extends Count, E>
  extends OpenPattern<T, S & { readonly [Own in N]: readonly [C, E] }> {
  /** Must hold as well; a type predicate narrows the stage's elements. */
  where<F extends Condition<E, S, N>>(condition: F): Stage<T, S, N, C, Guarded<F, E>>;
  /** Or this holds, whatever was said before. */
  or(condition: Condition<T, S, N>): Stage<T, S, N, C, T>;
  /** Exactly `n` elements; with `to` from `n` to `to`, as many matches as there are ways. From 0 is optional. */
  times(n: number, to?: number): Stage<T, S, N, Many<C>, E>;
  /** `n` elements or more. */
  timesOrMore(n: number): Stage<T, S, N, Many<C>, E>;
  /** One element or more: a match with each number of them. */
  oneOrMore(): Stage<T, S, N, Many<C>, E>;
  /** The stage may be left out. Not after a greedy stage. */
  optional(): Stage<T, S, N, Maybe<C>, E>;
  /** As many elements as there are before the next stage: no match with fewer. Without effect at the end of a pattern, as in Flink; not with combinations. */
  greedy(): Stage<T, S, N, C, E>;
  /** Between the stage's elements there is no other. */
  consecutive(): Stage<T, S, N, C, E>;
  /** Between the stage's elements others that fit may be left out. */
  allowCombinations(): Stage<T, S, N, C, E>;
  /** From the first element on for which it holds, the stage takes no more. Only after oneOrMore and timesOrMore. */
  until(condition: Condition<T, S, N>): Stage<T, S, N, C, E>;
}
