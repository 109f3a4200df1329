/** Answers that an environment remembers: for a time, the least recently asked for forgotten first. */

type Entry = { readonly answer: unknown; readonly untilMs: number };

export class AnswerCache {
  readonly #ttlMs: number;
  readonly #maxEntries: number;
  /** The one that was asked for the longest ago is the first. */
  readonly #entries = new Map<string, Entry>();

  constructor({ ttlMs, maxEntries }: { readonly ttlMs: number; readonly maxEntries: number }) {
    this.#ttlMs = ttlMs;
    this.#maxEntries = maxEntries;
  }

  /** The answer, in an object since it may be undefined. */
  get(key: string, nowMs: number): { readonly answer: unknown } | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    if (entry.untilMs <= nowMs) return undefined;
    this.#entries.set(key, entry);
    return entry;
  }

  set(key: string, answer: unknown, nowMs: number): void {
    this.#entries.delete(key);
    this.#entries.set(key, { answer, untilMs: nowMs + this.#ttlMs });
    if (this.#entries.size > this.#maxEntries) this.#entries.delete(this.#entries.keys().next().value as string);
  }
}
