/** Triggers as authors describe them: when a window gives its result. What they do is in lib/windows. */

import { authorFunction } from "./author-function.ts";
import { requireCount, requireLength } from "./check-window.ts";
import type { Duration } from "./duration.ts";
import { MillraceError } from "./error.ts";
import type { AuthorFunction } from "./node.ts";
import type { Kept } from "./storable.ts";

/** What a trigger decides. Purging drops what is in the window and keeps what the trigger remembers. */
export type TriggerResult = "continue" | "fire" | "purge" | "fire-and-purge";

declare const triggers: unique symbol;

/** Says when windows of type W with elements of T give their results. Made by `countTrigger()` and its like, or `customTrigger()`. */
export interface Trigger<in T, in W = unknown> {
  readonly kind: string;
  readonly [triggers]: (element: T, window: W) => void;
}

/** What a trigger of the author's own finds around it, of one window of one key. One object is reused: read it at once, do not keep it. */
export interface TriggerContext<S, out W> {
  /** What the trigger remembers of this window. Set it to change it; what it holds must be storable. */
  state: S;
  readonly window: W;
  /** The last timestamp that belongs to the window; +∞ for the global one. */
  readonly maxTimestampMs: number;
  /** Of the element; of the timer where one fires. */
  readonly timestampMs: number;
  readonly watermarkMs: number;
  readonly processingTimeMs: number;
  /** Calls onEventTime when the watermark has reached `timeMs`; where it has already, when it next moves. */
  setEventTimer(timeMs: number): void;
  deleteEventTimer(timeMs: number): void;
  /** Calls onProcessingTime when the clock has passed `timeMs`. */
  setProcessingTimer(timeMs: number): void;
  deleteProcessingTimer(timeMs: number): void;
}

/** A trigger of the author's own. S is what it remembers per window: JSON values, bigint, Uint8Array. */
export interface CustomTrigger<T, S, W> {
  /** What it remembers of a window at first. */
  readonly state: () => S & Kept<S>;
  readonly onElement: (element: T, context: TriggerContext<NoInfer<S>, W>) => TriggerResult;
  /** A timer in event time is due, or the window is about to be cleaned up. Default: continue. */
  readonly onEventTime?: (timeMs: number, context: TriggerContext<NoInfer<S>, W>) => TriggerResult;
  readonly onProcessingTime?: (timeMs: number, context: TriggerContext<NoInfer<S>, W>) => TriggerResult;
  /**
   * Windows became one, which `context` is of: sets its state and timers from what was remembered of the others, in order of their time. Their own timers are
   * deleted by `clear`. Needed for sessions.
   */
  readonly onMerge?: (merged: readonly NoInfer<S>[], context: TriggerContext<NoInfer<S>, W>) => void;
  /** The window goes: deletes what timers were set for it. */
  readonly clear?: (context: TriggerContext<NoInfer<S>, W>) => void;
}

export type CustomTriggerSpec = {
  readonly kind: "custom";
  readonly state: AuthorFunction;
  readonly onElement: AuthorFunction;
  readonly onEventTime: AuthorFunction | undefined;
  readonly onProcessingTime: AuthorFunction | undefined;
  readonly onMerge: AuthorFunction | undefined;
  readonly clear: AuthorFunction | undefined;
};

/** What a Trigger is inside. */
export type TriggerSpec =
  | { readonly kind: "event-time" | "processing-time" | "never" | "each" }
  | { readonly kind: "count"; readonly n: number }
  | { readonly kind: "continuous-event-time" | "continuous-processing-time"; readonly every: Duration }
  /** As often as `every`, and at the end, where there is something new. */
  | { readonly kind: "throttled"; readonly every: Duration; readonly time: "event" | "processing" }
  | { readonly kind: "delta"; readonly threshold: number; readonly delta: AuthorFunction }
  | { readonly kind: "purging"; readonly of: TriggerSpec }
  | CustomTriggerSpec;

/** Fires when the watermark reaches the window's end − 1, and at once for each late element that is allowed: what windows in event time do by themselves. */
export function eventTimeTrigger(): Trigger<unknown> {
  return toTrigger({ kind: "event-time" });
}

/** Fires when the clock reaches the window's end: what windows in processing time do by themselves. */
export function processingTimeTrigger(): Trigger<unknown> {
  return toTrigger({ kind: "processing-time" });
}

/** Fires with every `n`th element of a window. */
export function countTrigger(n: number): Trigger<unknown> {
  requireCount(n, "The number of a count trigger");
  return toTrigger({ kind: "count", n });
}

/** Fires at every multiple of `every` in event time that follows an element, and at the window's end − 1. */
export function continuousEventTimeTrigger(every: Duration): Trigger<unknown> {
  requireLength(every, "The interval of a continuous trigger");
  return toTrigger({ kind: "continuous-event-time", every });
}

/** Fires at every multiple of `every` by the clock that follows an element, until the window's end. */
export function continuousProcessingTimeTrigger(every: Duration): Trigger<unknown> {
  requireLength(every, "The interval of a continuous trigger");
  return toTrigger({ kind: "continuous-processing-time", every });
}

/** Fires when an element is further than `threshold` from the one that it last fired with, or from the first. Not for sessions. */
export function deltaTrigger<T = unknown>(threshold: number, delta: (last: T, element: T) => number): Trigger<T> {
  if (!Number.isFinite(threshold))
    throw new MillraceError("definition", `The threshold of a delta trigger is a number, not ${threshold}.`);
  return toTrigger({ kind: "delta", threshold, delta: authorFunction(delta, "deltaTrigger") });
}

/** Fires when `trigger` does, and then drops what is in the window: each result has what came since the one before. */
export function purging<T = unknown, W = unknown>(trigger: Trigger<T, W>): Trigger<T, W> {
  return toTrigger({ kind: "purging", of: trigger as unknown as TriggerSpec });
}

/** A trigger of the author's own: see CustomTrigger. What its functions throw makes the element, or the timer's call, a dead letter. */
export function customTrigger<T = unknown, S = unknown, W = unknown>(trigger: CustomTrigger<T, S, W>): Trigger<T, W> {
  const optional = (name: "onEventTime" | "onProcessingTime" | "onMerge" | "clear") =>
    trigger[name] === undefined ? undefined : authorFunction(trigger[name], `customTrigger ${name}`).bind(trigger);
  return toTrigger({
    kind: "custom",
    state: authorFunction(trigger.state, "customTrigger state").bind(trigger),
    onElement: authorFunction(trigger.onElement, "customTrigger onElement").bind(trigger),
    onEventTime: optional("onEventTime"),
    onProcessingTime: optional("onProcessingTime"),
    onMerge: optional("onMerge"),
    clear: optional("clear"),
  });
}

/** Whether windows that merge can have this trigger. */
export function canMerge(trigger: TriggerSpec): boolean {
  switch (trigger.kind) {
    case "purging":
      return canMerge(trigger.of);
    case "delta":
      return false;
    case "custom":
      return trigger.onMerge !== undefined;
    default:
      return true;
  }
}

/** Whether a trigger waits for the watermark by itself, whatever its windows are. */
export function needsEventTime(trigger: TriggerSpec): boolean {
  if (trigger.kind === "purging") return needsEventTime(trigger.of);
  if (trigger.kind === "throttled") return trigger.time === "event";
  return trigger.kind === "event-time" || trigger.kind === "continuous-event-time";
}

function toTrigger<T, W>(spec: TriggerSpec): Trigger<T, W> {
  return spec as TriggerSpec & Trigger<T, W>;
}
