/** Records that were read in several pieces, as one piece. */

import type { Header, RecordColumns } from "./record-columns.ts";

/** All records in order, over bytes of their own; what is one piece already stays as it is. */
export function joinColumns(parts: readonly RecordColumns[]): RecordColumns {
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return only;
  const count = parts.reduce((sum, part) => sum + part.count, 0);
  const ranges = parts.map(rangeOf);
  const bytes = new Uint8Array(ranges.reduce((sum, { from, to }) => sum + to - from, 0));
  const joined = {
    count,
    offsets: new Float64Array(count),
    timestampsMs: new Float64Array(count),
    bytes,
    keyStart: new Int32Array(count),
    keyEnd: new Int32Array(count),
    valueStart: new Int32Array(count),
    valueEnd: new Int32Array(count),
  };
  let headers: (readonly Header[] | undefined)[] | undefined;
  let row = 0;
  let at = 0;
  for (const [i, part] of parts.entries()) {
    const { from, to } = ranges[i] as Range;
    bytes.set(part.bytes.subarray(from, to), at);
    joined.offsets.set(part.offsets.subarray(0, part.count), row);
    joined.timestampsMs.set(part.timestampsMs.subarray(0, part.count), row);
    const moved = at - from;
    for (let j = 0; j < part.count; j += 1) {
      const keyAt = part.keyStart[j] as number;
      const valueAt = part.valueStart[j] as number;
      joined.keyStart[row + j] = keyAt < 0 ? -1 : keyAt + moved;
      joined.keyEnd[row + j] = keyAt < 0 ? -1 : (part.keyEnd[j] as number) + moved;
      joined.valueStart[row + j] = valueAt < 0 ? -1 : valueAt + moved;
      joined.valueEnd[row + j] = valueAt < 0 ? -1 : (part.valueEnd[j] as number) + moved;
    }
    const own = part.headers;
    if (own !== undefined) {
      headers ??= new Array(count);
      for (let j = 0; j < part.count; j += 1) headers[row + j] = own[j];
    }
    row += part.count;
    at += to - from;
  }
  return { ...joined, headers };
}

type Range = { readonly from: number; readonly to: number };

/** Where the keys and values lie: the bytes may be a whole answer of Kafka's, of which these records are a part. */
function rangeOf({ count, keyStart, keyEnd, valueStart, valueEnd }: RecordColumns): Range {
  let from = Number.POSITIVE_INFINITY;
  let to = 0;
  for (let i = 0; i < count; i += 1) {
    const keyAt = keyStart[i] as number;
    const valueAt = valueStart[i] as number;
    if (keyAt >= 0) {
      from = Math.min(from, keyAt);
      to = Math.max(to, keyEnd[i] as number);
    }
    if (valueAt >= 0) {
      from = Math.min(from, valueAt);
      to = Math.max(to, valueEnd[i] as number);
    }
  }
  return from < to ? { from, to } : { from: 0, to: 0 };
}
