/**
 * Sessions with an aggregate that can be merged, in event time or processing time: `{ key, value, window }` when a session closes.
 *
 * A key's sessions are one cell, in order of time. Those that an element's own window overlaps or touches become one with it, and whether it is late is judged on
 * that one, as in Flink. Elements that were put together before the shuffle are judged together.
 */

import { encodeKey, type Key } from "../stream/key.ts";
import type { WindowAggregateNode } from "../stream/node.ts";
import type { SessionSpec } from "../stream/window-spec.ts";
import { findMeeting } from "../windows/find-meeting.ts";
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

  /** Puts an element, or the accumulator of a partial session, into the session that it makes with those it meets. False: it is late. */
  const join = (encoded: string, ownStartMs: number, ownEndMs: number, value: unknown, isPartial: boolean): boolean => {
    const sessions = sessionsOf(encoded) ?? [];
    const { from, to } = findMeeting(sessions, ownStartMs, ownEndMs);
    const first = sessions[from];
    let session: Session;
    if (to === from || first === undefined) {
      if (inEventTime && ownEndMs - 1 + lateness <= toldMs) return false;
      session = [ownStartMs, ownEndMs, isPartial ? value : checked(add(create(), value))];
      sessions.splice(from, 0, session);
    } else {
      let [, , accumulator] = first;
      for (let i = from + 1; i < to; i++) accumulator = merge(accumulator, (sessions[i] as Session)[2]);
      const startMs = Math.min(ownStartMs, first[0]);
      const endMs = Math.max(ownEndMs, (sessions[to - 1] as Session)[1]);
      session = [startMs, endMs, isPartial ? merge(accumulator, value) : checked(add(accumulator, value))];
      sessions.splice(from, to - from, session);
    }
    table.set(NAMESPACE, encoded, sessions);
    // A session that only grows is due later than the queue was told; one that has fired is due anew.
    if (to === from || lateness > 0) queue?.note(encoded, dueOf(session, encoded));
    if (session[1] - 1 <= toldMs) fire(session, encoded);
    return true;
  };

  const element = (value: unknown, key: unknown, elementMs: number) => {
    call.reachedState = true;
    call.step = "window (gap)";
    const timestampMs = inEventTime ? elementMs : time.nowMs;
    const endMs = timestampMs + gapBehind(value);
    call.step = "window";
    if (join(encodeKey(key as Key), timestampMs, endMs, value, false)) return;
    counts.late++;
    late?.(value, node.all ? null : key, elementMs);
  };

  return {
    inputs: [element],

    partials(windows) {
      call.step = "window";
      call.reachedState = true;
      for (const { namespace, keys, accumulators, elements, spans } of windows) {
        if (spans === undefined) throw new Error("Partial results without times of their own arrived for sessions.");
        for (let i = 0; i < keys.length; i++) {
          const startMs = namespace + (spans.begins[i] as number);
          const endMs = startMs + (spans.lengths[i] as number);
          if (!join(keys[i] as string, startMs, endMs, accumulators[i], true)) counts.late += elements[i] as number;
        }
      }
    },

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
