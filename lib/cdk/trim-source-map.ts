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
const VALUE_OF = new Map([...DIGITS].map((digit, value) => [digit, value]));
const DIGIT_BITS = 5;
const CONTINUES = 1 << DIGIT_BITS;

/** The same map of the sources that `isWanted` takes. Positions in others have no source, so that stacks show them as they are in the bundle. */
export function trimSourceMap<Map extends SourceMap>(map: Map, isWanted: (source: string) => boolean): Map {
  const wanted = map.sources.map(isWanted);
  const sources = new Positions();
  const names = new Positions();
  // Every field counts from its last value: the column from the last segment of the line, the others from wherever they stood last.
  const read = { source: 0, line: 0, column: 0, name: 0 };
  const written = { source: 0, line: 0, column: 0, name: 0 };
  const lines = map.mappings.split(";").map((line) => {
    let readColumn = 0;
    let writtenColumn = 0;
    let isUnmapped = true;
    const segments: string[] = [];
    for (const text of line === "" ? [] : line.split(",")) {
      const [column = 0, source, sourceLine = 0, sourceColumn = 0, name] = decode(text);
      readColumn += column;
      if (source !== undefined) {
        read.source += source;
        read.line += sourceLine;
        read.column += sourceColumn;
        if (name !== undefined) read.name += name;
      }
      const isMapped = source !== undefined && wanted[read.source] === true;
      // One segment without a source reaches until the next that has one.
      if (!isMapped && isUnmapped) continue;
      isUnmapped = !isMapped;
      const fields = [readColumn - writtenColumn];
      writtenColumn = readColumn;
      if (isMapped) {
        const now = {
          source: sources.of(read.source),
          line: read.line,
          column: read.column,
          name: name === undefined ? written.name : names.of(read.name),
        };
        fields.push(now.source - written.source, now.line - written.line, now.column - written.column);
        if (name !== undefined) fields.push(now.name - written.name);
        Object.assign(written, now);
      }
      segments.push(fields.map(encode).join(""));
    }
    return segments.join(",");
  });
  return {
    ...map,
    sources: sources.all.map((i) => map.sources[i] as string),
    names: names.all.map((i) => map.names[i] as string),
    mappings: lines.join(";"),
  };
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

/** A segment's fields: numbers in base 64, the sign in the lowest bit. */
function decode(segment: string): readonly number[] {
  const fields: number[] = [];
  let value = 0;
  let shift = 0;
  for (const digit of segment) {
    const bits = VALUE_OF.get(digit) as number;
    value |= (bits & (CONTINUES - 1)) << shift;
    shift += DIGIT_BITS;
    if ((bits & CONTINUES) !== 0) continue;
    fields.push((value & 1) === 1 ? -(value >>> 1) : value >>> 1);
    value = 0;
    shift = 0;
  }
  return fields;
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
