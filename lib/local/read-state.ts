/** Reads the keyed state of a function from its logs, for people: nothing is locked, nothing is changed. */

import { openTask } from "../runtime/open-task.ts";
import { isMarkTable } from "../runtime/read-letters.ts";
import type { TaskMeta } from "../runtime/task-meta.ts";
import { toTaskName } from "../runtime/task-name.ts";
import type { Namespace } from "../state/keyed-state.ts";
import type { StateLog } from "../state-log/state-log.ts";
import { decodeKey, encodeKey } from "../stream/key.ts";
import type { FunctionPlan, Topology } from "../stream/plan.ts";
import { placesOf, type TaskPlace } from "./tick.ts";

/** One value of keyed state. */
export type StateCell = {
  readonly task: string;
  /** keyBy and step: `by-key/window`. */
  readonly table: string;
  /** A window's start, or a name. */
  readonly namespace: Namespace;
  readonly key: unknown;
  /** The accumulator, as it is kept. */
  readonly value: unknown;
};

/** A task as its log has it. */
export type TaskState = {
  readonly task: string;
  readonly place: TaskPlace;
  readonly meta: TaskMeta;
  readonly sequenceNumber: number;
  readonly cells: readonly StateCell[];
};

/** The states of all tasks of a function that ever committed. */
export async function readTasks(log: StateLog, topology: Topology, plan: FunctionPlan): Promise<TaskState[]> {
  if (!plan.commits) return [];
  const generation = await log.generationOf(plan.name);
  const states: TaskState[] = [];
  for (const place of placesOf(plan)) {
    const name = toTaskName(topology.application, plan.name, place.topic, place.partition, generation);
    const task = await openTask(log, plan, name, Number.MAX_SAFE_INTEGER);
    if (task.head === undefined) continue;
    const cells: StateCell[] = [];
    for (const [table, keyed] of task.state.tables()) {
      if (isMarkTable(table)) continue;
      for (const namespace of keyed.namespaces())
        keyed.forEach(namespace, (key, value) =>
          cells.push({ task: name.short, table, namespace, key: decodeKey(key), value }),
        );
    }
    states.push({ task: name.full, place, meta: task.meta, sequenceNumber: task.head.sequenceNumber, cells });
  }
  return states;
}

/** The cells of a function's keyed state, or those of one key. */
export async function readKeyedState(
  log: StateLog,
  topology: Topology,
  plan: FunctionPlan,
  key?: unknown,
): Promise<StateCell[]> {
  const cells = (await readTasks(log, topology, plan)).flatMap((task) => task.cells);
  if (key === undefined) return cells;
  const encoded = encodeKey(key);
  return cells.filter((cell) => encodeKey(cell.key) === encoded);
}
