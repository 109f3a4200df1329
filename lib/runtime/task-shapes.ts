/** A task that is opened by other code than it was left by: what that would misread is refused, what is new is taken on, and both are noted with the next commit. */

import { type Chain, tableName } from "../operators/chain.ts";
import type { KeyedState } from "../state/keyed-state.ts";
import { MillraceError } from "../stream/error.ts";
import { rootsOf } from "../stream/graph.ts";
import { isTwoInput, type Node } from "../stream/node.ts";
import type { FunctionPlan } from "../stream/plan.ts";
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
 * Refuses a step whose two inputs changed places while it keeps something of them: it would take the one's for the other's. What is under way knows where it comes
 * from (receiver.ts). Streams of the same topics are not told apart. Throws MillraceError "state-unusable".
 */
export function takeInputs(name: TaskName, plan: FunctionPlan, state: KeyedState, meta: TaskMeta): void {
  const inputs = new Map(
    plan.nodes.filter(isTwoInput).map((node) => [tableName(plan, node), node.inputs.map(topicsOf)] as const),
  );
  if (inputs.size === 0) return;
  for (const [table, [left, right]] of inputs) {
    const [wasLeft, wasRight] = meta.inputs?.[table] ?? [];
    if (left === right || left !== wasRight || right !== wasLeft || !hasCells(state, table)) continue;
    throw new MillraceError(
      "state-unusable",
      `Task ${name.full} keeps state of ${table} with ${wasLeft} on the left and ${wasRight} on the right, and its code has it the other way round now. Give the step another name to begin anew beside it, or reset function ${name.functionName}.`,
    );
  }
  meta.inputs = { ...meta.inputs, ...Object.fromEntries(inputs) };
}

function topicsOf(input: Node): string {
  const roots = input.kind === "source" ? [input] : rootsOf(input);
  return [...new Set(roots.map(({ topic }) => topic.topicName))].sort().join(" + ");
}

/**
 * The tasks of a topic that the code of today is the first to send here have not been heard of yet; those of a known one are as many as they were. Those of a topic
 * that it does not read any more say nothing of time: the watermark would wait for them for ever.
 */
export function awaitTopics({ shuffle }: FunctionPlan, { upstream }: TaskMeta): void {
  if (shuffle === undefined) return;
  const topicOf = (task: string) => task.slice(0, task.lastIndexOf("-"));
  const known = new Set([...upstream.keys()].map(topicOf));
  for (const task of shuffle.upstream) if (!known.has(topicOf(task))) upstream.set(task, unheardUpstream());
  const awaited = new Set(shuffle.upstream);
  for (const [task, position] of upstream)
    if (!awaited.has(task)) Object.assign(position, { idle: true, aligned: false });
}
