/** Counts the words of the same lines directly, in plain code that shares nothing with Millrace: what its results are compared with. */

/** By window start, then by word. */
export type WindowCounts = Map<number, Map<string, number>>;

const WINDOW_MS = 5_000;

export class DirectCount {
  readonly windows: WindowCounts = new Map();
  lines = 0;
  words = 0;
  /** Lines that are not valid UTF-8: they are no text and have no words. */
  unreadable = 0;
  /** The number of different words in each window, added up. */
  results = 0;
  readonly #decoder = new TextDecoder("utf-8", { fatal: true });

  add(line: Uint8Array, timestampMs: number): void {
    this.lines += 1;
    let text: string;
    try {
      text = this.#decoder.decode(line);
    } catch {
      this.unreadable += 1;
      return;
    }
    const startMs = Math.floor(timestampMs / WINDOW_MS) * WINDOW_MS;
    for (const [word] of text.toLowerCase().matchAll(/[a-z0-9_]+/g)) {
      let counts = this.windows.get(startMs);
      if (counts === undefined) this.windows.set(startMs, (counts = new Map()));
      const before = counts.get(word);
      if (before === undefined) this.results += 1;
      counts.set(word, (before ?? 0) + 1);
      this.words += 1;
    }
  }
}
