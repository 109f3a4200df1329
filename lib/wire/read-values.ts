/** Decodes the values of a batch by their topic's format, JSON without a call per record for what can be said of all bytes at once. */

import { Buffer, isUtf8 } from "node:buffer";
import { type Format, validate } from "../stream/format.ts";
import { type RecordColumns, valueBytesAt } from "./record-columns.ts";

/** Values of a batch; where `problems` has an entry for i, `values[i]` is undefined and the record is a dead letter. */
export type DecodedValues = { readonly values: unknown[]; readonly problems: ReadonlyMap<number, Error> };

/** The reason of a record without a value where elements are wanted. */
const NULL_VALUE_SENTENCE = "the record has no value (a tombstone): only a table or a compacted topic takes these";

/** Decodes all values. Null values are problems unless `nullsAllowed`. */
export function decodeValues(
  columns: RecordColumns,
  format: Format<never, unknown>,
  nullsAllowed: boolean,
): DecodedValues {
  const { count } = columns;
  const values = new Array<unknown>(count);
  const problems = new Map<number, Error>();
  const decode = decoderOf(columns, format);
  for (let i = 0; i < count; i++) {
    try {
      if ((columns.valueStart[i] as number) >= 0) values[i] = decode(i);
      else if (nullsAllowed) values[i] = null;
      else throw new Error(NULL_VALUE_SENTENCE);
    } catch (error) {
      problems.set(i, error as Error);
    }
  }
  return { values, problems };
}

/**
 * A format decodes bytes one value at a time, and has to find out for each whether it is UTF-8. Where all bytes of a batch are, the values of text and JSON are
 * cut out as strings at once: half the time per value (`npm run bench`, "decode"). What then fails goes through the format, for its sentence.
 */
function decoderOf(columns: RecordColumns, format: Format<never, unknown>): (i: number) => unknown {
  const decodeAlone = (i: number) => format.decode(valueBytesAt(columns, i) as Uint8Array);
  const { bytes, count, valueStart, valueEnd } = columns;
  if (count === 0 || (format.kind !== "json" && format.kind !== "text")) return decodeAlone;
  let first = 0;
  while (first < count && (valueStart[first] as number) < 0) first++;
  let last = count - 1;
  while (last > first && (valueStart[last] as number) < 0) last--;
  const from = valueStart[first] as number;
  const to = valueEnd[last] as number;
  if (from < 0 || !isUtf8(bytes.subarray(from, to))) return decodeAlone;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength) as Utf8Source;
  // A character may begin in one value and end in the next. JSON refuses both halves by itself, where they stand outside of its strings.
  const isCut = (at: number) => at < to && ((bytes[at] as number) & 0xc0) === 0x80;
  if (format.kind === "text")
    return (i) => {
      const [start, end] = [valueStart[i] as number, valueEnd[i] as number];
      return isCut(start) || isCut(end) ? decodeAlone(i) : text.utf8Slice(start, end);
    };
  const { schema } = format;
  return (i) => {
    let value: unknown;
    try {
      value = JSON.parse(text.utf8Slice(valueStart[i] as number, valueEnd[i] as number));
    } catch {
      return decodeAlone(i);
    }
    return schema === undefined ? value : validate(schema, value);
  };
}

/** Node's direct UTF-8 reader, which the type definitions leave out. */
type Utf8Source = Buffer & { utf8Slice(start: number, end: number): string };
