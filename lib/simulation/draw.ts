/** What is drawn from a seed. */

import { createRandom, deriveSeed, type Random } from "./random.ts";

export class Draw {
  readonly #random: Random;

  /** `name`: draws of another name are not disturbed by these. */
  constructor(seed: number, name: string) {
    this.#random = createRandom(deriveSeed(seed, name));
  }

  /** From 0 to n − 1. */
  below(n: number): number {
    return Math.floor(this.#random() * n);
  }

  between(least: number, most: number): number {
    return least + this.below(most - least + 1);
  }

  occurs(probability: number): boolean {
    return probability > 0 && this.#random() < probability;
  }

  pick<T>(some: readonly T[]): T {
    return some[this.below(some.length)] as T;
  }

  /** Between the two, each order of magnitude as often as the others. */
  magnitude(least: number, most: number): number {
    return least * (most / least) ** this.#random();
  }
}
