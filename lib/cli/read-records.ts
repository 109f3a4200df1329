/** Reads a topic across its partitions, in order of time where the order within the partitions allows it. */

import type { Broker } from "../kafka/broker.ts";
import { type Header, headersAt, keyBytesAt, type RecordColumns, valueBytesAt } from "../wire/record-columns.ts";

export type ReadRecord = {
  readonly partition: number;
  readonly offset: number;
  /** −1 where it has none. */
  readonly timestampMs: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly Header[];
};

const FETCH_LIMITS = { bytesMax: 1024 * 1024, recordsMax: 1_000 };

type Cursor = { readonly partition: number; nextOffset: number; readonly end: number; page: RecordColumns; at: number };

/**
 * The records from `positions` (inclusive) to `ends` (exclusive), both per partition. `positions` move along, and stop where there is nothing to read yet: what
 * lies in an open transaction is below the end.
 */
export async function* readRecords(
  broker: Broker,
  topic: string,
  positions: number[],
  ends: readonly number[],
): AsyncGenerator<ReadRecord> {
  const cursors: Cursor[] = [];
  const advance = async (cursor: Cursor) => {
    const isThere = await hasNext(cursor, broker, topic);
    const { page, at, nextOffset } = cursor;
    positions[cursor.partition] = at < page.count ? page.offsets[at]! : nextOffset;
    return isThere;
  };
  for (const [partition, start] of positions.entries()) {
    const end = ends[partition] ?? 0;
    if (start >= end) continue;
    const cursor = { partition, nextOffset: start, end, page: NOTHING, at: 0 };
    if (await advance(cursor)) cursors.push(cursor);
  }
  while (cursors.length > 0) {
    let earliest = cursors[0]!;
    for (const cursor of cursors) if (timeOf(cursor) < timeOf(earliest)) earliest = cursor;
    const { page, at, partition } = earliest;
    earliest.at += 1;
    yield {
      partition,
      offset: page.offsets[at]!,
      timestampMs: page.timestampsMs[at]!,
      key: keyBytesAt(page, at),
      value: valueBytesAt(page, at),
      headers: headersAt(page, at),
    };
    positions[partition] = page.offsets[at]! + 1;
    if (!(await advance(earliest))) cursors.splice(cursors.indexOf(earliest), 1);
  }
}

const NOTHING = { count: 0 } as RecordColumns;

function timeOf({ page, at }: Cursor): number {
  return page.timestampsMs[at]!;
}

/** Whether the cursor stands at a record below its end, having fetched the next page where it must. */
async function hasNext(cursor: Cursor, broker: Broker, topic: string): Promise<boolean> {
  while (cursor.at >= cursor.page.count) {
    if (cursor.nextOffset >= cursor.end) return false;
    const fetched = await broker.fetch(topic, cursor.partition, cursor.nextOffset, FETCH_LIMITS);
    if (fetched.nextOffset <= cursor.nextOffset) return false;
    cursor.page = fetched.records;
    cursor.at = 0;
    cursor.nextOffset = fetched.nextOffset;
  }
  return cursor.page.offsets[cursor.at]! < cursor.end;
}
