/**
 * Sliding and cumulative windows with an aggregate that can be merged, in event time or processing time: `{ key, value, window }` when a window closes.
 *
 * An element is added to its slice, once. A window is folded from its slices when it fires; a slice goes with the last window that holds it.
 */

import { encodeKey, type Key } from "../stream/key.ts";
import type { WindowAggregateNode } from "../stream/node.ts";
import type { CumulativeSpec, SlidingSpec } from "../stream/window-spec.ts";
import { slicingOf } from "../windows/slices.ts";
import { windowStart } from "../windows/tumbling.ts";
import { accumulatorCheck, checkedMerge } from "./accumulator.ts";
import { FiredKeys } from "./fired-keys.ts";
import { SliceTotals } from "./slice-totals.ts";
import type { Step, StepSetup } from "./step.ts";
import { keyOfWindows } from "./window-results.ts";

type Merge = (a: unknown, b: unknown) => unknown;

export function slicedAggregateStep(
  node: WindowAggregateNode & { readonly assigner: SlidingSpec | CumulativeSpec },
  setup: StepSetup,
): Step {
  const {
    table,
    tables,
    time,
    counts,
    guard,
    isFull,
    call,
    out,
    late: [late],
  } = setup;
  const { assigner, aggregator, allowedLateness } = node;
  const slicing = slicingOf(assigner);
  const { sliceMs, offsetMs, everyMs } = slicing;
  const { create, add, result } = aggregator;
  const keyOf = keyOfWindows(node);
  const checked = accumulatorCheck(aggregator);
  const merge = checkedMerge(aggregator) as Merge;
  // null is an accumulator like any other.
  const addTo = (accumulator: unknown, value: unknown) =>
    checked(add(accumulator === undefined ? create() : accumulator, value));
  const totals = new SliceTotals(table, slicing, aggregator);
  const inEventTime = assigner.time === "event";
  const lateness = inEventTime ? allowedLateness : 0;
  /** Where time stands: no element with this timestamp or an earlier one is expected. By the clock that is the millisecond before now, as in Flink. */
  const passedMs = () => (inEventTime ? time.watermarkMs : time.nowMs - 1);
  /** What this step was last told: what was due then has fired, but for what is `firing`. */
  let toldMs = inEventTime ? setup.toldMs : passedMs();
  const fired = new FiredKeys(tables("fired"));
  /** Up to there all windows have fired. */
  let firedMs = fired.windowMs === undefined ? toldMs : fired.windowMs - 1;
  let firing: Iterator<void> | undefined;
  /** The earliest time at which something is due; undefined: the table has to be looked through. */
  let dueMs: number | undefined;

  /** The stretch of input so far: slices of which no window has fired. */
  const gathered = new Map<number, Map<string, unknown>>();

  const handOn = (endMs: number, encoded: string, accumulator: unknown) => {
    const key = keyOf(encoded);
    call.step = "window";
    out({ key, value: result(accumulator), window: { startMs: slicing.startOf(endMs), endMs } }, key, endMs - 1);
  };

  const fire = (endMs: number, encoded: string, accumulator: unknown) =>
    guard(
      () => `window to ${endMs} of key ${JSON.stringify(encoded)}`,
      () => handOn(endMs, encoded, accumulator),
      () => ({
        shown: { key: keyOf(encoded), window: { startMs: slicing.startOf(endMs), endMs } },
        namespace: endMs,
        key: encoded,
        accumulator,
      }),
    );

  /** The end of the first window with a slice that has not fired. */
  const nextEnd = (slice: number) => {
    const first = slicing.firstEnd(slice);
    if (first - 1 > firedMs) return first;
    // Also where time is at its end.
    return firedMs - first >= slicing.lastEnd(slice) - first
      ? Number.POSITIVE_INFINITY
      : first + (Math.floor((firedMs + 1 - first) / everyMs) + 1) * everyMs;
  };

  /** When a slice next has to be looked at: a window with it fires, or none needs it any more. */
  const dueOf = (slice: number) => {
    const next = nextEnd(slice);
    const last = slicing.lastEnd(slice);
    return next <= last ? next - 1 : last - 1 + lateness;
  };

  const touched = (slice: number) => {
    totals.changed(slice);
    if (dueMs !== undefined) dueMs = Math.min(dueMs, dueOf(slice));
  };

  /** Fires all windows with a slice again, for one key, that fired before and are kept for late elements. */
  const fireLate = (slice: number, encoded: string) => {
    const last = Math.min(slicing.lastEnd(slice), toldMs + 1);
    for (let endMs = slicing.firstEnd(slice); endMs <= last; endMs += everyMs)
      if (endMs - 1 + lateness > toldMs) fire(endMs, encoded, totals.of(endMs, encoded));
  };

  const isLate = (slice: number) => slicing.lastEnd(slice) - 1 + lateness <= toldMs;
  const hasFired = (slice: number) => slicing.firstEnd(slice) - 1 <= toldMs;

  const element = (value: unknown, key: unknown, elementMs: number) => {
    call.reachedState = true;
    const timestampMs = inEventTime ? elementMs : time.nowMs;
    const slice = windowStart(timestampMs, offsetMs, sliceMs);
    if (slicing.lastEnd(slice) <= slice) {
      // Between two windows.
      if (inEventTime && timestampMs + lateness <= toldMs) {
        counts.late++;
        late?.(value, node.all ? null : key, elementMs);
      }
      return;
    }
    if (inEventTime && isLate(slice)) {
      counts.late++;
      late?.(value, node.all ? null : key, elementMs);
      return;
    }
    const encoded = encodeKey(key as Key);
    call.step = "window";
    if (hasFired(slice)) {
      table.set(slice, encoded, addTo(table.get(slice, encoded), value));
      touched(slice);
      fireLate(slice, encoded);
      return;
    }
    let cells = gathered.get(slice);
    if (cells === undefined) {
      cells = new Map();
      gathered.set(slice, cells);
    }
    cells.set(encoded, addTo(cells.get(encoded), value));
  };

  return {
    inputs: [element],

    partials(windows) {
      call.step = "window";
      call.reachedState = true;
      for (const { namespace, keys, accumulators, elements } of windows) {
        const slice = inEventTime ? namespace : windowStart(time.nowMs, offsetMs, sliceMs);
        if (isLate(slice)) {
          for (const n of elements) counts.late += n;
          continue;
        }
        table.merge(slice, keys, accumulators, merge);
        touched(slice);
        if (hasFired(slice)) for (const key of keys) fireLate(slice, key);
      }
    },

    flush() {
      if (gathered.size === 0) return;
      const stretch = [...gathered];
      // First of all: what cannot be merged must not stand in the way of what comes behind it.
      gathered.clear();
      for (const [slice, cells] of stretch) {
        table.merge(slice, [...cells.keys()], [...cells.values()], merge);
        touched(slice);
      }
    },

    advance() {
      toldMs = passedMs();
      // The clock may have gone on while the commit before was made.
      while (firedMs !== toldMs) {
        if (firing === undefined && toldMs < nextDue()) firedMs = toldMs;
        else {
          firing ??= fireTo(toldMs);
          if (!firing.next().done) return true;
          firing = undefined;
        }
      }
      return false;
    },

    fireAgain: (endMs, encoded, accumulator) => handOn(endMs as number, encoded, accumulator),

    nextEventTimeMs: () => (inEventTime ? nextDue() : Number.POSITIVE_INFINITY),
    nextProcessingTimeMs: () => (inEventTime ? Number.POSITIVE_INFINITY : nextDue() + 1),
  };

  /** Fires windows in order of time; yields where the commit is full. */
  function* fireTo(toMs: number): Iterator<void> {
    const slices = ([...table.namespaces()] as number[]).sort((a, b) => a - b);
    const ends = new Set<number>();
    for (const slice of slices) {
      const last = Math.min(slicing.lastEnd(slice), toMs + 1);
      for (let endMs = nextEnd(slice); endMs <= last; endMs += everyMs) ends.add(endMs);
    }
    for (const endMs of [...ends].sort((a, b) => a - b)) {
      const isResumed = fired.windowMs === endMs - 1;
      let keys: string[] = [];
      for (const [key, accumulator] of totals.entries(endMs)) {
        if (isResumed && fired.has(endMs - 1, key)) continue;
        fire(endMs, key, accumulator);
        keys.push(key);
        if (!isFull()) continue;
        fired.add(endMs - 1, keys);
        keys = [];
        yield;
      }
      fired.clear(endMs - 1);
      firedMs = endMs - 1;
      counts.windowsClosed++;
    }
    for (const slice of slices) if (slicing.lastEnd(slice) - 1 + lateness <= toMs) table.drop(slice);
    dueMs = undefined;
    firedMs = toMs;
  }

  function nextDue(): number {
    if (dueMs === undefined) {
      dueMs = Number.POSITIVE_INFINITY;
      for (const slice of table.namespaces() as Set<number>) dueMs = Math.min(dueMs, dueOf(slice));
    }
    return dueMs;
  }
}
