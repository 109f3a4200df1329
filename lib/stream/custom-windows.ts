/** Windows of the author's own. */

import { authorFunction } from "./author-function.ts";
import { requireTime } from "./check-window.ts";
import type { CustomSpec, TimeWindow, WindowAssigner } from "./window-spec.ts";

/** How an author assigns elements to windows. */
export interface CustomWindows<T> {
  /** The windows of an element, by its timestamp, or by the clock where `time` says so. Whole milliseconds, `startMs < endMs`; none is allowed. */
  readonly assign: (element: T, timeMs: number) => readonly TimeWindow[];
  /** Which time decides: the element's timestamp (default), or the task's clock when it is processed. */
  readonly time?: "event" | "processing";
  /** Windows of a key that overlap or touch become one, as sessions do. Default false. */
  readonly merging?: boolean;
}

/** Windows that a function assigns: `customWindows({ assign: (order, timeMs) => [monthOf(timeMs)] })`. What it throws makes the element a dead letter. */
export function customWindows<T = unknown>(windows: CustomWindows<T>): WindowAssigner<T, TimeWindow> {
  const time = windows.time ?? "event";
  requireTime(time, "custom windows");
  const spec: CustomSpec = {
    kind: "custom",
    assign: authorFunction(windows.assign, "customWindows").bind(windows),
    merging: windows.merging === true,
    time,
  };
  return spec as CustomSpec & WindowAssigner<T, TimeWindow>;
}
