/** What assigners, triggers and evictors ask of the numbers they are given. */

import { MillraceError } from "./error.ts";
import type { WindowAssignerSpec } from "./window-spec.ts";

/** Assigners of windows that close by themselves. */
const CLOSING_KINDS: ReadonlySet<string> = new Set<WindowAssignerSpec["kind"]>([
  "tumbling",
  "sliding",
  "cumulative",
  "session",
  "custom",
]);

/** Throws a MillraceError "definition" for what is no assigner of windows that close by themselves. */
export function requireAssigner(assigner: WindowAssignerSpec | undefined): asserts assigner is WindowAssignerSpec {
  if (assigner === undefined || assigner === null || !CLOSING_KINDS.has(assigner.kind))
    throw new MillraceError("definition", "window() takes an assigner, such as tumbling(seconds(5)).");
}

/** Throws a MillraceError "definition" unless `ms` is a whole number of milliseconds above zero. */
export function requireLength(ms: number, what: string): void {
  if (!Number.isSafeInteger(ms) || ms <= 0)
    throw new MillraceError("definition", `${what} is a whole number of milliseconds above zero, not ${ms}.`);
}

/** Throws a MillraceError "definition" unless `offset` is a whole number of milliseconds below `below`. */
export function requireOffset(offset: number, below: number, windows: string, what: string): void {
  if (!Number.isSafeInteger(offset) || Math.abs(offset) >= below)
    throw new MillraceError(
      "definition",
      `The offset of ${windows} is a whole number of milliseconds below their ${what} (${below} ms), not ${offset}.`,
    );
}

/** Throws a MillraceError "definition" unless `time` names one. */
export function requireTime(time: string, windows: string): void {
  if (time !== "event" && time !== "processing")
    throw new MillraceError(
      "definition",
      `The time of ${windows} is "event" or "processing", not ${JSON.stringify(time)}.`,
    );
}

/** Throws a MillraceError "definition" unless `n` is a whole number above zero. */
export function requireCount(n: number, what: string): void {
  if (!Number.isSafeInteger(n) || n < 1)
    throw new MillraceError("definition", `${what} is a whole number above zero, not ${n}.`);
}
