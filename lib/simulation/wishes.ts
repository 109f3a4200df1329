/** Wishes of tasks to be woken, fulfilled at their time until the task was called with success; some are forgotten, as they may be. */

import type { Chance } from "./chance.ts";
import type { Timeline } from "./timeline.ts";

type Wish = { readonly atMs: number; readonly sequenceNumber: number };

const RETRY_MS = 500;

export class Wishes {
  readonly #waiting = new Map<string, Wish>();
  /** A task that wishes to be called again at once, while it is called, is: when that call is over. */
  readonly #underWay = new Map<string, Promise<boolean>>();
  readonly #timeline: Timeline;
  readonly #chance: Chance;

  constructor(timeline: Timeline, chance: Chance) {
    this.#timeline = timeline;
    this.#chance = chance;
  }

  get isEmpty(): boolean {
    return this.#waiting.size === 0;
  }

  /** A task wishes to be called by `tick` at a time, or not any more (null), as of its commit `sequenceNumber`; an older one's wish counts for nothing. */
  wish(name: string, atMs: number | null, sequenceNumber: number, tick: () => Promise<boolean>): void {
    if (sequenceNumber < (this.#waiting.get(name)?.sequenceNumber ?? 0)) return;
    if (atMs === null) {
      this.#waiting.delete(name);
      return;
    }
    if (this.#chance.occurs("wake-up-lost")) return;
    const wish = { atMs, sequenceNumber };
    this.#waiting.set(name, wish);
    this.#timeline.after(atMs - this.#timeline.now(), () => void this.#fulfil(name, wish, tick));
  }

  async #fulfil(name: string, wish: Wish, tick: () => Promise<boolean>): Promise<void> {
    while (this.#waiting.get(name) === wish) {
      const underWay = this.#underWay.get(name);
      if (underWay !== undefined) {
        await underWay;
        continue;
      }
      const ticked = tick();
      this.#underWay.set(name, ticked);
      const hasSucceeded = await ticked;
      this.#underWay.delete(name);
      if (hasSucceeded) break;
      await this.#timeline.sleep(RETRY_MS);
    }
    if (this.#waiting.get(name) === wish) this.#waiting.delete(name);
  }
}
