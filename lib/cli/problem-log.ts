/** Says what went wrong, and not again and again while it goes on going wrong. */

const SAY_AGAIN_AFTER_MS = 5_000;
/** Sentences that are remembered; they may name offsets, and so be without end. */
const SENTENCES_MAX = 100;

type Said = { atMs: number; since: number };

export class ProblemLog {
  readonly #say: (sentence: string) => void;
  readonly #now: () => number;
  readonly #said = new Map<string, Said>();

  constructor(say: (sentence: string) => void, now: () => number = Date.now) {
    this.#say = say;
    this.#now = now;
  }

  /** Says a sentence, unless it was said in the last seconds; then how often it was not. */
  add(sentence: string): void {
    const nowMs = this.#now();
    const said = this.#said.get(sentence);
    if (said !== undefined && nowMs - said.atMs < SAY_AGAIN_AFTER_MS) {
      said.since += 1;
      return;
    }
    this.#say(said === undefined || said.since === 0 ? sentence : `${sentence} (And ${said.since} times before.)`);
    if (this.#said.size >= SENTENCES_MAX) this.#said.clear();
    this.#said.set(sentence, { atMs: nowMs, since: 0 });
  }
}
