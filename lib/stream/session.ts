/** Session windows: elements that follow each other closely enough. */

import { requireLength, requireTime } from "./check-window.ts";
import type { Duration } from "./duration.ts";
import type { SessionSpec, TimeWindow, WindowAssigner } from "./window-spec.ts";

/** By which time sessions are told apart. */
export interface SessionOptions {
  /** Which time decides: the element's timestamp (default), or the task's clock when it is processed. */
  readonly time?: "event" | "processing";
}

/**
 * Windows that begin with an element and end `gap` after the last one. Two elements exactly `gap` apart are one session, as in Flink. The gap may be said
 * of each element: `session((click) => (click.mobile ? minutes(5) : minutes(30)))`. Throws a MillraceError "definition" for a fixed gap that is not a whole number of
 * milliseconds above zero; an element for which the function returns such a gap is a dead letter.
 */
export function session<T = unknown>(
  gap: Duration | ((value: T) => Duration),
  options: SessionOptions = {},
): WindowAssigner<T, TimeWindow> {
  const time = options.time ?? "event";
  if (typeof gap !== "function") requireLength(gap, "The gap of sessions");
  requireTime(time, "sessions");
  const spec: SessionSpec = { kind: "session", gap, time };
  return spec as SessionSpec & WindowAssigner<T, TimeWindow>;
}
