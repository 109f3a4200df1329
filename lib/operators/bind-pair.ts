/** An author's function of (left, right, ctx) ready to be called; its ctx knows the key too. */

import type { AuthorFunction } from "../stream/node.ts";
import type { Caller } from "./step.ts";

/** Calls the author's function; `timestampMs` is that of the result. */
export type CallPair = (left: unknown, right: unknown, key: unknown, timestampMs: number) => unknown;

export function bindPair(fn: AuthorFunction, caller: Caller, step: string): CallPair {
  if (fn.length < 3)
    return (left, right) => {
      caller.step = step;
      return fn(left, right);
    };
  // What the task's context says, and two things of its own.
  const ctx = Object.create(caller.ctx, {
    key: { value: undefined, writable: true, enumerable: true },
    timestampMs: { value: 0, writable: true, enumerable: true },
  }) as { key: unknown; timestampMs: number };
  return (left, right, key, timestampMs) => {
    caller.step = step;
    ctx.key = key;
    ctx.timestampMs = timestampMs;
    return fn(left, right, ctx);
  };
}
