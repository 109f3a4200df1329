/** Moves a task's watermark and clock and fires what is due, inputs before what reads them. What steps want to know from the outside is asked before they are told. */

import { askFor, type Evaluating } from "./asking.ts";
import type { OpenTask } from "./open-task.ts";

/** Moves the watermark to `watermarkMs`, if that is ahead; lets every step fire what is due. */
export function* advanceTo(task: OpenTask, watermarkMs: number): Evaluating<void> {
  if (watermarkMs <= task.meta.watermarkMs) return;
  task.meta.watermarkMs = watermarkMs;
  task.time.watermarkMs = watermarkMs;
  yield* fire(task);
}

/** Moves the task's clock, which never goes back: now = max(last commit, machine). */
export function* moveClock(task: OpenTask, nowMs: number): Evaluating<void> {
  task.meta.nowMs = Math.max(task.meta.nowMs, nowMs);
  task.time.nowMs = task.meta.nowMs;
  task.calls.caller.ctx.processingTimeMs = task.meta.nowMs;
  if (nextProcessingTimeMs(task) <= task.meta.nowMs) yield* fire(task);
}

/** Lets every step flush what it gathered and fire what is due. What an earlier step fires reaches a later one before its time moves. */
function* fire(task: OpenTask): Evaluating<void> {
  try {
    for (const step of task.chain.stateful) {
      step.flush?.();
      if (step.asks?.isBeforeState === true) yield* askFor(task, step.asks);
      else step.asks?.timeMoved();
      step.advance?.();
    }
  } catch (error) {
    task.units.failSomewhere(error);
  }
}

/** Moves what steps gathered into their tables, and asks what there is to ask: the end of a stretch of input. */
export function* flush(task: OpenTask): Evaluating<void> {
  try {
    for (const step of task.chain.stateful) {
      step.flush?.();
      if (step.asks !== undefined) yield* askFor(task, step.asks);
    }
  } catch (error) {
    task.units.failSomewhere(error);
  }
}

/** The earliest event time at which a step wants to fire; +∞ for none. */
export function nextEventTimeMs(task: OpenTask): number {
  let next = Number.POSITIVE_INFINITY;
  for (const step of task.chain.stateful) next = Math.min(next, step.nextEventTimeMs?.() ?? Number.POSITIVE_INFINITY);
  return next;
}

/** The earliest time of the clock at which a step wants to fire; +∞ for none. */
export function nextProcessingTimeMs(task: OpenTask): number {
  let next = Number.POSITIVE_INFINITY;
  for (const step of task.chain.stateful)
    next = Math.min(next, step.nextProcessingTimeMs?.() ?? Number.POSITIVE_INFINITY);
  return next;
}
