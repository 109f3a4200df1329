/** Gives each line its event time and its partition: a pure function of the seed, so that a run can be repeated, and resumed. */

/** Lines are this far apart, at the least and at the most. */
const STEP_MS_MIN = 1;
const STEP_MS_MAX = 8;

/** Runs begin on the hour, so that the same lines fall into the same windows. */
const ALIGNED_TO_MS = 3_600_000;
/** How far before now the last line must be, beyond what the topic's bound and its windows want. */
const MARGIN_MS = 60_000;

export type LinePlace = { readonly timestampMs: number; readonly partition: number };

/** Where a run of so many lines begins, so that all of it is past. */
export function chooseBase(nowMs: number, lines: number): number {
  return Math.floor((nowMs - lines * STEP_MS_MAX - MARGIN_MS) / ALIGNED_TO_MS) * ALIGNED_TO_MS;
}

/** The places of lines 0, 1, 2, …: a few milliseconds apart, and out of order by no more than `boundMs`. */
export class EventTimes {
  readonly #random: () => number;
  readonly #boundMs: number;
  readonly #partitions: number;
  #newestMs: number;

  constructor(options: {
    readonly seed: number;
    readonly baseMs: number;
    readonly boundMs: number;
    readonly partitions: number;
  }) {
    this.#random = createRandom(options.seed);
    this.#boundMs = options.boundMs;
    this.#partitions = options.partitions;
    this.#newestMs = options.baseMs + options.boundMs;
  }

  next(): LinePlace {
    const random = this.#random;
    this.#newestMs += STEP_MS_MIN + Math.floor(random() * (STEP_MS_MAX - STEP_MS_MIN + 1));
    const behindMs = Math.floor(random() * (this.#boundMs + 1));
    return { timestampMs: this.#newestMs - behindMs, partition: Math.floor(random() * this.#partitions) };
  }
}

/** Mulberry32: numbers in [0, 1), the same for the same seed. */
function createRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
