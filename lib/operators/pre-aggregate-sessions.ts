/**
 * Aggregates before the shuffle into sessions: elements of a batch and key whose windows overlap or touch become one partial session, which the step behind the
 * shuffle puts together with those that it has. What comes of it is the same as element by element, where none of them is late and the aggregate does not ask for their
 * order, which partial sessions that lie apart would change.
 */

import { encodeKey, type Key } from "../stream/key.ts";
import type { WindowAggregateNode } from "../stream/node.ts";
import type { SessionSpec } from "../stream/window-spec.ts";
import { findMeeting } from "../windows/find-meeting.ts";
import { gapOf } from "../windows/gap.ts";
import { shapeOf } from "../windows/shape.ts";
import { accumulatorCheck, checkedMerge } from "./accumulator.ts";
import { newPart, type PartialWindow, type PreAggregate } from "./partials.ts";
import type { Caller } from "./step.ts";

type Session = [startMs: number, endMs: number, accumulator: unknown, elements: number];

export function preAggregateSessions(
  node: WindowAggregateNode & { readonly assigner: SessionSpec },
  call: Caller,
): PreAggregate {
  const { create, add, kind, ignoresValue } = node.aggregator;
  const gapBehind = gapOf(node.assigner);
  const checked = accumulatorCheck(node.aggregator);
  const merge = checkedMerge(node.aggregator) as (a: unknown, b: unknown) => unknown;
  // A count is its own number of elements.
  const counts = kind === "count" && ignoresValue;
  /** In order of time. */
  let gathered = new Map<string, Session[]>();

  const preAggregated: PreAggregate = {
    check: undefined,
    shape: shapeOf(node),

    push(value, key, timestampMs) {
      call.step = "window (gap)";
      const endMs = timestampMs + gapBehind(value);
      const encoded = encodeKey(key as Key);
      call.step = "window";
      call.reachedState = true;
      const { check } = preAggregated;
      const sessions = gathered.get(encoded);
      if (sessions === undefined || check !== undefined) {
        const accumulator = checked(add(create(), value));
        check?.(encoded, accumulator);
        if (sessions === undefined) gathered.set(encoded, [[timestampMs, endMs, accumulator, 1]]);
        else sessions.push([timestampMs, endMs, accumulator, 1]);
        return;
      }
      const { from, to } = findMeeting(sessions, timestampMs, endMs);
      if (to === from) {
        sessions.splice(from, 0, [timestampMs, endMs, checked(add(create(), value)), 1]);
        return;
      }
      const session = sessions[from] as Session;
      for (const [, lastMs, accumulator, elements] of sessions.splice(from + 1, to - from - 1)) {
        session[1] = lastMs;
        session[2] = merge(session[2], accumulator);
        session[3] += elements;
      }
      session[0] = Math.min(session[0], timestampMs);
      session[1] = Math.max(session[1], endMs);
      session[2] = checked(add(session[2], value));
      session[3]++;
    },

    take(partitions, partitionOf) {
      const split: PartialWindow[][] = Array.from({ length: partitions }, () => []);
      for (const [key, sessions] of gathered) {
        const ofPartition = split[partitions === 1 ? 0 : partitionOf(key)] as PartialWindow[];
        for (const [startMs, endMs, accumulator, elements] of sessions) {
          let part = ofPartition[0];
          if (part === undefined) {
            part = newPart(startMs, counts, { begins: [], lengths: [] });
            ofPartition.push(part);
          }
          part.keys.push(key);
          part.accumulators.push(accumulator);
          if (!counts) part.elements.push(elements);
          part.spans?.begins.push(startMs - part.namespace);
          part.spans?.lengths.push(endMs - startMs);
        }
      }
      gathered = new Map();
      return split;
    },
  };
  return preAggregated;
}
