/** Tumbling windows: which window an element falls into, and when it closes. */

import type { TimeWindow, TumblingSpec } from "../stream/window-spec.ts";

/**
 * The start of the window of `size` that holds `timestampMs`: Flink's TimeWindow.getWindowStartWithOffset, right for timestamps before 1970 too.
 */
export function windowStart(timestampMs: number, offsetMs: number, sizeMs: number): number {
  const rest = (timestampMs - offsetMs) % sizeMs;
  return rest < 0 ? timestampMs - (rest + sizeMs) : timestampMs - rest;
}

/** The window that starts at `startMs`. */
export function tumblingWindow(spec: TumblingSpec, startMs: number): TimeWindow {
  return { startMs, endMs: startMs + spec.size };
}

/** The last timestamp that belongs to a window: it fires when the watermark reaches it, and its result carries it. */
export function maxTimestamp(window: TimeWindow): number {
  return window.endMs - 1;
}
