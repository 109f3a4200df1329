/**
 * Requests that are held up on their way until others have done what matters to them: a put until the next put of the same kind arrives, a read until
 * some more were written. So races of which the window is milliseconds wide happen in every other run.
 */

import type { Draw } from "./draw.ts";
import type { Timeline } from "./timeline.ts";

/** A request on its way. */
export type Travelling = {
  readonly name: string;
  /** Whose it is, such as a task: of others nobody is a rival. */
  readonly about: string | undefined;
  /** Which invocation sent it: its own repeats are no rivals. */
  readonly by: string;
  readonly arrive: () => void;
};

type Held = Travelling & {
  readonly until: ReadonlySet<string>;
  /** How many of those must have arrived. */
  left: number;
  readonly isBefore: boolean;
  readonly release: () => void;
};

/** However few others there are. */
const HELD_MS_MAX = 30_000;
/** A put is to meet the very next one; a read is to have missed something. */
const ARRIVALS = { put: { least: 1, most: 2 }, read: { least: 1, most: 4 } };

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
  hold(request: Travelling): boolean {
    const { name, arrive } = request;
    const until = RIVALS.find(([part]) => name.includes(part))?.[1];
    if (until === undefined) return false;
    let isReleased = false;
    const release = () => {
      if (isReleased) return;
      isReleased = true;
      arrive();
    };
    const { least, most } = isPut(name) ? ARRIVALS.put : ARRIVALS.read;
    const isBefore = this.#draw.occurs(0.5);
    this.#held.push({ ...request, until: new Set(until), left: this.#draw.between(least, most), isBefore, release });
    this.#timeline.after(HELD_MS_MAX, () => {
      this.#held = this.#held.filter((held) => held.release !== release);
      release();
    });
    return true;
  }

  /** Whether an earlier attempt at this put is held up: then it is stuck behind that one. */
  isStuck({ name, about, by }: Travelling): boolean {
    return (
      this.#held.length > 0 &&
      isPut(name) &&
      this.#held.some((held) => held.name === name && held.about === about && held.by === by)
    );
  }

  /** A request arrives: those that waited for it arrive directly before it, or directly after. */
  pass({ name, about, by, arrive }: Travelling): void {
    if (this.#held.length === 0) {
      arrive();
      return;
    }
    const due = this.#held.filter(
      (held) => held.until.has(name) && held.about === about && held.by !== by && --held.left <= 0,
    );
    if (due.length > 0) this.#held = this.#held.filter((held) => !due.includes(held));
    for (const held of due) if (held.isBefore) held.release();
    arrive();
    for (const held of due) if (!held.isBefore) held.release();
  }
}

function isPut(name: string): boolean {
  return name.includes("Put");
}
