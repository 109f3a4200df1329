/** What an author's function must be, for those whom no compiler has told. */

import { MillraceError } from "./error.ts";
import type { AuthorFunction } from "./node.ts";

/** The function itself. Throws a MillraceError "definition" unless it is a synchronous function. */
export function authorFunction(fn: unknown, method: string): AuthorFunction {
  if (typeof fn !== "function")
    throw new MillraceError("definition", `${method}() takes a function, not ${typeof fn}.`);
  const kind = Object.prototype.toString.call(fn);
  if (kind === "[object AsyncFunction]" || kind === "[object AsyncGeneratorFunction]")
    throw new MillraceError("definition", `The function given to ${method}() must not be async: use mapAsync.`);
  return fn as AuthorFunction;
}
