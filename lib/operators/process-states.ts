/** The declared states of a step, made over its tables: one table per state, called by its name and kind. */

import type { KeyedTable } from "../state/keyed-state.ts";
import { MillraceError } from "../stream/error.ts";
import { STATE_KINDS, type StateSpec } from "../stream/process-state.ts";
import { listCells } from "./state-list.ts";
import { mapCells } from "./state-map.ts";
import { type CallScope, StateRules, type StateSetup, type StateTable } from "./state-scope.ts";
import { aggregatingCells, counterCells, reducingCells, type StateCells, valueCells } from "./state-values.ts";

/** A state of a step: what authors' functions get of it, and its rules. */
export type MadeState = { readonly name: string; readonly rules: StateRules; readonly cells: StateCells };

/**
 * The states of a step; `within` gives the part of a state's table that is meant, where it is not all of it. Throws MillraceError "state-unusable" where one was
 * kept as another kind.
 */
export function makeStates(
  states: readonly { readonly name: string; readonly spec: StateSpec }[],
  scope: CallScope,
  setup: StateSetup,
  within: (table: KeyedTable) => StateTable = (table) => table,
): readonly MadeState[] {
  return states.map(({ name, spec }) => {
    refuseOtherKinds(name, spec, setup);
    return makeState(name, spec, within(tableOf(name, spec.state, setup)), scope, setup);
  });
}

function makeState(name: string, spec: StateSpec, table: StateTable, scope: CallScope, setup: StateSetup): MadeState {
  const rules = new StateRules(name, spec, scope, setup);
  return { name, rules, cells: cellsOf(table, rules, spec) };
}

function cellsOf(table: StateTable, rules: StateRules, spec: StateSpec): StateCells {
  switch (spec.state) {
    case "value":
      return valueCells(table, rules);
    case "list":
      return listCells(table, rules);
    case "map":
      return mapCells(table, rules);
    case "reducing":
      return reducingCells(table, rules, spec);
    case "aggregating":
      return aggregatingCells(table, rules, spec);
    case "counter":
      return counterCells(table, rules);
    default:
      return spec.state satisfies never;
  }
}

/** The encoded keys that have something in a state, in their order. */
export function keysOfState(name: string, { state }: StateSpec, setup: StateSetup): readonly string[] {
  const table = tableOf(name, state, setup);
  const keys = new Set<string>();
  for (const namespace of table.namespaces()) table.forEach(namespace, (key) => keys.add(key));
  return [...keys].sort();
}

function tableOf(name: string, kind: StateSpec["state"], { tables }: StateSetup): KeyedTable {
  return tables(`state/${name}/${kind}`);
}

/** The kind is a part of the table's name, so that nothing is ever misread; that what was kept is not read at all must not pass unseen. */
function refuseOtherKinds(name: string, spec: StateSpec, setup: StateSetup): void {
  for (const kind of STATE_KINDS)
    if (kind !== spec.state && tableOf(name, kind, setup).size > 0)
      throw new MillraceError(
        "state-unusable",
        `The state "${name}" was kept as ${kind}State by an earlier version of the code and is a ${spec.state}State now: give it another name, or reset the function.`,
      );
}
