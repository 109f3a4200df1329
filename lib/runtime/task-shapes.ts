/** A task that is opened by other code than it was left by: what that would misread is refused, what is new is taken on, and both are noted with the next commit. */

import type { Chain } from "../operators/chain.ts";
import type { KeyedState } from "../state/keyed-state.ts";
import { MillraceError } from "../stream/error.ts";
import { rootsOf } from "../stream/graph.ts";
import type { KeyByNode } from "../stream/node.ts";
import type { FunctionPlan } from "../stream/plan.ts";
import { listOf } from "../stream/sentence.ts";
import { type TaskMeta, unheardUpstream } from "./task-meta.ts";
import type { TaskName } from "./task-name.ts";

/** Refuses state that steps would misread, and notes what it will look like from here on. Throws MillraceError "state-unusable". */
export function takeShapes(name: TaskName, state: KeyedState, meta: TaskMeta, { shapes }: Chain): void {
  if (shapes.size === 0) return;
  const before = meta.shapes ?? {};
  for (const [table, shape] of shapes) {
    const was = before[table];
    if (was === undefined || was === shape || !hasCells(state, table)) continue;
    throw new MillraceError(
      "state-unusable",
      `Task ${name.full} keeps state of ${table} as ${was}, and its code has ${shape} now. Give the step another name to begin anew beside it, or reset function ${name.functionName}.`,
    );
  }
  meta.shapes = { ...before, ...Object.fromEntries(shapes) };
}

/** Whether a step keeps anything, in its table or in those beside it. */
function hasCells(state: KeyedState, table: string): boolean {
  for (const [name, { size }] of state.tables())
    if ((name === table || name.startsWith(`${table}/`)) && size > 0) return true;
  return false;
}

/**
 * Refuses another order of the sides of its shuffle: bundles tell sides by number, and the shuffle may still hold some. More sides may follow. Throws MillraceError
 * "state-unusable".
 */
export function takeSides(name: TaskName, { shuffle }: FunctionPlan, meta: TaskMeta): void {
  const sides = shuffle?.sides.map(nameOfSide) ?? [];
  if (sides.length < 2 && meta.sides === undefined) return;
  if (meta.sides?.some((was, i) => was !== sides[i]) === true)
    throw new MillraceError(
      "state-unusable",
      `Task ${name.full} was sent elements of ${listOf(meta.sides)}, in this order of the streams that meet, and its code has ${listOf(sides)} now: what is under way would be taken for another stream's. Write them in the order that they had, new ones last, or reset function ${name.functionName}.`,
    );
  meta.sides = sides;
}

/** The tasks of a topic that the code of today is the first to send here have not been heard of yet. Those of a known one are as many as they were. */
export function awaitNewTopics({ shuffle }: FunctionPlan, { upstream }: TaskMeta): void {
  const topicOf = (task: string) => task.slice(0, task.lastIndexOf("-"));
  const known = new Set([...upstream.keys()].map(topicOf));
  for (const task of shuffle?.upstream ?? []) if (!known.has(topicOf(task))) upstream.set(task, unheardUpstream());
}

/** Sides of the same topics are not told apart. */
function nameOfSide(keyBy: KeyByNode): string {
  const topics = [...new Set(rootsOf(keyBy).map(({ topic }) => topic.topicName))].sort().join("+");
  return keyBy.sends === "to-all" ? `${topics} (broadcast)` : topics;
}
