/** The states that an author declared for a function, by name. */

import { MillraceError } from "./error.ts";
import type { NamedStates } from "./node.ts";
import type { StateSpec } from "./process-state.ts";

const STATE_NAME = /^[A-Za-z][A-Za-z0-9_-]*$/;

/** Declarations as nodes have them; `what` names them in sentences. Throws a MillraceError "definition" for what no compiler has refused. */
export function toStates(states: unknown, what: string): NamedStates {
  if (states === undefined) return [];
  if (typeof states !== "object" || states === null)
    throw new MillraceError("definition", `${what} is an object of declarations: { seen: mapState() }.`);
  return Object.entries(states).map(([name, spec]) => {
    if (!STATE_NAME.test(name))
      throw new MillraceError(
        "definition",
        `A state cannot be called ${JSON.stringify(name)}: a name begins with a letter and consists of letters, digits, '-' and '_'.`,
      );
    if ((spec as Partial<StateSpec> | null)?.kind !== "state")
      throw new MillraceError(
        "definition",
        `The state "${name}" of process() is no declaration, such as valueState().`,
      );
    return { name, spec: spec as StateSpec };
  });
}
