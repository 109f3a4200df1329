/** Sliding windows: they overlap, so that an element belongs to several. */

import { requireLength, requireOffset, requireTime } from "./check-window.ts";
import { type Duration, milliseconds } from "./duration.ts";
import type { SlidingSpec, TimeWindow, WindowAssigner } from "./window-spec.ts";

/** Where sliding windows begin, and by which time. */
export interface SlidingOptions {
  /** Moves all windows. Its amount is less than the slide. Default 0. */
  readonly offset?: Duration;
  /** Which time decides: the element's timestamp (default), or the task's clock when it is processed. */
  readonly time?: "event" | "processing";
}

/**
 * Windows `[n · slide + offset, n · slide + offset + size)`. The size need not be a multiple of the slide; where the slide is longer than the size, some elements
 * are in no window. An aggregate that can be merged costs an element one update, however many windows hold it. Throws a MillraceError "definition" unless all are
 * whole milliseconds, size and slide > 0 and |offset| < slide.
 */
export function sliding(
  size: Duration,
  slide: Duration,
  options: SlidingOptions = {},
): WindowAssigner<unknown, TimeWindow> {
  const offset = options.offset ?? milliseconds(0);
  const time = options.time ?? "event";
  requireLength(size, "The size of sliding windows");
  requireLength(slide, "The slide of sliding windows");
  requireOffset(offset, slide, "sliding windows", "slide");
  requireTime(time, "sliding windows");
  const spec: SlidingSpec = { kind: "sliding", size, slide, offset, time };
  return spec as SlidingSpec & WindowAssigner<unknown, TimeWindow>;
}
