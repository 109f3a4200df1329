/** Tumbling windows: every element belongs to one window of a fixed size. */

import { requireLength, requireOffset, requireTime } from "./check-window.ts";
import { type Duration, milliseconds } from "./duration.ts";
import type { TimeWindow, TumblingSpec, WindowAssigner } from "./window-spec.ts";

/** Where tumbling windows begin, and by which time. */
export interface TumblingOptions {
  /** Moves all windows: with an offset of −1 h, windows of a day begin at 23:00 UTC. Its amount is less than the size. Default 0. */
  readonly offset?: Duration;
  /** Which time decides: the element's timestamp (default), or the task's clock when it is processed. */
  readonly time?: "event" | "processing";
}

/**
 * Windows `[n · size + offset, (n + 1) · size + offset)`. Throws a MillraceError "definition" unless size and offset are whole
 * milliseconds, size > 0 and |offset| < size.
 */
export function tumbling(size: Duration, options: TumblingOptions = {}): WindowAssigner<unknown, TimeWindow> {
  const offset = options.offset ?? milliseconds(0);
  const time = options.time ?? "event";
  requireLength(size, "The size of tumbling windows");
  requireOffset(offset, size, "tumbling windows", "size");
  requireTime(time, "tumbling windows");
  const spec: TumblingSpec = { kind: "tumbling", size, offset, time };
  return spec as TumblingSpec & WindowAssigner<unknown, TimeWindow>;
}
