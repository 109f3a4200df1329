/** What process functions of all kinds share: calls of author's functions that see the state of one key, and timers. */

import { MillraceError } from "../stream/error.ts";
import { stepNameOf } from "../stream/graph.ts";
import { decodeKey, encodeKey, type Key } from "../stream/key.ts";
import type { AuthorFunction, BroadcastNode, ConnectNode, ProcessNode } from "../stream/node.ts";
import type { TimerCtx, TimerSetter } from "../stream/process.ts";
import { type MadeState, makeStates } from "./process-states.ts";
import { CallScope } from "./state-scope.ts";
import type { Push, Step, StepSetup } from "./step.ts";
import { Timers } from "./timers.ts";

/** Timers of process functions have no windows around them. */
const NAMESPACE = "";

/** What a failed timer's dead letter keeps. */
type FiredTimer = readonly [time: TimerCtx<unknown, unknown>["time"], timeMs: number];

type Mutable<T> = { -readonly [Name in keyof T]: T[Name] };

/** The part of a context that changes with every call. */
type CallTimes = { timestampMs: number; processingTimeMs: number; watermarkMs: number };

/** Something whose use is bound to a call, beside the state of the call's key. */
export type Turn = { open(): void; close(): void };

const NO_TURN: Turn = { open() {}, close() {} };

/** Calls author's functions and hands their outputs on. While those are handed on, nothing that a call may use can be used. */
export class ProcessCalls {
  readonly scope: CallScope;
  /** The watermark that the step was last told. */
  toldMs: number;
  readonly #setup: StepSetup;
  readonly #turn: Turn;

  constructor(setup: StepSetup, turn = NO_TURN) {
    this.#setup = setup;
    this.#turn = turn;
    this.scope = new CallScope(setup.call);
    this.toldMs = setup.time.watermarkMs;
  }

  /** One call, for the step `where`; `encoded`: whose state it may use, undefined for that of no key. */
  run(
    where: string,
    fn: () => unknown,
    ctx: CallTimes,
    key: unknown,
    encoded: string | undefined,
    timestampMs: number,
  ): void {
    const { call, time, out } = this.#setup;
    call.reachedState = true;
    call.step = where;
    ctx.timestampMs = timestampMs;
    ctx.processingTimeMs = time.nowMs;
    ctx.watermarkMs = this.toldMs;
    this.#open(encoded);
    try {
      const results = fn();
      if (results === undefined) return;
      requireSeveral(results, where);
      // While another step runs, which may be called with the same state in hand, nobody is to use it.
      for (const result of results) {
        this.#close();
        out(result, key, timestampMs);
        call.step = where;
        this.#open(encoded);
      }
    } finally {
      this.#close();
    }
  }

  #open(encoded: string | undefined): void {
    if (encoded !== undefined) this.scope.open(encoded);
    this.#turn.open();
  }

  #close(): void {
    this.scope.close();
    this.#turn.close();
  }
}

/** The keyed side of a process function. */
export type KeyedCalls = {
  readonly states: readonly MadeState[];
  /** Calls `fn` for every element. */
  readonly input: (fn: AuthorFunction, where: string) => Push;
  /** What the step does beside taking elements. */
  readonly timed: Omit<Step, "inputs">;
};

/** States and timers per key, over the tables of the step. `more` is what functions get beside. */
export function keyedCalls(
  node: ProcessNode | ConnectNode | BroadcastNode,
  calls: ProcessCalls,
  setup: StepSetup,
  more: object = {},
): KeyedCalls {
  const { time, guard, isFull, call } = setup;
  const { onTimer } = node;
  // What it keeps itself lies in tables with suffixes.
  if (setup.table.size > 0)
    throw new MillraceError(
      "state-unusable",
      `A process function has the name of a step that was of another kind in an earlier version of the code, and kept something: give it another name than ${JSON.stringify(stepNameOf(node))}, or reset the function.`,
    );
  const { scope } = calls;
  const states = makeStates(node.states, scope, setup);
  const eventTimers = new Timers(setup.tables, "event");
  const clockTimers = new Timers(setup.tables, "processing");
  /** Timers in event time are left that were due at the watermark that the step was last told. */
  let isFiring = false;

  const ctx = {
    ...call.ctx,
    ...more,
    key: undefined as unknown,
    state: Object.fromEntries(states.map(({ name, cells }) => [name, cells.handle])),
    timers: timerSetter(scope, eventTimers, clockTimers, onTimer !== undefined),
    watermarkMs: calls.toldMs,
    time: "event",
    firedAtMs: 0,
  } as Mutable<TimerCtx<unknown, unknown>>;

  const run = (where: string, fn: () => unknown, key: unknown, encoded: string, timestampMs: number) => {
    ctx.key = key;
    calls.run(where, fn, ctx, key, encoded, timestampMs);
  };

  const callOnTimer = (encoded: string, [kind, timeMs]: FiredTimer) => {
    ctx.time = kind;
    ctx.firedAtMs = timeMs;
    run("process (onTimer)", () => (onTimer as AuthorFunction)(ctx), decodeKey(encoded), encoded, timeMs);
  };

  const fire = (timers: Timers, kind: FiredTimer[0], toMs: number) =>
    timers.advance(
      toMs,
      (_, encoded, timeMs, nth) => {
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
      },
      isFull,
    );

  return {
    states,
    input: (fn, where) => (value, key, timestampMs) =>
      run(where, () => fn(value, ctx), key, encodeKey(key as Key), timestampMs),

    timed: {
      advance() {
        for (const { rules, cells } of states) rules.sweep(cells.sweep);
        if (fire(clockTimers, "processing", time.nowMs)) return true;
        if (time.watermarkMs === calls.toldMs && !isFiring) return false;
        calls.toldMs = time.watermarkMs;
        isFiring = fire(eventTimers, "event", calls.toldMs);
        return isFiring;
      },

      ...(onTimer !== undefined && {
        fireAgain: (_namespace, encoded, accumulator) => callOnTimer(encoded, accumulator as FiredTimer),
      }),

      // What is due already waits for the next advance.
      nextEventTimeMs: () => {
        const nextMs = eventTimers.nextMs();
        return nextMs > calls.toldMs ? nextMs : calls.toldMs + 1;
      },
      nextProcessingTimeMs: () =>
        states.reduce((nextMs, { rules }) => Math.min(nextMs, rules.nextSweepMs()), clockTimers.nextMs()),
    },
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
