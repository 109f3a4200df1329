/** Process functions: author's code with state and timers per key. What it keeps lies in tables of the step, one per state and kind of timer. */

import { MillraceError } from "../stream/error.ts";
import { stepNameOf } from "../stream/graph.ts";
import { decodeKey, encodeKey, type Key } from "../stream/key.ts";
import type { AuthorFunction, ConnectNode, ProcessNode } from "../stream/node.ts";
import type { TimerCtx, TimerSetter } from "../stream/process.ts";
import { makeStates } from "./process-states.ts";
import { CallScope } from "./state-scope.ts";
import type { Push, Step, StepSetup } from "./step.ts";
import { Timers } from "./timers.ts";

/** Timers of process functions have no windows around them. */
const NAMESPACE = "";

/** What a failed timer's dead letter keeps. */
type FiredTimer = readonly [time: TimerCtx<unknown, unknown>["time"], timeMs: number];

type Mutable<T> = { -readonly [Name in keyof T]: T[Name] };

export function processStep(node: ProcessNode | ConnectNode, setup: StepSetup): Step {
  const { time, guard, call, out } = setup;
  const { onTimer } = node;
  // What it keeps itself lies in tables with suffixes.
  if (setup.table.size > 0)
    throw new MillraceError(
      "state-unusable",
      `A process function has the name of a step that was of another kind in an earlier version of the code, and kept something: give it another name than ${JSON.stringify(stepNameOf(node))}, or reset the function.`,
    );
  const scope = new CallScope(call);
  const states = makeStates(node.states, scope, setup);
  const eventTimers = new Timers(setup.tables, "event");
  const clockTimers = new Timers(setup.tables, "processing");
  /** The watermark that this step was last told. */
  let toldMs = time.watermarkMs;

  const ctx = {
    ...call.ctx,
    key: undefined as unknown,
    state: Object.fromEntries(states.map(({ name, cells }) => [name, cells.handle])),
    timers: timerSetter(scope, eventTimers, clockTimers, onTimer !== undefined),
    watermarkMs: toldMs,
    time: "event",
    firedAtMs: 0,
  } as Mutable<TimerCtx<unknown, unknown>>;

  /** Calls an author's function for a key and hands its outputs on. */
  const run = (where: string, fn: () => unknown, key: unknown, encoded: string, timestampMs: number) => {
    call.reachedState = true;
    call.step = where;
    ctx.key = key;
    ctx.timestampMs = timestampMs;
    ctx.processingTimeMs = time.nowMs;
    ctx.watermarkMs = toldMs;
    scope.open(encoded);
    try {
      const results = fn();
      if (results === undefined) return;
      requireSeveral(results, where);
      // While another step runs, which may be called with the same state in hand, nobody is to use it.
      for (const result of results) {
        scope.close();
        out(result, key, timestampMs);
        call.step = where;
        scope.open(encoded);
      }
    } finally {
      scope.close();
    }
  };

  const callOnTimer = (encoded: string, [kind, timeMs]: FiredTimer) => {
    ctx.time = kind;
    ctx.firedAtMs = timeMs;
    run("process (onTimer)", () => (onTimer as AuthorFunction)(ctx), decodeKey(encoded), encoded, timeMs);
  };

  const fire = (timers: Timers, kind: FiredTimer[0], toMs: number) =>
    timers.advance(toMs, (_, encoded, timeMs, nth) => {
      // Set by a version of the code that had an onTimer.
      if (onTimer === undefined) return;
      guard(
        // The same timer may fire again in one batch: set anew, at another watermark or time.
        () =>
          `${kind} timer ${timeMs} of key ${JSON.stringify(encoded)} at ${time.watermarkMs}, ${time.nowMs}${nth === 0 ? "" : `, again ${nth}`}`,
        () => callOnTimer(encoded, [kind, timeMs]),
        () => ({
          shown: { key: decodeKey(encoded), timer: { time: kind, firedAtMs: timeMs } },
          namespace: NAMESPACE,
          key: encoded,
          accumulator: [kind, timeMs],
        }),
      );
    });

  const input =
    (fn: AuthorFunction, where: string): Push =>
    (value, key, timestampMs) =>
      run(where, () => fn(value, ctx), key, encodeKey(key as Key), timestampMs);

  return {
    inputs:
      node.kind === "connect"
        ? [input(node.onLeft, "process (onLeft)"), input(node.onRight, "process (onRight)")]
        : [input(node.onElement, node.method === "process" ? "process (onElement)" : node.method)],

    advance() {
      for (const { rules, cells } of states) rules.sweep(cells.sweep);
      fire(clockTimers, "processing", time.nowMs);
      if (time.watermarkMs === toldMs) return;
      toldMs = time.watermarkMs;
      fire(eventTimers, "event", toldMs);
    },

    ...(onTimer !== undefined && {
      fireAgain: (_namespace, encoded, accumulator) => callOnTimer(encoded, accumulator as FiredTimer),
    }),

    // What is due already waits for the next advance.
    nextEventTimeMs: () => {
      const nextMs = eventTimers.nextMs();
      return nextMs > toldMs ? nextMs : toldMs + 1;
    },
    nextProcessingTimeMs: () =>
      states.reduce((nextMs, { rules }) => Math.min(nextMs, rules.nextSweepMs()), clockTimers.nextMs()),
  };
}

function requireSeveral(results: unknown, where: string): asserts results is Iterable<unknown> {
  if (typeof results === "object" && results !== null && Symbol.iterator in results) return;
  const isPromise = typeof (results as { then?: unknown } | null)?.then === "function";
  if (isPromise) (results as Promise<unknown>).catch?.(() => {}); // Nobody will look at it, so its failure must not end the process.
  throw new MillraceError(
    "author",
    isPromise
      ? `${where} returned a promise: it must not be async, use mapAsync`
      : `${where} returned ${results === null ? "null" : `a ${typeof results}`}: return an array or another iterable, or nothing`,
  );
}

function timerSetter(scope: CallScope, event: Timers, clock: Timers, hasOnTimer: boolean): TimerSetter {
  const key = () => scope.keyFor("timers");
  const set = (timers: Timers, atMs: unknown) => {
    const encoded = key();
    if (!hasOnTimer)
      throw new MillraceError("author", "a timer is set, but the process function has no onTimer that it could call");
    timers.set(NAMESPACE, encoded, toTime(atMs));
  };
  return {
    eventTime: (atMs) => set(event, atMs),
    processingTime: (atMs) => set(clock, atMs),
    deleteEventTime: (atMs) => event.delete(NAMESPACE, key(), toTime(atMs)),
    deleteProcessingTime: (atMs) => clock.delete(NAMESPACE, key(), toTime(atMs)),
  };
}

function toTime(atMs: unknown): number {
  // Time reaches a fraction of a millisecond with the next whole one. Without −0.
  const timeMs = typeof atMs === "number" ? Math.ceil(atMs) + 0 : Number.NaN;
  if (Number.isSafeInteger(timeMs)) return timeMs;
  const shown = typeof atMs === "number" ? String(atMs) : atMs === null ? "null" : `a value of type ${typeof atMs}`;
  throw new MillraceError("author", `a timer is set for a number of epoch milliseconds, not ${shown}`);
}
