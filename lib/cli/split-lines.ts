/** Cuts a stream of bytes into lines, as bytes: whether they are text is for whoever reads them to say. */

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;

/** A line without its end; undefined for one that is longer than the maximum. */
export type Line = Uint8Array | undefined;

/**
 * Gathers chunks into lines. A line ends at a line feed, or at a carriage return and line feed; the last one may do without. Lines are views of
 * the chunks where they lie in one, so chunks must not change. A line longer than `lineBytesMax` is never held as a whole.
 */
export class LineSplitter {
  readonly #lineBytesMax: number;
  #parts: Uint8Array[] = [];
  #bytes = 0;

  constructor(lineBytesMax: number) {
    this.#lineBytesMax = lineBytesMax;
  }

  /** The lines that end in this chunk. */
  push(chunk: Uint8Array): Line[] {
    const lines: Line[] = [];
    let start = 0;
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, start)) {
      lines.push(this.#finish(chunk.subarray(start, end)));
      start = end + 1;
    }
    this.#keep(chunk.subarray(start));
    return lines;
  }

  /** The line that no line feed ended, if there is one. Afterwards the splitter may be used for another stream. */
  end(): Line[] {
    return this.#bytes === 0 ? [] : [this.#finish(new Uint8Array(0))];
  }

  #keep(part: Uint8Array): void {
    if (part.length === 0) return;
    this.#bytes += part.length;
    // A carriage return may yet turn out to belong to the end of the line.
    if (this.#bytes > this.#lineBytesMax + 1) this.#parts = [];
    else this.#parts.push(part);
  }

  #finish(last: Uint8Array): Line {
    this.#keep(last);
    const [first = last] = this.#parts;
    const isKept = this.#bytes <= this.#lineBytesMax + 1;
    const line = this.#parts.length <= 1 ? first : Buffer.concat(this.#parts);
    this.#parts = [];
    this.#bytes = 0;
    if (!isKept) return undefined;
    const trimmed = line.at(-1) === CARRIAGE_RETURN ? line.subarray(0, -1) : line;
    return trimmed.length > this.#lineBytesMax ? undefined : trimmed;
  }
}
