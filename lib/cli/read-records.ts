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

/** The records from `starts` (inclusive) to `ends` (exclusive), both per partition. */
export async function* readRecords(
  broker: Broker,
  topic: string,
  starts: readonly number[],
  ends: readonly number[],
): AsyncGenerator<ReadRecord> {
  const cursors: Cursor[] = [];
  for (const [partition, start] of starts.entries()) {
    const end = ends[partition] ?? 0;
    if (start >= end) continue;
    const cursor = { partition, nextOffset: start, end, page: NOTHING, at: 0 };
    if (await hasNext(cursor, broker, topic)) cursors.push(cursor);
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
    if (!(await hasNext(earliest, broker, topic))) cursors.splice(cursors.indexOf(earliest), 1);
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
