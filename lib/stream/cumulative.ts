/** Cumulative windows: since the beginning of an hour, every minute. */

import { requireLength, requireOffset, requireTime } from "./check-window.ts";
import { type Duration, milliseconds } from "./duration.ts";
import { MillraceError } from "./error.ts";
import type { CumulativeSpec, TimeWindow, WindowAssigner } from "./window-spec.ts";

/** Where groups of cumulative windows begin, and by which time. */
export interface CumulativeOptions {
  /** Moves all windows. Its amount is less than the greatest size. Default 0. */
  readonly offset?: Duration;
  /** Which time decides: the element's timestamp (default), or the task's clock when it is processed. */
  readonly time?: "event" | "processing";
}

/**
 * Windows that share a start until they have reached `size`, and end every `step`: `cumulative(minutes(1), hours(1))` tells every minute what there was since
 * the hour began. Flink SQL's CUMULATE. Throws a MillraceError "definition" unless all are whole milliseconds, step > 0, size is a multiple of it and
 * |offset| < size.
 */
export function cumulative(
  step: Duration,
  size: Duration,
  options: CumulativeOptions = {},
): WindowAssigner<unknown, TimeWindow> {
  const offset = options.offset ?? milliseconds(0);
  const time = options.time ?? "event";
  requireLength(step, "The step of cumulative windows");
  requireLength(size, "The greatest size of cumulative windows");
  if (size % step !== 0)
    throw new MillraceError(
      "definition",
      `The greatest size of cumulative windows (${size} ms) is a multiple of their step (${step} ms).`,
    );
  requireOffset(offset, size, "cumulative windows", "greatest size");
  requireTime(time, "cumulative windows");
  const spec: CumulativeSpec = { kind: "cumulative", step, size, offset, time };
  return spec as CumulativeSpec & WindowAssigner<unknown, TimeWindow>;
}
