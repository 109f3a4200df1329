/** Kafka records of one partition as columns over one buffer of bytes, so that a batch costs a few allocations and not a few per record. */

/** A Kafka header. */
export type Header = readonly [name: string, value: Uint8Array];

/**
 * Records of one partition in order of offset. Record i has its value at `bytes[valueStart[i] … valueEnd[i])` and its key at
 * `bytes[keyStart[i] … keyEnd[i])`; a start of −1 is a null. The arrays may be longer than `count`.
 */
export type RecordColumns = {
  readonly count: number;
  readonly offsets: Float64Array;
  /** Epoch milliseconds; −1 where the record has none. */
  readonly timestampsMs: Float64Array;
  readonly bytes: Uint8Array;
  readonly keyStart: Int32Array;
  readonly keyEnd: Int32Array;
  readonly valueStart: Int32Array;
  readonly valueEnd: Int32Array;
  /** Per record, or undefined where no record has a header; a record without any may be missing. */
  readonly headers: readonly (readonly Header[] | undefined)[] | undefined;
};

/** The bytes of record `i`'s key; null where it has none. A view, not a copy. */
export function keyBytesAt(columns: RecordColumns, i: number): Uint8Array | null {
  const start = columns.keyStart[i] as number;
  return start < 0 ? null : columns.bytes.subarray(start, columns.keyEnd[i]);
}

/** The bytes of record `i`'s value; null where it has none. A view, not a copy. */
export function valueBytesAt(columns: RecordColumns, i: number): Uint8Array | null {
  const start = columns.valueStart[i] as number;
  return start < 0 ? null : columns.bytes.subarray(start, columns.valueEnd[i]);
}

/** The headers of record `i`. */
export function headersAt(columns: RecordColumns, i: number): readonly Header[] {
  return columns.headers?.[i] ?? [];
}
