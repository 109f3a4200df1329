/**
 * Moves a task's watermark and clock and fires what is due, inputs before what reads them. What steps want to know from the outside is asked before they are told.
 *
 * Where more is due than a commit holds, the task is full: the watermark is on its way, and goes on from there before anything else is processed.
 */

import { askFor, type Evaluating } from "./asking.ts";
import type { OpenTask } from "./open-task.ts";

/** Moves the watermark to `watermarkMs`, if that is ahead; lets every step fire what is due. */
export function* advanceTo(task: OpenTask, watermarkMs: number): Evaluating<void> {
  if (watermarkMs <= task.meta.watermarkMs) return;
  task.time.watermarkMs = watermarkMs;
  const told = yield* fire(task);
  task.meta.moving = task.isFull ? { toMs: watermarkMs, told } : undefined;
  if (!task.isFull) task.meta.watermarkMs = watermarkMs;
}

/** Moves the task's clock, which never goes back: now = max(last commit, machine). First fires what the commit before had no room for. */
export function* moveClock(task: OpenTask, nowMs: number): Evaluating<void> {
  task.meta.nowMs = Math.max(task.meta.nowMs, nowMs);
  task.time.nowMs = task.meta.nowMs;
  task.calls.caller.ctx.processingTimeMs = task.meta.nowMs;
  if (task.meta.moving !== undefined) yield* advanceTo(task, task.meta.moving.toMs);
  if (!task.isFull && nextProcessingTimeMs(task) <= task.meta.nowMs) yield* fire(task);
}

/**
 * Lets every step flush what it gathered and fire what is due. What an earlier step fires reaches a later one before its time moves: where the commit is full,
 * those behind are not told. Returns the tables of those that were and have fired all.
 */
function* fire(task: OpenTask): Evaluating<readonly string[]> {
  const told: string[] = [];
  try {
    for (const step of task.chain.stateful) {
      step.flush?.(true);
      if (step.asks?.isBeforeState === true) yield* askFor(task, step.asks);
      else step.asks?.timeMoved();
      task.isFull = step.advance?.() ?? false;
      if (task.isFull) break;
      const table = task.chain.tables.get(step);
      if (table !== undefined) told.push(table);
    }
  } catch (error) {
    task.units.failSomewhere(error);
  }
  return told;
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
