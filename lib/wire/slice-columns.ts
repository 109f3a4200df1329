/** A part of a batch's rows, as columns over the same bytes. */

import type { RecordColumns } from "./record-columns.ts";

/** Rows `from` (inclusive) to `to` (exclusive). Views, no copies; headers stay undecoded until somebody asks. */
export function sliceColumns(columns: RecordColumns, from: number, to: number): RecordColumns {
  if (from === 0 && to === columns.count) return columns;
  let headers: RecordColumns["headers"];
  return {
    count: to - from,
    offsets: columns.offsets.subarray(from, to),
    timestampsMs: columns.timestampsMs.subarray(from, to),
    bytes: columns.bytes,
    keyStart: columns.keyStart.subarray(from, to),
    keyEnd: columns.keyEnd.subarray(from, to),
    valueStart: columns.valueStart.subarray(from, to),
    valueEnd: columns.valueEnd.subarray(from, to),
    get headers() {
      headers ??= columns.headers?.slice(from, to);
      return headers;
    },
  };
}
