/** Wake-ups: calls a task at the time it asked for. What the newest commit of a task wished counts, whoever speaks last. */

import type { Clock } from "./clock.ts";
import { STOP_TIMEOUT_MS_DEFAULT } from "./mapping-options.ts";

type WakeUp<T> = { readonly task: T; readonly atMs: number };

export class WakeUps<T> {
  readonly #clock: Clock;
  readonly #call: (task: T) => Promise<void>;
  readonly #waiting = new Map<string, WakeUp<T>>();
  /** The newest commit of each task that wished anything. */
  readonly #newest = new Map<string, number>();
  readonly #running = new Set<Promise<void>>();
  #sleeping: AbortController | undefined;
  #sleepsUntilMs = Number.POSITIVE_INFINITY;
  #stopped = false;

  /** `call` must not reject. */
  constructor(clock: Clock, call: (task: T) => Promise<void>) {
    this.#clock = clock;
    this.#call = call;
  }

  /** Wakes the task called `name` at `atMs` (null: not any more), as its commit `sequenceNumber` wishes; one before the newest is ignored. */
  set(name: string, task: T, atMs: number | null, sequenceNumber: number): void {
    if (sequenceNumber < (this.#newest.get(name) ?? 0)) return;
    this.#newest.set(name, sequenceNumber);
    if (atMs === null) this.#waiting.delete(name);
    else this.#waiting.set(name, { task, atMs });
    if (atMs !== null && atMs < this.#sleepsUntilMs) this.#sleeping?.abort();
  }

  /** Wakes the task at `atMs` at the latest, whatever it wished. */
  callBy(name: string, task: T, atMs: number): void {
    const waiting = this.#waiting.get(name);
    if (waiting !== undefined && waiting.atMs <= atMs) return;
    this.#waiting.set(name, { task, atMs });
    this.#sleeping?.abort();
  }

  /** When the next task is due; +∞: none waits. While calls are under way: now. */
  nextAtMs(): number {
    if (this.#running.size > 0) return Number.NEGATIVE_INFINITY;
    let next = Number.POSITIVE_INFINITY;
    for (const { atMs } of this.#waiting.values()) next = Math.min(next, atMs);
    return next;
  }

  /** Calls what is due until stopped; then waits a bounded time for calls under way. */
  async run(): Promise<void> {
    while (!this.#stopped) {
      const nowMs = this.#clock.now();
      for (const [name, { task, atMs }] of this.#waiting) {
        if (atMs > nowMs) continue;
        this.#waiting.delete(name);
        const running = this.#call(task).finally(() => this.#running.delete(running));
        this.#running.add(running);
      }
      this.#sleeping = new AbortController();
      let next = this.#clock.now() + SLEEP_MS_MAX;
      for (const { atMs } of this.#waiting.values()) next = Math.min(next, atMs);
      this.#sleepsUntilMs = next;
      await this.#clock.sleep(Math.max(0, next - this.#clock.now()), this.#sleeping.signal);
    }
    const ended = new AbortController();
    await Promise.race([Promise.all(this.#running), this.#clock.sleep(STOP_TIMEOUT_MS_DEFAULT, ended.signal)]);
    ended.abort();
  }

  stop(): void {
    this.#stopped = true;
    this.#sleeping?.abort();
  }
}

/** Timers hold 31 bits of milliseconds; a far wake-up is looked at again. */
const SLEEP_MS_MAX = 60_000;
