/**
 * Who takes what a bundle carries. Bundles that are under way when the code changes were sent by the code of before: they say where their elements come from, and
 * what their partial results are of, so that none is taken for something else.
 */

import type { Push, Step } from "../operators/step.ts";
import { MillraceError } from "../stream/error.ts";
import type { OpenTask } from "./open-task.ts";

/** What columns, and dead letters of them, say of themselves; undefined in those of versions that did not. */
export type Sent = {
  readonly side: number;
  readonly origin?: string | undefined;
  /** Of partial results. */
  readonly shape?: string | undefined;
};

/** What takes elements. Throws a MillraceError "state-unusable" for those that nothing reads any more. */
export function pushFor({ chain, plan, calls }: OpenTask, sent: Sent): Push {
  const push = chain.sides[sideOf(plan.shuffle?.origins ?? [], sent)];
  if (push !== undefined) return push;
  calls.caller.step = "shuffle";
  throw new MillraceError(
    "state-unusable",
    `This came from ${sent.origin ?? `side ${sent.side}`} through the shuffle before ${plan.name}, which now takes ${(plan.shuffle?.origins ?? []).join(", ")}: the code was changed while it was under way.`,
  );
}

/** What takes partial results. Throws a MillraceError "state-unusable" for those that cannot be merged any more. */
export function takerFor(task: OpenTask, sent: Sent): NonNullable<Step["partials"]> {
  pushFor(task, sent);
  const taker = task.chain.partials[sideOf(task.plan.shuffle?.origins ?? [], sent)];
  if (taker !== undefined && (sent.shape === undefined || sent.shape === taker.shape)) return taker.take;
  task.calls.caller.step = "shuffle";
  throw new MillraceError(
    "state-unusable",
    `This is a partial result of ${sent.shape ?? "another aggregate"}, made before the shuffle, and ${task.plan.name} has ${taker?.shape ?? "no such window"} now: the code was changed while it was under way. The code of before can redrive it.`,
  );
}

/** The side that is meant: its number changes with the code. −1: none. */
function sideOf(origins: readonly string[], { side, origin }: Sent): number {
  if (origin === undefined || origins[side] === origin) return side;
  const same = origins.indexOf(origin);
  if (same >= 0) return same;
  // A stream that was united with others since.
  const wider = [...origins.keys()].filter((i) => isWithin(origin, origins[i] as string));
  return wider.length === 1 ? (wider[0] as number) : -1;
}

function isWithin(origin: string, wider: string): boolean {
  const topics = new Set(wider.split(" + "));
  return origin.split(" + ").every((topic) => topics.has(topic));
}
