/** How far it has come, on a line of a terminal that is written again and again. */

const SHOW_MS = 500;

export class Progress {
  readonly #startedMs = performance.now();
  readonly #all: number;
  readonly #isShown: boolean;
  #shownMs = 0;

  constructor(all: number, isQuiet: boolean) {
    this.#all = all;
    this.#isShown = !isQuiet && process.stderr.isTTY;
  }

  show(done: number, broken: number): void {
    const nowMs = performance.now();
    if (!this.#isShown || nowMs - this.#shownMs < SHOW_MS) return;
    this.#shownMs = nowMs;
    const seconds = (nowMs - this.#startedMs) / 1_000;
    const left = done === 0 ? "" : `, ${Math.ceil((seconds / done) * (this.#all - done))} s left`;
    process.stderr.write(`\r\x1b[K${done} of ${this.#all} seeds, ${broken} broken${left}`);
  }

  /** Seconds since the beginning. */
  end(): number {
    if (this.#isShown) process.stderr.write("\r\x1b[K");
    return Math.round((performance.now() - this.#startedMs) / 100) / 10;
  }
}
