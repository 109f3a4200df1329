/**
 * Requests that are held up on their way until others have done what matters to them: a put until the next put of the same kind arrives, a read until
 * some more were written. So races of which the window is milliseconds wide happen in every other run.
 */

import type { Draw } from "./draw.ts";
import type { Timeline } from "./timeline.ts";

type Held = {
  readonly until: ReadonlySet<string>;
  /** How many of those must have arrived. */
  left: number;
  readonly isBefore: boolean;
  readonly release: () => void;
};

/** However few others there are. */
const HELD_MS_MAX = 30_000;
const ARRIVALS_MAX = 6;

/** What a request waits for, by what is in its name. */
const RIVALS: readonly (readonly [part: string, until: readonly string[]])[] = [
  [" entry", ["DynamoDB PutItem entry"]],
  [" chunk", ["DynamoDB PutItem chunk"]],
  [" parts", ["DynamoDB PutItem parts", "DynamoDB DeleteItem parts"]],
  ["S3 ", ["S3 PutObject", "S3 DeleteObject"]],
  ["Kafka ", ["Kafka InitProducerId", "Kafka EndTxn", "Kafka Produce"]],
];

export class Holds {
  #held: Held[] = [];
  readonly #timeline: Timeline;
  readonly #draw: Draw;

  constructor(timeline: Timeline, draw: Draw) {
    this.#timeline = timeline;
    this.#draw = draw;
  }

  /** Holds a request up; false where it waits for nobody. */
  hold(name: string, arrive: () => void): boolean {
    const until = RIVALS.find(([part]) => name.includes(part))?.[1];
    if (until === undefined) return false;
    let isReleased = false;
    const release = () => {
      if (isReleased) return;
      isReleased = true;
      arrive();
    };
    const isBefore = this.#draw.occurs(0.5);
    this.#held.push({ until: new Set(until), left: 1 + this.#draw.below(ARRIVALS_MAX), isBefore, release });
    this.#timeline.after(HELD_MS_MAX, release);
    return true;
  }

  /** A request arrives, and `serve` serves it: those that waited for it arrive directly before it, or directly after. */
  pass(name: string, serve: () => void): void {
    const due = this.#held.filter((held) => held.until.has(name) && --held.left <= 0);
    if (due.length > 0) this.#held = this.#held.filter((held) => !due.includes(held));
    for (const held of due) if (held.isBefore) held.release();
    serve();
    for (const held of due) if (!held.isBefore) held.release();
  }
}
