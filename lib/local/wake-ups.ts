/** Wake-ups: calls a task at the time it asked for. What the newest commit of a task wished counts, whoever speaks last. */

import type { Clock } from "./clock.ts";
import { STOP_TIMEOUT_MS_DEFAULT } from "./mapping-options.ts";

type WakeUp<T> = { readonly task: T; readonly atMs: number };

/** How long a task that failed waits: twice as long after each failure in a row. */
type Backoff = { readonly firstMs: number; readonly maxMs: number };

const BACKOFF: Backoff = { firstMs: 200, maxMs: 30_000 };

export class WakeUps<T> {
  readonly #clock: Clock;
  readonly #call: (task: T) => Promise<void>;
  readonly #backoff: Backoff;
  readonly #waiting = new Map<string, WakeUp<T>>();
  /** The newest commit of each task that wished anything. */
  readonly #newest = new Map<string, number>();
  /** Tasks whose last call failed. */
  readonly #failed = new Map<string, { readonly failures: number; readonly notBeforeMs: number }>();
  readonly #running = new Set<Promise<void>>();
  #sleeping: AbortController | undefined;
  #sleepsUntilMs = Number.POSITIVE_INFINITY;
  #stopped = false;

  /** `call` must not reject. */
  constructor(clock: Clock, call: (task: T) => Promise<void>, backoff: Backoff = BACKOFF) {
    this.#clock = clock;
    this.#call = call;
    this.#backoff = backoff;
  }

  /** Wakes the task called `name` at `atMs` (null: not any more), as its commit `sequenceNumber` wishes; one before the newest is ignored. */
  set(name: string, task: T, atMs: number | null, sequenceNumber: number): void {
    if (sequenceNumber < (this.#newest.get(name) ?? 0)) return;
    this.#newest.set(name, sequenceNumber);
    // Whoever was given up may wish something yet and then die, with outputs unsent: its retry stands until one succeeds.
    const retryMs = this.#failed.get(name)?.notBeforeMs ?? Number.POSITIVE_INFINITY;
    const dueMs = Math.min(atMs ?? Number.POSITIVE_INFINITY, retryMs);
    if (dueMs === Number.POSITIVE_INFINITY) this.#waiting.delete(name);
    else this.#waiting.set(name, { task, atMs: dueMs });
    if (dueMs < this.#sleepsUntilMs) this.#sleeping?.abort();
  }

  /** Wakes the task at `atMs` at the latest, whatever it wished. */
  callBy(name: string, task: T, atMs: number): void {
    const waiting = this.#waiting.get(name);
    if (waiting !== undefined && waiting.atMs <= atMs) return;
    this.#waiting.set(name, { task, atMs });
    this.#sleeping?.abort();
  }

  /** The task's call failed: calls it again, and not before a while that grows with every failure in a row, whatever it wishes meanwhile. */
  retry(name: string, task: T): void {
    const failures = (this.#failed.get(name)?.failures ?? 0) + 1;
    const notBeforeMs = this.#clock.now() + Math.min(this.#backoff.maxMs, this.#backoff.firstMs * 2 ** (failures - 1));
    this.#failed.set(name, { failures, notBeforeMs });
    // What it wishes may be far away: a commit whose outputs were not sent has said so before it failed.
    const wish = this.#waiting.get(name);
    if (wish === undefined || wish.atMs > notBeforeMs) this.#waiting.set(name, { task, atMs: notBeforeMs });
    this.#sleeping?.abort();
  }

  /** The task's call succeeded. */
  succeeded(name: string): void {
    this.#failed.delete(name);
  }

  /** When the next task is due; +∞: none waits. While calls are under way, and until one that failed has succeeded: now, however late it is tried again. */
  nextAtMs(): number {
    if (this.#running.size > 0 || this.#failed.size > 0) return Number.NEGATIVE_INFINITY;
    return this.#nextDueMs();
  }

  /** Calls what is due until stopped; then waits a bounded time for calls under way. */
  async run(): Promise<void> {
    while (!this.#stopped) {
      const nowMs = this.#clock.now();
      for (const [name, { task, atMs }] of this.#waiting) {
        if (this.#dueMs(name, atMs) > nowMs) continue;
        this.#waiting.delete(name);
        const running = this.#call(task).finally(() => this.#running.delete(running));
        this.#running.add(running);
      }
      this.#sleeping = new AbortController();
      const next = Math.min(this.#clock.now() + SLEEP_MS_MAX, this.#nextDueMs());
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

  #dueMs(name: string, atMs: number): number {
    return Math.max(atMs, this.#failed.get(name)?.notBeforeMs ?? Number.NEGATIVE_INFINITY);
  }

  #nextDueMs(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const [name, { atMs }] of this.#waiting) next = Math.min(next, this.#dueMs(name, atMs));
    return next;
  }
}

/** Timers hold 31 bits of milliseconds; a far wake-up is looked at again. */
const SLEEP_MS_MAX = 60_000;
