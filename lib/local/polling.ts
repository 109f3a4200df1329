/** When to ask a broker again that cannot say by itself that there is more: often while records come, seldom when none do. */

/** While records come: what waits longer than this waits for nothing else. */
const LEAST_MS = 4;
const POLL_INTERVAL_MS_DEFAULT = 200;

export class Polling {
  readonly #mostMs: number;
  #everyMs: number;
  #askedAtMs = Number.NEGATIVE_INFINITY;

  /** `mostMs`: from one question to the next when nothing has come for a while. */
  constructor(mostMs = POLL_INTERVAL_MS_DEFAULT) {
    this.#mostMs = mostMs;
    this.#everyMs = mostMs;
  }

  get nextMs(): number {
    return this.#askedAtMs + this.#everyMs;
  }

  /** The next time after twice as long, until records come. */
  asked(nowMs: number): void {
    this.#askedAtMs = nowMs;
    this.#everyMs = Math.min(this.#everyMs * 2, this.#mostMs);
  }

  found(): void {
    this.#everyMs = Math.min(LEAST_MS, this.#mostMs);
  }
}
