/**
 * Takes out of a source map what it says of files nobody asks about. Node reads the whole map of a bundle when the first stack is written, and most
 * of it is of the packages inside: what is left of the map is a fraction of its size, and of that time.
 */

/** As of version 3, as far as it is used here; the rest is kept as it is. */
export type SourceMap = {
  readonly sources: readonly string[];
  readonly names: readonly string[];
  readonly mappings: string;
};

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/** By the code of a digit. */
const VALUE_OF = Uint8Array.from({ length: 128 }, (_, code) => Math.max(0, DIGITS.indexOf(String.fromCharCode(code))));
const DIGIT_BITS = 5;
const CONTINUES = 1 << DIGIT_BITS;
const COMMA = ",".charCodeAt(0);
const SEMICOLON = ";".charCodeAt(0);

/** The same map of the sources that `isWanted` takes. Positions in others have no source, so that stacks show them as they are in the bundle. */
export function trimSourceMap<Map extends SourceMap>(map: Map, isWanted: (source: string) => boolean): Map {
  const wanted = map.sources.map(isWanted);
  const sources = new Positions();
  const names = new Positions();
  const fields = new Fields(map.mappings);
  // Every field counts from its last value: the column from the last segment of the line, the others from wherever they stood last.
  const read = { source: 0, line: 0, column: 0, name: 0 };
  const written = { source: 0, line: 0, column: 0, name: 0 };
  const lines: string[] = [];
  // A bundle of a megabyte has half a million segments, nearly all of packages: those are only counted.
  do {
    let readColumn = 0;
    let writtenColumn = 0;
    let isUnmapped = true;
    const segments: string[] = [];
    while (fields.startSegment()) {
      readColumn += fields.next();
      let isMapped = false;
      let isNamed = false;
      if (fields.hasNext()) {
        read.source += fields.next();
        read.line += fields.next();
        read.column += fields.next();
        isNamed = fields.hasNext();
        if (isNamed) read.name += fields.next();
        isMapped = wanted[read.source] === true;
      }
      // One segment without a source reaches until the next that has one.
      if (!isMapped && isUnmapped) continue;
      isUnmapped = !isMapped;
      let segment = encode(readColumn - writtenColumn);
      writtenColumn = readColumn;
      if (isMapped) {
        const source = sources.of(read.source);
        const name = isNamed ? names.of(read.name) : written.name;
        segment += encode(source - written.source) + encode(read.line - written.line);
        segment += encode(read.column - written.column);
        if (isNamed) segment += encode(name - written.name);
        Object.assign(written, { source, line: read.line, column: read.column, name });
      }
      segments.push(segment);
    }
    lines.push(segments.join(","));
  } while (fields.startLine());
  return {
    ...map,
    sources: sources.all.map((i) => map.sources[i] as string),
    names: names.all.map((i) => map.names[i] as string),
    mappings: lines.join(";"),
  };
}

/** Reads mappings from the first to the last: lines, their segments, and the segments' fields, which are numbers in base 64 with the sign in the lowest bit. */
class Fields {
  readonly #mappings: string;
  #at = 0;

  constructor(mappings: string) {
    this.#mappings = mappings;
  }

  /** Goes to the next line, where there is one. */
  startLine(): boolean {
    return this.#passes(SEMICOLON);
  }

  /** Goes to the next segment of the line, where there is one. */
  startSegment(): boolean {
    this.#passes(COMMA);
    return this.hasNext();
  }

  /** Whether the segment goes on. */
  hasNext(): boolean {
    const code = this.#mappings.charCodeAt(this.#at);
    return this.#at < this.#mappings.length && code !== COMMA && code !== SEMICOLON;
  }

  next(): number {
    let value = 0;
    let shift = 0;
    for (;;) {
      const bits = VALUE_OF[this.#mappings.charCodeAt(this.#at++)] as number;
      value |= (bits & (CONTINUES - 1)) << shift;
      if ((bits & CONTINUES) === 0) return (value & 1) === 1 ? -(value >>> 1) : value >>> 1;
      shift += DIGIT_BITS;
    }
  }

  #passes(code: number): boolean {
    if (this.#mappings.charCodeAt(this.#at) !== code) return false;
    this.#at += 1;
    return true;
  }
}

/** New positions for those that are still used, in the order in which they are. */
class Positions {
  readonly #positions = new Map<number, number>();

  get all(): readonly number[] {
    return [...this.#positions.keys()];
  }

  of(before: number): number {
    const known = this.#positions.get(before);
    if (known !== undefined) return known;
    this.#positions.set(before, this.#positions.size);
    return this.#positions.size - 1;
  }
}

function encode(field: number): string {
  let rest = field < 0 ? (-field << 1) | 1 : field << 1;
  let digits = "";
  do {
    const bits = rest & (CONTINUES - 1);
    rest >>>= DIGIT_BITS;
    digits += DIGITS[rest > 0 ? bits | CONTINUES : bits];
  } while (rest > 0);
  return digits;
}
