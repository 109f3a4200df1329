/** Shows the progress: redrawn in place on a terminal, as a plain line now and then where there is none, not at all for `--json`. */

import { styleText } from "node:util";
import type { ScreenLine } from "./screen-model.ts";

export interface Screen<P> {
  /** Shows progress; call it as often as you like. */
  show(progress: P): void;
  /** Writes a line that stays. */
  say(line: string): void;
  /** Shows the last progress for good, and gives the cursor back. */
  close(): void;
}

/** How progress looks: pure functions of it. */
export type ProgressView<P> = {
  /** None of the lines is wider than `columns`. */
  toLines(progress: P, columns: number): readonly ScreenLine[];
  toSentence(progress: P): string;
};

type TerminalStream = Pick<NodeJS.WriteStream, "write"> & {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
};

const COLUMNS_DEFAULT = 80;
const ROWS_DEFAULT = 24;
const PLAIN_LINE_EVERY_MS = 1_000;

const HIDE_CURSOR = "\u001b[?25l";
const SHOW_CURSOR = "\u001b[?25h";
const CLEAR_REST_OF_LINE = "\u001b[K";
const CLEAR_BELOW = "\u001b[J";

/** The screen that fits: a terminal's, plain lines, or none. */
export function openScreen<P>(
  kind: "live" | "plain" | "silent",
  stream: TerminalStream,
  view: ProgressView<P>,
): Screen<P> {
  if (kind === "silent") return { show() {}, say() {}, close() {} };
  return kind === "live"
    ? new LiveScreen(stream, view)
    : new PlainScreen(stream, view, performance.now.bind(performance));
}

class LiveScreen<P> implements Screen<P> {
  readonly #stream: TerminalStream;
  readonly #view: ProgressView<P>;
  #drawnLines = 0;
  #last: P | undefined;

  constructor(stream: TerminalStream, view: ProgressView<P>) {
    this.#stream = stream;
    this.#view = view;
  }

  show(progress: P): void {
    this.#last = progress;
    // One column stays free: some terminals wrap when the last one is written.
    const columns = (this.#stream.columns ?? COLUMNS_DEFAULT) - 1;
    // What has scrolled away cannot be drawn over, so no more lines than the terminal has.
    const shown = this.#view.toLines(progress, columns).slice(0, (this.#stream.rows ?? ROWS_DEFAULT) - 1);
    const lines = shown.map((line) => `${this.#paint(line)}${CLEAR_REST_OF_LINE}\n`);
    // Everything in one write, over what is there: no terminal shows a half, and nothing is cleared first.
    this.#stream.write(`${HIDE_CURSOR}${this.#up()}${lines.join("")}${CLEAR_BELOW}`);
    this.#drawnLines = lines.length;
  }

  say(line: string): void {
    this.#stream.write(`${this.#up()}${CLEAR_BELOW}${line}\n`);
    this.#drawnLines = 0;
    if (this.#last !== undefined) this.show(this.#last);
  }

  close(): void {
    this.#stream.write(`${SHOW_CURSOR}\n`);
    this.#drawnLines = 0;
    this.#last = undefined;
  }

  #up(): string {
    return this.#drawnLines === 0 ? "" : `\u001b[${this.#drawnLines}F`;
  }

  #paint(line: ScreenLine): string {
    const stream = this.#stream as NodeJS.WriteStream;
    return line.map(({ text, style }) => (style === undefined ? text : styleText(style, text, { stream }))).join("");
  }
}

class PlainScreen<P> implements Screen<P> {
  readonly #stream: TerminalStream;
  readonly #view: ProgressView<P>;
  readonly #now: () => number;
  #saidAtMs: number;

  constructor(stream: TerminalStream, view: ProgressView<P>, now: () => number) {
    this.#stream = stream;
    this.#view = view;
    this.#now = now;
    this.#saidAtMs = now();
  }

  show(progress: P): void {
    if (this.#now() - this.#saidAtMs < PLAIN_LINE_EVERY_MS) return;
    this.#saidAtMs = this.#now();
    this.say(this.#view.toSentence(progress));
  }

  say(line: string): void {
    this.#stream.write(`${line}\n`);
  }

  close(): void {}
}
