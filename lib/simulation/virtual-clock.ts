/** A clock that moves only when it is told to, from one sleeper's time to the next. */

import type { Clock } from "../local/clock.ts";

type Sleeper = { readonly atMs: number; readonly wake: () => void };

/** Turns given between two moments, so that whatever one sleeper set off comes to rest before the next wakes. */
const TURNS_PER_MOMENT = 8;

export class VirtualClock implements Clock {
  #nowMs: number;
  #sleepers: Sleeper[] = [];

  constructor(startMs = 0) {
    this.#nowMs = startMs;
  }

  now(): number {
    return this.#nowMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const sleeper: Sleeper = {
        atMs: this.#nowMs + Math.max(0, ms),
        wake: () => {
          this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
          signal?.removeEventListener("abort", sleeper.wake);
          resolve();
        },
      };
      this.#sleepers.push(sleeper);
      signal?.addEventListener("abort", sleeper.wake, { once: true });
    });
  }

  turn(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
  }

  /** Moves time by `ms`, waking whoever sleeps until then in order. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    await this.#rest();
    for (let next = this.#next(); next !== undefined && next.atMs <= endMs; next = this.#next()) {
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.wake();
      await this.#rest();
    }
    this.#nowMs = endMs;
  }

  /** Moves time from sleeper to sleeper until the condition holds; false where it does not within `limitMs`. */
  async runUntil(condition: () => boolean | Promise<boolean>, limitMs = 3_600_000): Promise<boolean> {
    const endMs = this.#nowMs + limitMs;
    for (;;) {
      await this.#rest();
      if (await condition()) return true;
      // The condition may have set something off itself.
      await this.#rest();
      const next = this.#next();
      if (next === undefined || next.atMs > endMs) return false;
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.wake();
    }
  }

  #next(): Sleeper | undefined {
    let first: Sleeper | undefined;
    for (const sleeper of this.#sleepers) if (first === undefined || sleeper.atMs < first.atMs) first = sleeper;
    return first;
  }

  async #rest(): Promise<void> {
    for (let i = 0; i < TURNS_PER_MOMENT; i += 1) await this.turn();
  }
}
