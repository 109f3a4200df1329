/** What every embedded broker agrees on: how a fetch is cut, and how it tells of new records. */

import { decodeBatches, type StoredBatch } from "../wire/record-batch.ts";
import type { RecordColumns } from "../wire/record-columns.ts";
import { sliceColumns } from "../wire/slice-columns.ts";

/** Kafka's default for `message.max.bytes`, about. */
export const RECORD_BYTES_MAX_DEFAULT = 1024 * 1024;

/** Notices of appended records, as a broker in this process can give them. Kafka cannot, so that whoever waits polls as well. */
export interface AppendNotices {
  /** Calls back after every write that added records, made through this object. Returns a function that ends it. */
  onAppend(listener: (topic: string, partition: number) => void): () => void;
  /** A number that changes when another process may have written; cheap to ask. */
  foreignVersion(): number;
}

export type FetchLimits = { readonly bytesMax: number; readonly recordsMax: number };

/**
 * Cuts a fetch out of stored batches that begin with the one that holds `offset` or the next above it. `isEnough` says when enough were read.
 * The first record comes whatever its size.
 */
export function cutFetch(
  batches: readonly StoredBatch[],
  offset: number,
  limits: FetchLimits,
  offsetBehind: number,
): { readonly records: RecordColumns; readonly nextOffset: number } {
  const all = batches.length === 0 ? NO_RECORDS : decodeBatches(batches);
  let from = 0;
  while (from < all.count && (all.offsets[from] as number) < offset) from += 1;
  const recordsEnd = Math.min(all.count, from + Math.max(1, limits.recordsMax));
  let to = from;
  let bytes = 0;
  while (to < recordsEnd) {
    bytes += lengthOf(all.keyStart, all.keyEnd, to) + lengthOf(all.valueStart, all.valueEnd, to);
    if (bytes > limits.bytesMax && to > from) break;
    to += 1;
  }
  return {
    records: sliceColumns(all, from, to),
    nextOffset: to < all.count ? (all.offsets[to] as number) : Math.max(offset, offsetBehind),
  };
}

/** Whether batches that were read hold enough for a fetch from `offset`. */
export function isEnough(
  batches: readonly StoredBatch[],
  endOffset: number,
  offset: number,
  limits: FetchLimits,
): boolean {
  if (endOffset <= offset) return false;
  if (endOffset - offset >= limits.recordsMax) return true;
  let bytes = 0;
  // The first may lie before the offset for the most part.
  for (let i = 1; i < batches.length; i += 1) bytes += (batches[i] as StoredBatch).bytes.length;
  return bytes >= limits.bytesMax;
}

const NO_RECORDS: RecordColumns = {
  count: 0,
  offsets: new Float64Array(0),
  timestampsMs: new Float64Array(0),
  bytes: new Uint8Array(0),
  keyStart: new Int32Array(0),
  keyEnd: new Int32Array(0),
  valueStart: new Int32Array(0),
  valueEnd: new Int32Array(0),
  headers: undefined,
};

function lengthOf(starts: Int32Array, ends: Int32Array, i: number): number {
  return (ends[i] as number) - (starts[i] as number);
}
