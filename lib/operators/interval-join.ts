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

/**
 * Elements of a stretch are dropped together: at least so much of event time, or twice, four times, … as much, and so few stretches that looking through them
 * costs nothing. Most changes of the bounds leave them as they are.
 */
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
  const stretchOf = (keepMs: number) => {
    const leastMs = Math.max((upperMs - lowerMs) / STRETCHES_PER_INTERVAL, keepMs / STRETCHES_KEPT_MAX);
    let stretchMs = STRETCH_MS_MIN;
    while (stretchMs < leastMs) stretchMs *= 2;
    return stretchMs;
  };
  const [leftMs, rightMs] = [stretchOf(keepLeftMs), stretchOf(keepRightMs)];
  const lefts = new TimedBuffer(tables("left"), leftMs, keepLeftMs);
  const rights = new TimedBuffer(tables("right"), rightMs, keepRightMs);

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
    shape: `interval join by stretches of ${leftMs} and ${rightMs} ms`,

    advance() {
      toldMs = time.watermarkMs;
      lefts.dropBehind(toldMs);
      rights.dropBehind(toldMs);
      return false;
    },

    // What is behind already is dropped at the next advance.
    nextEventTimeMs: () => Math.max(Math.min(lefts.nextDropMs(), rights.nextDropMs()), toldMs + 1),
  };
}
