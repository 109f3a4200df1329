/** Chance for generators of input: numbers and choices that follow from a seed, and arrivals as real streams have them. */

import { createRandom } from "../lib/simulation/random.ts";

export class Chance {
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = createRandom(seed);
  }

  /** A whole number from `min` to `max`. */
  whole(min: number, max: number): number {
    return min + Math.floor(this.#random() * (max - min + 1));
  }

  /** Whether something happens that does in this share of cases. */
  happens(share: number): boolean {
    return this.#random() < share;
  }

  /** One of several, the first ones more often, as popular things are. */
  popular<T>(of: readonly T[]): T {
    return of[Math.floor(this.#random() ** 2 * of.length)] as T;
  }

  /** A duration with a long tail, at least `leastMs`, half of them below twice that. */
  longTailMs(leastMs: number): number {
    return Math.round(leastMs / (1 - this.#random() * 0.99));
  }

  /** `count` times from `startMs` on and before `endMs`, in the order of their arrival: each up to `boundMs` behind the newest. */
  *arrivals(count: number, startMs: number, endMs: number, boundMs: number): Generator<number> {
    for (let i = 0; i < count; i += 1) {
      const newestMs = startMs + Math.floor(((i + this.#random()) / count) * (endMs - startMs));
      yield Math.max(startMs, newestMs - this.whole(0, boundMs));
    }
  }

  /** In the order of arrival: each up to `boundMs` later than its timestamp says. */
  outOfOrder<T extends { readonly timestampMs: number }>(records: readonly T[], boundMs: number): readonly T[] {
    return records
      .map((record) => ({ record, arrivesMs: record.timestampMs + this.whole(0, boundMs) }))
      .sort((a, b) => a.arrivesMs - b.arrivesMs)
      .map(({ record }) => record);
  }
}
