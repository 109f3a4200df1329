/**
 * Interval join, inner, in event time: every pair of elements of one key whose timestamps are as far apart as the interval says. An element meets
 * those of the other side that came before it; the pair's timestamp is the later one of the two.
 */

import { requireStorable } from "../state/value-encoding.ts";
import { encodeKey, type Key } from "../stream/key.ts";
import type { IntervalJoinNode } from "../stream/node.ts";
import { bindPair } from "./bind-pair.ts";
import type { Push, Step, StepSetup } from "./step.ts";
import { TimedBuffer } from "./timed-buffer.ts";

/** Elements of a stretch are dropped together: at least so much of event time, and so few stretches that looking through them costs nothing. */
const STRETCH_MS_MIN = 100;
const STRETCHES_PER_INTERVAL = 4;
const STRETCHES_KEPT_MAX = 64;

export function intervalJoinStep(
  { lowerMs, upperMs, fn }: IntervalJoinNode,
  { tables, time, counts, call, out, late }: StepSetup,
): Step {
  const join = bindPair(fn, call, "intervalJoin");
  /** What this step was last told. */
  let toldMs = time.watermarkMs;

  // Until then the other side may still bring an element that is not late and in the interval.
  const keepLeftMs = Math.max(upperMs, 0);
  const keepRightMs = Math.max(-lowerMs, 0);
  const bufferOf = (side: string, keepMs: number) => {
    const stretchMs = Math.max(
      STRETCH_MS_MIN,
      Math.ceil((upperMs - lowerMs) / STRETCHES_PER_INTERVAL),
      Math.ceil(keepMs / STRETCHES_KEPT_MAX),
    );
    return new TimedBuffer(tables(side), stretchMs, keepMs);
  };
  const lefts = bufferOf("left", keepLeftMs);
  const rights = bufferOf("right", keepRightMs);

  /** Whether the element may be joined, and its key as it is in state. */
  const enter = (value: unknown, key: unknown, timestampMs: number, side: 0 | 1): string | undefined => {
    call.step = "intervalJoin";
    call.reachedState = true;
    if (timestampMs < toldMs) {
      counts.late++;
      late[side]?.(value, key, timestampMs);
      return undefined;
    }
    requireStorable(value, "the element", 1);
    return encodeKey(key as Key);
  };

  const left: Push = (value, key, timestampMs) => {
    const encoded = enter(value, key, timestampMs, 0);
    if (encoded === undefined) return;
    lefts.add(encoded, timestampMs, value);
    rights.forEach(encoded, timestampMs + lowerMs, timestampMs + upperMs, toldMs, (otherMs, other) => {
      const resultMs = Math.max(timestampMs, otherMs);
      out(join(value, other, key, resultMs), key, resultMs);
    });
  };

  const right: Push = (value, key, timestampMs) => {
    const encoded = enter(value, key, timestampMs, 1);
    if (encoded === undefined) return;
    rights.add(encoded, timestampMs, value);
    lefts.forEach(encoded, timestampMs - upperMs, timestampMs - lowerMs, toldMs, (otherMs, other) => {
      const resultMs = Math.max(timestampMs, otherMs);
      out(join(other, value, key, resultMs), key, resultMs);
    });
  };

  return {
    inputs: [left, right],

    advance() {
      toldMs = time.watermarkMs;
      lefts.dropBehind(toldMs);
      rights.dropBehind(toldMs);
    },

    // What is behind already is dropped at the next advance.
    nextEventTimeMs: () => Math.max(Math.min(lefts.nextDropMs(), rights.nextDropMs()), toldMs + 1),
  };
}
