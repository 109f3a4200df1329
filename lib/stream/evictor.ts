/** Evictors as authors describe them: which elements a window forgets when it fires. What they do is in lib/windows. */

import { authorFunction } from "./author-function.ts";
import { requireCount, requireLength } from "./check-window.ts";
import type { Duration } from "./duration.ts";
import { MillraceError } from "./error.ts";
import type { AuthorFunction } from "./node.ts";

declare const evicts: unique symbol;

/**
 * Says which elements of T are left out when a window fires. A window with an evictor keeps all its elements, and computes its result anew from them each
 * time. Made by `countEvictor()` and its like.
 */
export interface Evictor<in T, in W = unknown> {
  readonly kind: string;
  readonly [evicts]: (element: T, window: W) => void;
}

/** When an evictor acts. */
export interface EvictorOptions {
  /** Before the result is computed (default), or after it: then the next one goes without the elements. */
  readonly when?: "before" | "after";
}

/** An element that is in a window. */
export interface TimedElement<out T> {
  readonly value: T;
  readonly timestampMs: number;
}

/** What an evictor of the author's own finds around it. */
export interface EvictorContext<out W> {
  readonly window: W;
  readonly watermarkMs: number;
  readonly processingTimeMs: number;
}

/** An evictor of the author's own: functions that return the elements to keep, of those they are given. */
export interface CustomEvictor<T, W> {
  /** Before the result is computed. */
  readonly before?: (elements: readonly TimedElement<T>[], context: EvictorContext<W>) => readonly TimedElement<T>[];
  /** After the result was computed. */
  readonly after?: (elements: readonly TimedElement<T>[], context: EvictorContext<W>) => readonly TimedElement<T>[];
}

/** What an Evictor is inside. */
export type EvictorSpec =
  | { readonly kind: "count"; readonly n: number; readonly when: "before" | "after" }
  | { readonly kind: "time"; readonly length: Duration; readonly when: "before" | "after" }
  | {
      readonly kind: "delta";
      readonly threshold: number;
      readonly delta: AuthorFunction;
      readonly when: "before" | "after";
    }
  | {
      readonly kind: "custom";
      readonly before: AuthorFunction | undefined;
      readonly after: AuthorFunction | undefined;
    };

/** Keeps the last `n` elements, in the order of their arrival. */
export function countEvictor(n: number, options: EvictorOptions = {}): Evictor<unknown> {
  requireCount(n, "The number of a count evictor");
  return toEvictor({ kind: "count", n, when: whenOf(options) });
}

/** Keeps the elements that are less than `length` older than the newest one: those with `timestamp ≤ newest − length` go. */
export function timeEvictor(length: Duration, options: EvictorOptions = {}): Evictor<unknown> {
  requireLength(length, "The length of a time evictor");
  return toEvictor({ kind: "time", length, when: whenOf(options) });
}

/** Keeps the elements that are less than `threshold` from the last one. */
export function deltaEvictor<T = unknown>(
  threshold: number,
  delta: (element: T, last: T) => number,
  options: EvictorOptions = {},
): Evictor<T> {
  if (!Number.isFinite(threshold))
    throw new MillraceError("definition", `The threshold of a delta evictor is a number, not ${threshold}.`);
  return toEvictor({
    kind: "delta",
    threshold,
    delta: authorFunction(delta, "deltaEvictor"),
    when: whenOf(options),
  });
}

/** An evictor of the author's own: see CustomEvictor. What its functions throw makes the window's result a dead letter. */
export function customEvictor<T = unknown, W = unknown>(evictor: CustomEvictor<T, W>): Evictor<T, W> {
  const optional = (name: "before" | "after") =>
    evictor[name] === undefined ? undefined : authorFunction(evictor[name], `customEvictor ${name}`).bind(evictor);
  return toEvictor({ kind: "custom", before: optional("before"), after: optional("after") });
}

function whenOf({ when = "before" }: EvictorOptions): "before" | "after" {
  if (when !== "before" && when !== "after")
    throw new MillraceError("definition", `An evictor acts "before" or "after", not ${JSON.stringify(when)}.`);
  return when;
}

function toEvictor<T, W>(spec: EvictorSpec): Evictor<T, W> {
  return spec as EvictorSpec & Evictor<T, W>;
}
