/**
 * Questions to the outside in the middle of an evaluation: synchronous stretches and asynchronous calls alternate before one commit. An evaluation yields a
 * round of questions of one step and goes on with their answers; without questions it runs through, and costs nothing.
 */

import type { Asks, Waiting } from "../operators/step.ts";
import type { OpenTask } from "./open-task.ts";

/** Questions of one step, in the order of their elements. */
export type Round = { readonly asks: Asks; readonly waiting: readonly Waiting[] };

export type Outcome =
  | { readonly kind: "answered"; readonly answer: unknown }
  | { readonly kind: "failed"; readonly error: Error };

/** An outcome, and after how many others it came. */
export type RankedOutcome = { readonly outcome: Outcome; readonly rank: number };

/** What evaluates with questions in between. Goes on with an outcome for each question of the round. */
export type Evaluating<T> = Generator<Round, T, readonly RankedOutcome[]>;

/** Runs an evaluation to its end; at once where it asks nothing. */
export function drive<T>(
  evaluating: Evaluating<T>,
  answer: (round: Round) => Promise<readonly RankedOutcome[]>,
): T | Promise<T> {
  const first = evaluating.next([]);
  return first.done === true ? first.value : driveOn(evaluating, first.value, answer);
}

async function driveOn<T>(
  evaluating: Evaluating<T>,
  first: Round,
  answer: (round: Round) => Promise<readonly RankedOutcome[]>,
): Promise<T> {
  let round = first;
  for (;;) {
    const next = evaluating.next(await answer(round));
    if (next.done === true) return next.value;
    round = next.value;
  }
}

/**
 * Asks for all elements that wait in a step, and hands the answers on: each in its element's unit, which fails where its question did. Nothing is asked in a pass that will be
 * undone anyway, on behalf of what may not be as it says.
 */
export function* askFor({ units, calls, chain }: OpenTask, asks: Asks): Evaluating<void> {
  const { bad } = units;
  const waiting = asks.take().filter(({ scope }) => scope.id === undefined || !bad.has(scope.id));
  if (waiting.length === 0 || units.isVoid) return;
  const outcomes = yield { asks, waiting };
  const elements = waiting.map((element, i) => ({ element, ...(outcomes[i] as RankedOutcome) }));
  // First what failed, so that no other element of its unit goes on.
  for (const { element, outcome } of elements)
    if (outcome.kind === "failed")
      units.resume(element.scope, () => {
        calls.caller.step = asks.what;
        throw outcome.error;
      });
  if (asks.spec.order === "unordered") elements.sort((a, b) => a.element.epoch - b.element.epoch || a.rank - b.rank);
  const { freeze } = calls.caller;
  for (const { element, outcome } of elements) {
    if (outcome.kind === "failed" || (element.scope.id !== undefined && bad.has(element.scope.id))) continue;
    freeze?.(outcome.answer);
    units.resume(element.scope, () => {
      asks.handOn(element, outcome.answer);
      if (units.careful) for (const step of chain.stateful) step.flush?.();
    });
  }
}
