/** How a source derives its watermark, as authors describe it; what it does is in lib/watermarks. */

import { type Duration, days, milliseconds } from "./duration.ts";

/** "No element with timestamp ≤ t is expected any more", derived from what has been read. */
export interface WatermarkStrategy {
  readonly kind: "bounded" | "none";
  /** How far behind the newest timestamp an element may be and still be on time. */
  readonly bound: Duration;
  /** A partition with nothing to read for longer than this no longer holds the watermark back. */
  readonly idleAfter: Duration | undefined;
  /** Timestamps further ahead of the clock than this do not move the watermark. */
  readonly futureBound: Duration;
  /** What the watermark does when every partition is idle: stand still, or follow the clock at the bound's distance. */
  readonly whenIdle: "wait" | "follow-clock";
}

/** What a watermark does about quiet partitions and timestamps from the future. */
export interface WatermarkOptions {
  /** Default: never idle; a quiet partition holds the watermark back. */
  readonly idleAfter?: Duration;
  /** Default: one day. */
  readonly futureBound?: Duration;
  /** Default: "follow-clock" where `idleAfter` is given. */
  readonly whenIdle?: "wait" | "follow-clock";
}

/**
 * `watermark = newest timestamp − bound − 1`, as Flink's BoundedOutOfOrdernessWatermarks. Throws a RangeError for a negative bound or
 * futureBound, for an idleAfter that is not above zero, and where the watermark is to follow the clock of what is never idle.
 */
export function boundedOutOfOrderness(bound: Duration, options: WatermarkOptions = {}): WatermarkStrategy {
  if (!(bound >= 0)) throw new RangeError(`The bound of boundedOutOfOrderness must not be negative (${bound} ms).`);
  if (options.idleAfter !== undefined && !(options.idleAfter > 0))
    throw new RangeError(`idleAfter must be above zero (${options.idleAfter} ms).`);
  if (options.futureBound !== undefined && !(options.futureBound >= 0))
    throw new RangeError(`futureBound must not be negative (${options.futureBound} ms).`);
  if (options.whenIdle === "follow-clock" && options.idleAfter === undefined)
    throw new RangeError('whenIdle: "follow-clock" needs idleAfter: without it no partition is ever idle.');
  return {
    kind: "bounded",
    bound,
    idleAfter: options.idleAfter,
    futureBound: options.futureBound ?? days(1),
    whenIdle: options.whenIdle ?? (options.idleAfter === undefined ? "wait" : "follow-clock"),
  };
}

/** Timestamps never go back within a partition: bounded out-of-orderness with a bound of zero. */
export function monotonic(options: WatermarkOptions = {}): WatermarkStrategy {
  return boundedOutOfOrderness(milliseconds(0), options);
}

/** No event time: the watermark stays at −∞. A window in event time over such a source is refused. */
export function noWatermark(): WatermarkStrategy {
  return { kind: "none", bound: milliseconds(0), idleAfter: undefined, futureBound: days(1), whenIdle: "wait" };
}

/** Whether two strategies do the same. */
export function sameStrategy(a: WatermarkStrategy | undefined, b: WatermarkStrategy | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return (
    a.kind === b.kind &&
    a.bound === b.bound &&
    a.idleAfter === b.idleAfter &&
    a.futureBound === b.futureBound &&
    a.whenIdle === b.whenIdle
  );
}
