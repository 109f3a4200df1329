/** What goes into one invocation: pure decisions over the records that a mapping has read and not yet delivered. */

import type { RecordColumns } from "../wire/record-columns.ts";

/** Rows `from` (inclusive) to `to` (exclusive) of records of one partition. */
export type Slice = {
  readonly partition: number;
  readonly columns: RecordColumns;
  readonly from: number;
  readonly to: number;
  /** Where to go on in the partition after these: behind the last row, or further where nothing readable follows. */
  readonly nextOffset: number;
};

/** What a partition has to offer. */
export type Supply = {
  readonly slices: readonly Slice[];
  readonly records: number;
  /** Of their JSON, about. */
  readonly jsonBytes: number;
  /** Since when the oldest of them waits, epoch milliseconds. */
  readonly sinceMs: number;
};

export type BatchLimits = {
  readonly recordsMax: number;
  readonly jsonBytesMax: number;
  readonly windowMs: number;
};

/**
 * When a batch of these supplies is to be delivered: now where it is full, else when the window of its oldest record ends; undefined where there
 * is nothing. As Lambda does: window, batch size or payload, whatever comes first.
 */
export function dueAtMs(supplies: readonly Supply[], limits: BatchLimits): number | undefined {
  let records = 0;
  let jsonBytes = 0;
  let sinceMs = Number.POSITIVE_INFINITY;
  for (const supply of supplies) {
    if (supply.records === 0) continue;
    records += supply.records;
    jsonBytes += supply.jsonBytes;
    sinceMs = Math.min(sinceMs, supply.sinceMs);
  }
  if (records === 0) return undefined;
  return records >= limits.recordsMax || jsonBytes >= limits.jsonBytesMax ? 0 : sinceMs + limits.windowMs;
}

/**
 * The batch: from each supply in order as much as fits, at least one record in all. `jsonBytesOf` tells what a record takes, `partitionBytes` what
 * comes with a partition.
 */
export function takeBatch(
  supplies: readonly Supply[],
  limits: BatchLimits,
  jsonBytesOf: (columns: RecordColumns, row: number) => number,
  partitionBytes: number,
): readonly Slice[] {
  const batch: Slice[] = [];
  let records = 0;
  let jsonBytes = 0;
  for (const { slices } of supplies) {
    if (slices.length > 0) jsonBytes += partitionBytes;
    for (const slice of slices) {
      let row = slice.from;
      for (; row < slice.to && records < limits.recordsMax; row += 1) {
        const bytes = jsonBytesOf(slice.columns, row);
        if (records > 0 && jsonBytes + bytes > limits.jsonBytesMax) break;
        jsonBytes += bytes;
        records += 1;
      }
      const [taken, left] = splitSlice(slice, row);
      if (taken !== undefined) batch.push(taken);
      if (left !== undefined) return batch;
    }
  }
  return batch;
}

/** The number of records in slices. */
export function countRecords(slices: readonly Slice[]): number {
  let count = 0;
  for (const { from, to } of slices) count += to - from;
  return count;
}

/** The first `records` records and the others. */
export function splitSlices(slices: readonly Slice[], records: number): readonly [readonly Slice[], readonly Slice[]] {
  return partitionSlices(slices, (slice, rowsBefore) => slice.from + Math.max(0, records - rowsBefore));
}

/** The records of each partition below its offset in `offsets`, and the others; a partition that is not there is below. */
export function splitAtOffsets(
  slices: readonly Slice[],
  offsets: ReadonlyMap<number, number>,
): readonly [readonly Slice[], readonly Slice[]] {
  return partitionSlices(slices, (slice) => {
    const offset = offsets.get(slice.partition);
    return offset === undefined ? slice.to : firstRow(slice, (row) => (slice.columns.offsets[row] as number) >= offset);
  });
}

/** The records at the beginning of each partition that are older than `oldestMs`, and the others. A record without a time has no age. */
export function splitExpired(
  slices: readonly Slice[],
  oldestMs: number,
): readonly [readonly Slice[], readonly Slice[]] {
  const young = new Set<number>();
  return partitionSlices(slices, (slice) => {
    if (young.has(slice.partition)) return slice.from;
    const row = firstRow(slice, (row) => {
      const timestampMs = slice.columns.timestampsMs[row] as number;
      return timestampMs < 0 || timestampMs >= oldestMs;
    });
    if (row < slice.to) young.add(slice.partition);
    return row;
  });
}

/** Where each partition stands once these slices are done. */
export function positionsAfter(slices: readonly Slice[]): ReadonlyMap<number, number> {
  return new Map(slices.map(({ partition, nextOffset }) => [partition, nextOffset]));
}

function partitionSlices(
  slices: readonly Slice[],
  rowOf: (slice: Slice, rowsBefore: number) => number,
): readonly [readonly Slice[], readonly Slice[]] {
  const head: Slice[] = [];
  const tail: Slice[] = [];
  let rows = 0;
  for (const slice of slices) {
    const [before, after] = splitSlice(slice, rowOf(slice, rows));
    if (before !== undefined) head.push(before);
    if (after !== undefined) tail.push(after);
    rows += slice.to - slice.from;
  }
  return [head, tail];
}

/** Both sides of a row, where there is something on them. */
function splitSlice(slice: Slice, row: number): readonly [Slice | undefined, Slice | undefined] {
  if (row >= slice.to) return [slice, undefined];
  if (row <= slice.from) return [undefined, slice];
  return [
    { ...slice, to: row, nextOffset: slice.columns.offsets[row] as number },
    { ...slice, from: row },
  ];
}

function firstRow(slice: Slice, matches: (row: number) => boolean): number {
  for (let row = slice.from; row < slice.to; row += 1) if (matches(row)) return row;
  return slice.to;
}
