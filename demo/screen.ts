/** Shows the progress: redrawn in place on a terminal, as a plain line now and then where there is none, not at all for `--json`. */

import { styleText } from "node:util";
import type { Progress } from "./progress.ts";
import { describeInjected, formatCount, formatTime, type ScreenLine, showProgress } from "./screen-model.ts";

export interface Screen {
  /** Shows progress; call it as often as you like. */
  show(progress: Progress): void;
  /** Writes a line that stays. */
  say(line: string): void;
  /** Shows the last progress for good, and gives the cursor back. */
  close(): void;
}

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
export function openScreen(kind: "live" | "plain" | "silent", stream: TerminalStream): Screen {
  if (kind === "silent") return { show() {}, say() {}, close() {} };
  return kind === "live" ? new LiveScreen(stream) : new PlainScreen(stream, performance.now.bind(performance));
}

class LiveScreen implements Screen {
  readonly #stream: TerminalStream;
  #drawnLines = 0;
  #last: Progress | undefined;

  constructor(stream: TerminalStream) {
    this.#stream = stream;
  }

  show(progress: Progress): void {
    this.#last = progress;
    // One column stays free: some terminals wrap when the last one is written.
    const columns = (this.#stream.columns ?? COLUMNS_DEFAULT) - 1;
    // What has scrolled away cannot be drawn over, so no more lines than the terminal has.
    const shown = showProgress(progress, columns).slice(0, (this.#stream.rows ?? ROWS_DEFAULT) - 1);
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

class PlainScreen implements Screen {
  readonly #stream: TerminalStream;
  readonly #now: () => number;
  #saidAtMs: number;

  constructor(stream: TerminalStream, now: () => number) {
    this.#stream = stream;
    this.#now = now;
    this.#saidAtMs = now();
  }

  show(progress: Progress): void {
    if (this.#now() - this.#saidAtMs < PLAIN_LINE_EVERY_MS) return;
    this.#saidAtMs = this.#now();
    this.say(describeProgress(progress));
  }

  say(line: string): void {
    this.#stream.write(`${line}\n`);
  }

  close(): void {}
}

/** A progress as one line. */
function describeProgress(progress: Progress): string {
  const done = `${formatCount(progress.linesDone)} of ${formatCount(progress.lines)} lines`;
  if (progress.phase === "writing") return `Written: ${done}.`;
  const injected = progress.injected === undefined ? "" : `, injected: ${describeInjected(progress.injected)}`;
  return `Counted: ${done}, ${formatCount(progress.linesPerSecond)} records/s, ${formatCount(progress.windowsClosed)} windows closed, watermark ${formatTime(progress.watermarkMs)}${injected}.`;
}
