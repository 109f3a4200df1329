/** A host whose time moves only when it is told to, and by what is waited for: asynchronous functions are asked in it. */

import type { AsyncFunction, Uses } from "millrace";
import { newHost } from "../../lib/local/host.ts";
import { MemoryBroker } from "../../lib/local/memory-broker.ts";
import type { Outcome } from "../../lib/runtime/asking.ts";
import { callerOf } from "../../lib/runtime/async-caller.ts";
import { MemoryStateLog } from "../../lib/state-log/memory-state-log.ts";
import { toAsyncSpec } from "../../lib/stream/async-function.ts";
import { buildTopology } from "../../lib/stream/topology.ts";

export class AsyncWorld {
  nowMs = 0;
  #timers: { atMs: number; work: () => void }[] = [];
  readonly host = newHost({
    topology: buildTopology("test", []),
    broker: new MemoryBroker(),
    stateLog: new MemoryStateLog(),
    now: () => this.nowMs,
    wake: () => {},
    report: () => {},
    after: (ms, work) => {
      const timer = { atMs: this.nowMs + ms, work };
      this.#timers.push(timer);
      return () => {
        this.#timers = this.#timers.filter((other) => other !== timer);
      };
    },
  });

  get timers(): number {
    return this.#timers.length;
  }

  readonly sleep = (ms: number) =>
    new Promise<void>((resolve) => {
      this.host.after?.(ms, resolve);
    });

  /** Asks, and lets time pass until all is answered. Outcomes as texts, in the order in which they came: `index: answer`. */
  async ask<T, R, U extends Uses, C>(
    fn: AsyncFunction<T, R, U, C>,
    values: readonly T[],
    stopAtMs = Number.POSITIVE_INFINITY,
  ): Promise<string[]> {
    const outcomes: string[] = [];
    const stop = new AbortController();
    let done = false;
    const asking = callerOf(this.host, toAsyncSpec(fn, "mapAsync"))
      .ask("mapAsync", values, stop.signal, (i, outcome) => outcomes.push(`${i}: ${textOf(outcome)}`))
      .finally(() => {
        done = true;
      });
    asking.catch(() => {});
    while (!done) {
      // Everything that is ready goes first.
      await new Promise((resolve) => setImmediate(resolve));
      if (done) break;
      const next = this.#timers.reduce<number>((least, { atMs }) => Math.min(least, atMs), stopAtMs);
      this.nowMs = next;
      if (next === stopAtMs) stop.abort();
      const due = this.#timers.filter(({ atMs }) => atMs <= next);
      this.#timers = this.#timers.filter(({ atMs }) => atMs > next);
      for (const { work } of due) work();
    }
    await asking;
    return outcomes;
  }
}

const textOf = (outcome: Outcome) => (outcome.kind === "answered" ? String(outcome.answer) : outcome.error.message);
