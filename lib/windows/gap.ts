/** The gap of a session: that of all elements, or what the author's function says of one. */

import { MillraceError } from "../stream/error.ts";
import type { SessionSpec } from "../stream/window-spec.ts";

/** The gap behind an element. The function it returns throws a MillraceError "author" for what is no gap. */
export function gapOf({ gap }: SessionSpec): (value: unknown) => number {
  if (typeof gap !== "function") return () => gap;
  return (value) => {
    const gapMs: unknown = gap(value);
    if (!Number.isSafeInteger(gapMs) || (gapMs as number) <= 0)
      throw new MillraceError(
        "author",
        `The function given to session returned ${String(gapMs)}; a gap is a whole number of milliseconds above zero.`,
      );
    return gapMs as number;
  };
}
