/** The trigger of a step's windows, with what it remembers and its timers: made once, pointed at one window of one key after the other. */

import type { KeyedTable } from "../state/keyed-state.ts";
import { requireStorable } from "../state/value-encoding.ts";
import { MillraceError } from "../stream/error.ts";
import type { TriggerResult } from "../stream/trigger.ts";
import { nameOf, type Span, toWindow } from "../windows/assign.ts";
import type { TriggerBehaviour, TriggerScope } from "../windows/triggers.ts";
import { requireShort } from "./state-scope.ts";
import type { TaskTime } from "./step.ts";
import type { Timers } from "./timers.ts";

/** What a trigger is given around it. */
export type TriggerSetup = {
  readonly behaviour: TriggerBehaviour;
  /** What it remembers, per window and key. */
  readonly memory: KeyedTable;
  readonly eventTimers: Timers;
  readonly processingTimers: Timers;
  /** The watermark that the step was last told of, and the clock. */
  readonly time: Readonly<TaskTime>;
  /** The timer in event time that a window needs for itself, which its trigger cannot delete; the same by the clock. */
  readonly ownEventTimer: (span: Span) => number | undefined;
  readonly ownProcessingTimer: (span: Span) => number | undefined;
};

export class WindowTrigger implements TriggerScope {
  readonly #setup: TriggerSetup;
  #span: Span = { startMs: 0, endMs: 0 };
  #name = "";
  #key = "";
  timestampMs = 0;
  window: unknown;

  constructor(setup: TriggerSetup) {
    this.#setup = setup;
  }

  /** Points at a window; `timestampMs` is that of the element, or of the timer. */
  at(span: Span, key: string, timestampMs: number): this {
    this.#span = span;
    this.#name = nameOf(span);
    this.#key = key;
    this.timestampMs = timestampMs;
    this.window = toWindow(span);
    return this;
  }

  onElement(value: unknown): TriggerResult {
    return this.#setup.behaviour.onElement(value, this);
  }

  onEventTime(timeMs: number): TriggerResult {
    return this.#setup.behaviour.onEventTime(timeMs, this);
  }

  onProcessingTime(timeMs: number): TriggerResult {
    return this.#setup.behaviour.onProcessingTime(timeMs, this);
  }

  /** The window it points at was made of these. */
  onMerge(merged: readonly Span[]): void {
    const states = merged.map((span) => this.#setup.memory.get(nameOf(span), this.#key));
    this.#setup.behaviour.onMerge(states, this);
  }

  /** The window goes, and with it what is remembered. */
  clear(): void {
    this.#setup.behaviour.clear(this);
    this.forget();
  }

  /** The same, without asking the trigger. */
  forget(): void {
    this.#setup.memory.remove(this.#name, this.#key);
  }

  get state(): unknown {
    return this.#setup.memory.get(this.#name, this.#key);
  }

  set state(state: unknown) {
    if (state === undefined) this.forget();
    else {
      requireStorable(state, "the state of the trigger");
      requireShort(state, "the state of the trigger", "");
      this.#setup.memory.set(this.#name, this.#key, state);
    }
  }

  get maxTimestampMs(): number {
    return this.#span.endMs - 1;
  }

  get watermarkMs(): number {
    return this.#setup.time.watermarkMs;
  }

  get processingTimeMs(): number {
    return this.#setup.time.nowMs;
  }

  setEventTimer(timeMs: number): void {
    this.#setup.eventTimers.set(this.#name, this.#key, wholeMs(timeMs));
  }

  deleteEventTimer(timeMs: number): void {
    if (timeMs !== this.#setup.ownEventTimer(this.#span)) this.#setup.eventTimers.delete(this.#name, this.#key, timeMs);
  }

  setProcessingTimer(timeMs: number): void {
    this.#setup.processingTimers.set(this.#name, this.#key, wholeMs(timeMs));
  }

  deleteProcessingTimer(timeMs: number): void {
    if (timeMs !== this.#setup.ownProcessingTimer(this.#span))
      this.#setup.processingTimers.delete(this.#name, this.#key, timeMs);
  }
}

function wholeMs(timeMs: number): number {
  // The end of the global window: reached at the end of the input.
  if (Number.isSafeInteger(timeMs) || timeMs === Number.POSITIVE_INFINITY) return timeMs;
  throw new MillraceError(
    "author",
    `A trigger sets a timer at ${timeMs}; a timer's time is a whole number of milliseconds.`,
  );
}
