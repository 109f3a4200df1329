/** Watermarks that functions of the author make, of one source partition: what they said last, and what they remember. */

import { MillraceError } from "../stream/error.ts";

/** A generator as its task keeps it. */
export type Generated = { watermarkMs: number; state: unknown };

/**
 * Takes note of what a generator says. "future": it is above `limitMs`, and does not count. Nothing, and what is behind, changes nothing. Throws a MillraceError "author"
 * for what is no number.
 */
export function takeGenerated(generated: Generated, said: unknown, limitMs: number): "taken" | "future" {
  if (said === undefined) return "taken";
  if (typeof said !== "number" || Number.isNaN(said))
    throw new MillraceError(
      "author",
      `the watermark is a number of epoch milliseconds, or undefined, not ${typeof said === "number" ? "NaN" : said === null ? "null" : `a value of type ${typeof said}`}`,
    );
  if (said > limitMs) return "future";
  generated.watermarkMs = Math.max(generated.watermarkMs, Math.floor(said));
  return "taken";
}
