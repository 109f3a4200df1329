/** Windows as authors describe them; what they do is in lib/windows. */

import type { Duration } from "./duration.ts";

/** A window of time: `startMs` inclusive, `endMs` exclusive, epoch milliseconds. */
export interface TimeWindow {
  readonly startMs: number;
  readonly endMs: number;
}

/** Tumbling windows: fixed size, no overlap. |offset| < size. */
export type TumblingSpec = {
  readonly kind: "tumbling";
  readonly size: Duration;
  readonly offset: Duration;
  readonly time: "event" | "processing";
};

export type WindowAssignerSpec = TumblingSpec;

declare const assigns: unique symbol;

/** Says which windows of type W an element of T belongs to. Inside it is a WindowAssignerSpec. */
export interface WindowAssigner<in T, out W> {
  readonly kind: string;
  readonly [assigns]: (element: T) => W;
}
