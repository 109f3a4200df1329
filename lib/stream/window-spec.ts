/** Windows as authors describe them; what they do is in lib/windows. */

import type { Duration } from "./duration.ts";
import type { AuthorFunction } from "./node.ts";

/** A window of time: `startMs` inclusive, `endMs` exclusive, epoch milliseconds. */
export interface TimeWindow {
  readonly startMs: number;
  readonly endMs: number;
}

/** The one window that holds all elements of a key and never ends by itself. */
export interface GlobalWindow {
  readonly kind: "global";
}

/** Tumbling windows: fixed size, no overlap. |offset| < size. */
export type TumblingSpec = {
  readonly kind: "tumbling";
  readonly size: Duration;
  readonly offset: Duration;
  readonly time: "event" | "processing";
};

/** Sliding windows: fixed size, one begins every `slide`. |offset| < slide. */
export type SlidingSpec = {
  readonly kind: "sliding";
  readonly size: Duration;
  readonly slide: Duration;
  readonly offset: Duration;
  readonly time: "event" | "processing";
};

/** Cumulative windows: all of one group of `size` share a start, one ends every `step`. `size` is a multiple of `step`. |offset| < size. */
export type CumulativeSpec = {
  readonly kind: "cumulative";
  readonly step: Duration;
  readonly size: Duration;
  readonly offset: Duration;
  readonly time: "event" | "processing";
};

/** Session windows: as long as elements follow each other within a gap. */
export type SessionSpec = {
  readonly kind: "session";
  /** Of all elements, or what a function says of each. */
  readonly gap: Duration | AuthorFunction;
  readonly time: "event" | "processing";
};

/** One window per key, without end. It belongs to no time, so nothing is late for it. */
export type GlobalSpec = {
  readonly kind: "global";
  readonly time: "none";
};

/** Windows that an author's function assigns. */
export type CustomSpec = {
  readonly kind: "custom";
  readonly assign: AuthorFunction;
  /** Windows that overlap or touch become one, as sessions do. */
  readonly merging: boolean;
  readonly time: "event" | "processing";
};

export type WindowAssignerSpec = TumblingSpec | SlidingSpec | CumulativeSpec | SessionSpec | GlobalSpec | CustomSpec;

declare const assigns: unique symbol;

/** Says which windows of type W an element of T belongs to. Inside it is a WindowAssignerSpec. */
export interface WindowAssigner<in T, out W> {
  readonly kind: string;
  readonly [assigns]: (element: T) => W;
}
