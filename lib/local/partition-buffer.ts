/** What a mapping knows of one partition: where it stands, what it has read and not delivered, and whether a batch is in flight. */

import type { RecordColumns } from "../wire/record-columns.ts";
import type { Slice, Supply } from "./batching.ts";

/** A batch in flight. Aborting it ends its retries, not an invocation under way. */
export type Delivery = { readonly abort: AbortController; readonly ended: Promise<void> };

export class PartitionBuffer implements Supply {
  readonly partition: number;
  /** Everything below is done. */
  position: number;
  /** Where to read on; what lies between is buffered or in flight. */
  fetchOffset: number;
  slices: Slice[] = [];
  records = 0;
  jsonBytes = 0;
  sinceMs = 0;
  /** What a record took where it was read last, on average; infinite before the first read. */
  #recordBytes = Number.POSITIVE_INFINITY;
  /** The batch that holds records of this partition; undefined: none does. */
  delivery: Delivery | undefined;
  /** Set while somebody waits for the batch in flight to end, to go on elsewhere. */
  seekTo: number | undefined;
  mayHaveMore = true;
  /** Failed reads in a row, and when to read again. */
  failures = 0;
  notBeforeMs = 0;
  /** Changes with each restart: an answer to a question asked before is of no use. */
  epoch = 0;

  constructor(partition: number, offset: number) {
    this.partition = partition;
    this.position = offset;
    this.fetchOffset = offset;
  }

  /** Appends what was read at `fetchOffset`. */
  add(columns: RecordColumns, nextOffset: number, jsonBytesOf: (row: number) => number, nowMs: number): void {
    this.fetchOffset = nextOffset;
    if (columns.count === 0) {
      this.#skipTo(nextOffset);
      return;
    }
    if (this.records === 0) this.sinceMs = nowMs;
    this.slices.push({ partition: this.partition, columns, from: 0, to: columns.count, nextOffset });
    this.records += columns.count;
    this.#recordBytes = spanOf(columns) / columns.count;
    for (let row = 0; row < columns.count; row += 1) this.jsonBytes += jsonBytesOf(row);
  }

  /**
   * How many bytes to ask for so many records like the last ones, at most `bytesMax`: what is read beyond a batch and thrown away is read again, with records of
   * 150 bytes almost twice over.
   */
  fetchBytes(records: number, bytesMax: number): number {
    return Math.max(1, Math.floor(Math.min(bytesMax, records * this.#recordBytes)));
  }

  /** Removes what a batch took, which is this buffer's beginning. */
  remove(batch: readonly Slice[], jsonBytesOf: (columns: RecordColumns, row: number) => number): void {
    for (const { partition, columns, from, to } of batch) {
      if (partition !== this.partition) continue;
      const first = this.slices[0] as Slice;
      if (to === first.to) this.slices.shift();
      else this.slices[0] = { ...first, from: to };
      this.records -= to - from;
      for (let row = from; row < to; row += 1) this.jsonBytes -= jsonBytesOf(columns, row);
    }
  }

  /** Forgets what was read and reads on at `offset`. */
  restartAt(offset: number): void {
    this.position = offset;
    this.fetchOffset = offset;
    this.slices = [];
    this.records = 0;
    this.jsonBytes = 0;
    this.mayHaveMore = true;
    this.epoch += 1;
  }

  /** Reads on at `offset`, before or behind, once what was read is delivered. */
  continueAt(offset: number): void {
    this.fetchOffset = offset;
    this.#skipTo(offset);
    this.epoch += 1;
  }

  /** Nothing readable stands before `offset`: control markers, and holes that compaction left. */
  #skipTo(offset: number): void {
    const last = this.slices.pop();
    if (last === undefined) this.position = offset;
    else this.slices.push({ ...last, nextOffset: offset });
  }
}

/** From the first value to the end of the last, with what stands between; infinite where one of them is null. */
function spanOf({ count, valueStart, valueEnd }: RecordColumns): number {
  const from = valueStart[0] as number;
  return from < 0 || (valueStart[count - 1] as number) < 0
    ? Number.POSITIVE_INFINITY
    : (valueEnd[count - 1] as number) - from;
}
