/** Decodes the values (or keys) of a batch by their topic's format: JSON in one parse where that is safe, one by one where it is not. */

import { Buffer, isAscii, isUtf8 } from "node:buffer";
import type { Format } from "../stream/format.ts";
import { type RecordColumns, VALUE_GAP_BYTES, valueBytesAt } from "./record-columns.ts";

/** Values of a batch; where `problems` has an entry for i, `values[i]` is undefined and the record is a dead letter. */
export type DecodedValues = { readonly values: unknown[]; readonly problems: ReadonlyMap<number, Error> };

const NO_PROBLEMS: ReadonlyMap<number, Error> = new Map();

/** The reason of a record without a value where elements are wanted. */
export const NULL_VALUE_SENTENCE =
  "the record has no value (a tombstone): only a table or a compacted topic takes these";

/**
 * Decodes all values. `separator` is a number of nine digits that the senders of records cannot know: see parseTogether.
 * Null values are problems unless `nullsAllowed`.
 */
export function decodeValues(
  columns: RecordColumns,
  format: Format<never, unknown>,
  separator: number,
  nullsAllowed: boolean,
): DecodedValues {
  if (format.kind === "json" && columns.count > 1) {
    const values = parseTogether(columns, separator);
    if (values !== undefined)
      return format.schema === undefined
        ? { values, problems: NO_PROBLEMS }
        : decodeEach(columns, format, nullsAllowed);
  }
  return decodeEach(columns, format, nullsAllowed);
}

function decodeEach(columns: RecordColumns, format: Format<never, unknown>, nullsAllowed: boolean): DecodedValues {
  const values = new Array<unknown>(columns.count);
  let problems: Map<number, Error> | undefined;
  for (let i = 0; i < columns.count; i++) {
    const bytes = valueBytesAt(columns, i);
    try {
      if (bytes !== null) values[i] = format.decode(bytes);
      else if (nullsAllowed) values[i] = null;
      else throw new Error(NULL_VALUE_SENTENCE);
    } catch (error) {
      problems ??= new Map();
      problems.set(i, error as Error);
    }
  }
  return { values, problems: problems ?? NO_PROBLEMS };
}

/**
 * All values by one JSON.parse: they stand in order with a gap behind each, so commas in the gaps make an array of them. Between
 * any two stands `separator`, and must be found at every second place afterwards: a value that is no JSON by itself (`1,2`, or `[3` before
 * `4]`) moves it or swallows it. Who wants to smuggle would have to know the number. undefined: decode one by one.
 */
function parseTogether(columns: RecordColumns, separator: number): unknown[] | undefined {
  const { count, valueStart, valueEnd } = columns;
  if (columns.valueGapBytes !== VALUE_GAP_BYTES) return undefined;
  const bytes = columns.bytes as Buffer;
  const first = valueStart[0] as number;
  if (first < 0) return undefined;
  for (let i = 1; i < count; i++) if (valueStart[i] !== (valueEnd[i - 1] as number) + VALUE_GAP_BYTES) return undefined;

  // ",123456789, " is as long as the gap; the space is JSON's.
  const between = Buffer.from(`,${separator}, `, "latin1");
  if (between.length !== VALUE_GAP_BYTES) return undefined;
  for (let i = 0; i < count - 1; i++) bytes.set(between, valueEnd[i]);
  const all = bytes.subarray(first, valueEnd[count - 1]);
  const text = isAscii(all) ? all.toString("latin1") : isUtf8(all) ? all.toString("utf8") : undefined;
  if (text === undefined) return undefined;
  let values: unknown[];
  try {
    values = JSON.parse(`[${text}]`) as unknown[];
  } catch {
    return undefined;
  }
  if (values.length !== 2 * count - 1) return undefined;
  for (let i = 1; i < values.length; i += 2) if (values[i] !== separator) return undefined;
  for (let i = 0; i < count; i++) values[i] = values[2 * i];
  values.length = count;
  return values;
}
