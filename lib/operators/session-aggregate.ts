/**
 * Sessions with an aggregate that can be merged, in event time or processing time: `{ key, value, window }` when a session closes.
 *
 * A key's sessions are one cell, in order of time. Those that an element's own window overlaps or touches become one with it, and whether it is late is judged on
 * that one, as in Flink.
 */

import { encodeKey, type Key } from "../stream/key.ts";
import type { WindowAggregateNode } from "../stream/node.ts";
import type { SessionSpec } from "../stream/window-spec.ts";
import { gapOf } from "../windows/gap.ts";
import { accumulatorCheck, checkedMerge } from "./accumulator.ts";
import { DueQueue } from "./due-queue.ts";
import type { Step, StepSetup } from "./step.ts";
import { keyOfWindows } from "./window-results.ts";

type Session = [startMs: number, endMs: number, accumulator: unknown];
type Merge = (a: unknown, b: unknown) => unknown;

/** There is one namespace. */
const NAMESPACE = "sessions";

export function sessionAggregateStep(
  node: WindowAggregateNode & { readonly assigner: SessionSpec },
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
  const { create, add, result } = aggregator;
  const keyOf = keyOfWindows(node);
  const gapBehind = gapOf(assigner);
  const checked = accumulatorCheck(aggregator);
  const merge = checkedMerge(aggregator) as Merge;
  const inEventTime = assigner.time === "event";
  const lateness = inEventTime ? allowedLateness : 0;
  /** Where time stands: no element with this timestamp or an earlier one is expected. By the clock that is the millisecond before now, as in Flink. */
  const passedMs = () => (inEventTime ? time.watermarkMs : time.nowMs - 1);
  /** What this step was last told. */
  let toldMs = inEventTime ? setup.toldMs : passedMs();
  /** What was due by then has fired: while sessions fire, at that very time only those of keys up to `firedKey`. */
  let firedMs = toldMs;
  let firedKey: string | undefined;
  /** These two, where a commit was full before all had fired. */
  const progress = tables("progress");
  const stopped = progress.get(NAMESPACE, "") as [firedMs: number, firedKey: string] | undefined;
  if (stopped !== undefined) [firedMs, firedKey] = stopped;
  let queue: DueQueue | undefined;

  const sessionsOf = (encoded: string) => table.get(NAMESPACE, encoded) as Session[] | undefined;

  /** When a session next has to be looked at: it fires, or is cleaned up. */
  const dueOf = ([, endMs]: Session, encoded: string) => {
    const lastMs = endMs - 1;
    const isToFire = lastMs > firedMs || (lastMs === firedMs && firedKey !== undefined && encoded > firedKey);
    return isToFire ? lastMs : lastMs + lateness;
  };

  const order = () => {
    if (queue !== undefined) return queue;
    const keys: string[] = [];
    table.forEach(NAMESPACE, (key) => keys.push(key));
    queue = new DueQueue(keys, (key) => {
      let dueMs = Number.POSITIVE_INFINITY;
      for (const session of sessionsOf(key) ?? []) dueMs = Math.min(dueMs, dueOf(session, key));
      return dueMs;
    });
    return queue;
  };

  const handOn = (startMs: number, endMs: number, encoded: string, accumulator: unknown) => {
    const key = keyOf(encoded);
    call.step = "window";
    out({ key, value: result(accumulator), window: { startMs, endMs } }, key, endMs - 1);
  };

  const fire = ([startMs, endMs, accumulator]: Session, encoded: string) =>
    guard(
      () => `session ${startMs} to ${endMs} of key ${JSON.stringify(encoded)}`,
      () => handOn(startMs, endMs, encoded, accumulator),
      () => ({
        shown: { key: keyOf(encoded), window: { startMs, endMs } },
        namespace: `${startMs}/${endMs}`,
        key: encoded,
        accumulator,
      }),
    );

  const element = (value: unknown, key: unknown, elementMs: number) => {
    call.reachedState = true;
    call.step = "window (gap)";
    const timestampMs = inEventTime ? elementMs : time.nowMs;
    let startMs = timestampMs;
    let endMs = timestampMs + gapBehind(value);
    call.step = "window";
    const encoded = encodeKey(key as Key);
    const sessions = sessionsOf(encoded) ?? [];
    // Those that overlap or touch the element's own window: they stand side by side.
    let from = 0;
    while (from < sessions.length && (sessions[from] as Session)[1] < startMs) from++;
    let to = from;
    for (; to < sessions.length && (sessions[to] as Session)[0] <= endMs; to++);
    if (to > from) {
      startMs = Math.min(startMs, (sessions[from] as Session)[0]);
      endMs = Math.max(endMs, (sessions[to - 1] as Session)[1]);
    } else if (inEventTime && endMs - 1 + lateness <= toldMs) {
      counts.late++;
      late?.(value, node.all ? null : key, elementMs);
      return;
    }
    let accumulator = to > from ? (sessions[from] as Session)[2] : create();
    for (let i = from + 1; i < to; i++) accumulator = merge(accumulator, (sessions[i] as Session)[2]);
    const session: Session = [startMs, endMs, checked(add(accumulator, value))];
    sessions.splice(from, to - from, session);
    table.set(NAMESPACE, encoded, sessions);
    queue?.note(encoded, dueOf(session, encoded));
    if (endMs - 1 <= toldMs) fire(session, encoded);
  };

  return {
    inputs: [element],

    advance() {
      toldMs = passedMs();
      if (toldMs === firedMs && firedKey === undefined) return false;
      const keys = order();
      for (let due = keys.take(toldMs); due !== undefined; due = keys.take(toldMs)) {
        const { timeMs, key } = due;
        firedMs = timeMs;
        firedKey = key;
        const sessions = sessionsOf(key) ?? [];
        const left: Session[] = [];
        for (const session of sessions) {
          const lastMs = session[1] - 1;
          if (lastMs === timeMs) {
            fire(session, key);
            counts.windowsClosed++;
          }
          if (lastMs + lateness > timeMs) left.push(session);
        }
        if (left.length === 0) table.remove(NAMESPACE, key);
        else if (left.length < sessions.length) table.set(NAMESPACE, key, left);
        for (const session of left) keys.note(key, dueOf(session, key));
        if (!isFull()) continue;
        progress.set(NAMESPACE, "", [firedMs, firedKey]);
        return true;
      }
      firedKey = undefined;
      firedMs = toldMs;
      progress.remove(NAMESPACE, "");
      return false;
    },

    fireAgain(namespace, encoded, accumulator) {
      const [startMs, endMs] = (namespace as string).split("/").map(Number) as [number, number];
      handOn(startMs, endMs, encoded, accumulator);
    },

    nextEventTimeMs: () => (inEventTime ? order().nextMs() : Number.POSITIVE_INFINITY),
    nextProcessingTimeMs: () => (inEventTime ? Number.POSITIVE_INFINITY : order().nextMs() + 1),
  };
}
