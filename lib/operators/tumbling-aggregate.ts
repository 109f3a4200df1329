/**
 * Tumbling windows with an aggregate, in event time or processing time: `{ key, value, window }` when the window closes.
 *
 * Elements of a stretch of input are gathered per window and key and merged into the table once, so that an element costs one map operation
 * and a commit knows what was touched. What is late, or belongs to a window that has fired already, goes the long way at once.
 */

import { encodeKey, type Key } from "../stream/key.ts";
import type { WindowAggregateNode } from "../stream/node.ts";
import type { TumblingSpec } from "../stream/window-spec.ts";
import { maxTimestamp, tumblingWindow, windowStart } from "../windows/tumbling.ts";
import { accumulatorCheck, checkedMerge } from "./accumulator.ts";
import { FiredKeys } from "./fired-keys.ts";
import type { Step, StepSetup } from "./step.ts";
import { keyOfWindows } from "./window-results.ts";

export function tumblingAggregateStep(
  node: WindowAggregateNode & { readonly assigner: TumblingSpec },
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
  const { size, offset } = assigner;
  const { create, add, result } = aggregator;
  const keyOf = keyOfWindows(node);
  const checked = accumulatorCheck(aggregator);
  const merge = checkedMerge(aggregator);
  // null is an accumulator like any other.
  const addTo = (accumulator: unknown, value: unknown) =>
    checked(add(accumulator === undefined ? create() : accumulator, value));
  const inEventTime = assigner.time === "event";
  const lateness = inEventTime ? allowedLateness : 0;
  /** Where time stands: no element with this timestamp or an earlier one is expected. By the clock that is the millisecond before now, as in Flink. */
  const passedMs = () => (inEventTime ? time.watermarkMs : time.nowMs - 1);
  /** What this step was last told: what was due then has fired, but for what is `firing`. */
  let toldMs = inEventTime ? setup.toldMs : passedMs();
  const fired = new FiredKeys(tables("fired"));
  /** Up to there all has fired. Without lateness what has fired goes, so that whatever is left has not. */
  let firedMs = lateness > 0 ? (fired.windowMs ?? toldMs + 1) - 1 : Math.min(toldMs, earliestMs() - 1);
  let firing: Iterator<void> | undefined;

  /** The stretch of input so far: windows that have not fired. */
  const gathered = new Map<number, Map<string, unknown>>();
  let newestStart = Number.NaN;
  let newestCells: Map<string, unknown> | undefined;

  const handOn = (start: number, encoded: string, accumulator: unknown) => {
    const window = tumblingWindow(assigner, start);
    const key = keyOf(encoded);
    call.step = "window";
    out({ key, value: result(accumulator), window }, key, maxTimestamp(window));
  };

  const fire = (start: number, encoded: string, accumulator: unknown) =>
    guard(
      () => `window ${start} of key ${JSON.stringify(encoded)}`,
      () => handOn(start, encoded, accumulator),
      () => ({
        shown: { key: keyOf(encoded), window: tumblingWindow(assigner, start) },
        namespace: start,
        key: encoded,
        accumulator,
      }),
    );

  /** Adds to a window that has fired already and is kept for late elements: fires again at once. */
  const addLate = (start: number, encoded: string, change: (accumulator: unknown) => unknown) => {
    const accumulator = change(table.get(start, encoded));
    table.set(start, encoded, accumulator);
    fire(start, encoded, accumulator);
  };

  const element = (value: unknown, key: unknown, elementMs: number) => {
    call.reachedState = true;
    const timestampMs = inEventTime ? elementMs : time.nowMs;
    const start = windowStart(timestampMs, offset, size);
    const lastMs = start + size - 1;
    if (inEventTime && lastMs <= toldMs) {
      if (lastMs + lateness <= toldMs) {
        counts.late++;
        late?.(value, node.all ? null : key, elementMs);
      } else
        addLate(start, encodeKey(key as Key), (accumulator) => {
          call.step = "window";
          return addTo(accumulator, value);
        });
      return;
    }
    const encoded = encodeKey(key as Key);
    call.step = "window";
    if (merge === undefined) {
      table.set(start, encoded, addTo(table.get(start, encoded), value));
      return;
    }
    if (start !== newestStart) {
      newestStart = start;
      newestCells = gathered.get(start);
      if (newestCells === undefined) {
        newestCells = new Map();
        gathered.set(start, newestCells);
      }
    }
    const cells = newestCells as Map<string, unknown>;
    cells.set(encoded, addTo(cells.get(encoded), value));
  };

  return {
    inputs: [element],

    partials(windows) {
      if (merge === undefined) throw new Error("Partial results arrived for an aggregate that cannot be merged.");
      call.step = "window";
      call.reachedState = true;
      for (const { namespace, keys, accumulators, elements } of windows) {
        const start = inEventTime ? namespace : windowStart(time.nowMs, offset, size);
        const lastMs = start + size - 1;
        if (lastMs > toldMs) table.merge(start, keys, accumulators, merge);
        else if (lastMs + lateness > toldMs)
          for (let i = 0; i < keys.length; i++)
            addLate(start, keys[i] as string, (accumulator) =>
              accumulator === undefined ? accumulators[i] : merge(accumulator, accumulators[i]),
            );
        else for (const n of elements) counts.late += n;
      }
    },

    flush() {
      if (merge === undefined || gathered.size === 0) return;
      const stretch = [...gathered];
      // First of all: what cannot be merged must not stand in the way of what comes behind it.
      gathered.clear();
      newestStart = Number.NaN;
      for (const [start, cells] of stretch) table.merge(start, [...cells.keys()], [...cells.values()], merge);
    },

    advance() {
      toldMs = passedMs();
      // The clock may have gone on while the commit before was made.
      while (firedMs !== toldMs) {
        firing ??= fireTo(toldMs);
        if (!firing.next().done) return true;
        firing = undefined;
      }
      return false;
    },

    fireAgain: (start, encoded, accumulator) => handOn(start as number, encoded, accumulator),

    nextEventTimeMs: () => (inEventTime ? nextDue() : Number.POSITIVE_INFINITY),
    nextProcessingTimeMs: () => (inEventTime ? Number.POSITIVE_INFINITY : nextDue() + 1),
  };

  /** Fires windows in order of time; yields where the commit is full. */
  function* fireTo(toMs: number): Iterator<void> {
    const due = ([...table.namespaces()] as number[]).filter((start) => start + size - 1 <= toMs).sort((a, b) => a - b);
    for (const start of due) {
      const lastMs = start + size - 1;
      if (lastMs > firedMs) {
        const isResumed = fired.windowMs === lastMs;
        let keys: string[] = [];
        for (const cells of table.cellsOf(start))
          for (const [key, accumulator] of cells) {
            if (isResumed && fired.has(lastMs, key)) continue;
            fire(start, key, accumulator);
            keys.push(key);
            if (!isFull()) continue;
            if (lateness > 0) fired.add(lastMs, keys);
            else for (const key of keys) table.remove(start, key);
            keys = [];
            yield;
          }
        fired.clear(lastMs);
        firedMs = lastMs;
        counts.windowsClosed++;
      }
      if (lastMs + lateness <= toMs) table.drop(start);
    }
    firedMs = toMs;
  }

  /** The last millisecond of the earliest window; +∞ for none. */
  function earliestMs(): number {
    return [...(table.namespaces() as Set<number>)].reduce(
      (least, start) => Math.min(least, start + size - 1),
      Number.POSITIVE_INFINITY,
    );
  }

  function nextDue(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const start of table.namespaces() as Set<number>) {
      const lastMs = start + size - 1;
      next = Math.min(next, lastMs > toldMs ? lastMs : lastMs + lateness);
    }
    return next;
  }
}
