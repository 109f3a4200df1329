/** An author's function of (left, right, ctx) ready to be called; its ctx knows the key too. */

import type { AuthorFunction } from "../stream/node.ts";
import type { Caller } from "./step.ts";

/** Calls the author's function; `timestampMs` is that of the result, `window` the one in which the two met. */
export type CallPair = (left: unknown, right: unknown, key: unknown, timestampMs: number, window?: unknown) => unknown;

export function bindPair(fn: AuthorFunction, caller: Caller, step: string): CallPair {
  // What the task's context says, and what only the two have in common.
  const own = { writable: true, enumerable: true, value: undefined };
  const ctx = Object.create(caller.ctx, { key: own, timestampMs: own, window: own }) as {
    key: unknown;
    timestampMs: number;
    window: unknown;
  };
  const needsCtx = fn.length >= 3;
  return (left, right, key, timestampMs, window) => {
    caller.step = step;
    // They stay in the state of the step.
    caller.freeze?.(left);
    caller.freeze?.(right);
    if (!needsCtx) return fn(left, right);
    ctx.key = key;
    ctx.timestampMs = timestampMs;
    ctx.window = window;
    return fn(left, right, ctx);
  };
}
