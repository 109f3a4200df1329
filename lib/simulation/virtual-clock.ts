/** A clock that moves only when it is told to, from one sleeper's time to the next. */

import type { Clock } from "../local/clock.ts";

type Sleeper = { readonly atMs: number; readonly wake: () => void };

/** After so many turns in which nobody asked for another, everything has come to rest: promises are settled in each. */
const QUIET_TURNS = 3;

export class VirtualClock implements Clock {
  #nowMs: number;
  #sleepers: Sleeper[] = [];
  #turnsAskedFor = 0;

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
    this.#turnsAskedFor += 1;
    return newTurn();
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

  /** Moves time from sleeper to sleeper until the condition, asked after every turn, holds; false where it does not within `limitMs`. */
  async runUntil(condition: () => boolean | Promise<boolean>, limitMs = 3_600_000): Promise<boolean> {
    const endMs = this.#nowMs + limitMs;
    for (let quiet = 0; ; ) {
      if (await condition()) return true;
      quiet = (await this.#isQuietTurn()) ? quiet + 1 : 0;
      if (quiet < QUIET_TURNS) continue;
      const next = this.#next();
      if (next === undefined || next.atMs > endMs) return false;
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.wake();
      quiet = 0;
    }
  }

  #next(): Sleeper | undefined {
    let first: Sleeper | undefined;
    for (const sleeper of this.#sleepers) if (first === undefined || sleeper.atMs < first.atMs) first = sleeper;
    return first;
  }

  /** Until whatever was set off has come to rest. */
  async #rest(): Promise<void> {
    for (let quiet = 0; quiet < QUIET_TURNS; ) quiet = (await this.#isQuietTurn()) ? quiet + 1 : 0;
  }

  async #isQuietTurn(): Promise<boolean> {
    const before = this.#turnsAskedFor;
    await newTurn();
    return this.#turnsAskedFor === before;
  }
}

function newTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
