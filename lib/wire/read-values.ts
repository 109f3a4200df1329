/** Decodes the values of a batch by their topic's format, and says for all bytes at once what can be said of them at once. */

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
  const decode = valueDecoder(columns, format, nullsAllowed);
  for (let i = 0; i < count; i++) {
    try {
      values[i] = decode(i);
    } catch (error) {
      problems.set(i, error as Error);
    }
  }
  return { values, problems };
}

/**
 * Decodes value after value, each when it is needed: what one value is made of is garbage before the next is read, while all values of a batch at once live long
 * enough to be copied by V8's collector (`npm run bench -- --peers`). Throws what makes a record a dead letter; so does a null value unless `nullsAllowed`.
 */
export function valueDecoder(
  columns: RecordColumns,
  format: Format<never, unknown>,
  nullsAllowed: boolean,
): (i: number) => unknown {
  const decode = decoderOf(columns, format);
  return (i) => {
    if ((columns.valueStart[i] as number) >= 0) return decode(i);
    if (nullsAllowed) return null;
    throw new Error(NULL_VALUE_SENTENCE);
  };
}

/**
 * A format decodes bytes with a decoder that is slow for short ones. What is UTF-8 by Node's own check, for all bytes of a batch at once where it can be
 * said, is cut out as strings instead: a fifth less time per value (`npm run bench -- --only tricks`). What then fails goes through the format, for its sentence.
 */
function decoderOf(columns: RecordColumns, format: Format<never, unknown>): (i: number) => unknown {
  const decodeAlone = (i: number) => format.decode(valueBytesAt(columns, i) as Uint8Array);
  if (format.kind !== "json" && format.kind !== "text") return decodeAlone;
  const { bytes, valueStart, valueEnd } = columns;
  const isText = textCheck(columns);
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength) as Utf8Source;
  if (format.kind === "text")
    return (i) => (isText(i) ? text.utf8Slice(valueStart[i] as number, valueEnd[i] as number) : decodeAlone(i));
  const { schema } = format;
  return (i) => {
    if (!isText(i)) return decodeAlone(i);
    let value: unknown;
    try {
      value = JSON.parse(text.utf8Slice(valueStart[i] as number, valueEnd[i] as number));
    } catch {
      return decodeAlone(i);
    }
    return schema === undefined ? value : validate(schema, value);
  };
}

/** Whether the value of a record is UTF-8. */
function textCheck({ bytes, count, valueStart, valueEnd }: RecordColumns): (i: number) => boolean {
  let from = Number.POSITIVE_INFINITY;
  let to = 0;
  for (let i = 0; i < count; i++) {
    const start = valueStart[i] as number;
    if (start < 0) continue;
    from = Math.min(from, start);
    to = Math.max(to, valueEnd[i] as number);
  }
  // Other things than values may stand between them.
  if (from >= to || !isUtf8(bytes.subarray(from, to))) return (i) => isUtf8(bytes.subarray(valueStart[i], valueEnd[i]));
  // A character may begin in one value and end in the next.
  const isCut = (at: number) => at < to && ((bytes[at] as number) & 0xc0) === 0x80;
  return (i) => !isCut(valueStart[i] as number) && !isCut(valueEnd[i] as number);
}

/** Node's direct UTF-8 reader, which the type definitions leave out. */
type Utf8Source = Buffer & { utf8Slice(start: number, end: number): string };
