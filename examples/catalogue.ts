/** All examples, in the order in which they are listed. */

import { MillraceError } from "millrace";
import type { Example } from "./example.ts";
import { logAnalytics } from "./log-analytics/example.ts";

export const EXAMPLES: readonly Example[] = [logAnalytics];

/** Throws a MillraceError "usage" for a name that none has. */
export function findExample(name: string): Example {
  const found = EXAMPLES.find((example) => example.name === name);
  if (found !== undefined) return found;
  const names = EXAMPLES.map((example) => example.name).join(", ");
  throw new MillraceError("usage", `There is no example "${name}"; there are: ${names}.`);
}
