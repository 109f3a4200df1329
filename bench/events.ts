/** Input for benchmarks: Lambda events over JSON values of 150 bytes, as a page-view log has them. */

import { writeEvent } from "../lib/local/event-json.ts";
import type { OutgoingRecord } from "../lib/wire/outgoing-record.ts";
import { decodeRecords, encodeRecords } from "../lib/wire/record-batch.ts";

export type PageView = {
  id: number;
  user: string;
  page: string;
  status: number;
  ms: number;
  country: string;
  agent: string;
  note: string;
};

/** 20,000 records a second: a window of five seconds holds 100,000. */
const RECORDS_PER_MS = 20;
const START_MS = 1_700_000_000_000;

/** The value of record `i`: 150 bytes, eight fields, one of `keys` users. Users are spread by a fixed permutation, not in turn. */
function pageView(i: number, keys: number): PageView {
  const user = `user-${(Math.imul(i, 0x9e3779b1) >>> 0) % keys}`;
  const view = {
    id: i,
    user,
    page: `/products/${i % 1000}`,
    status: i % 50 === 0 ? 500 : 200,
    ms: i % 97,
    country: "CH",
    agent: "Mozilla/5.0",
    note: "",
  };
  const missing = 150 - JSON.stringify(view).length;
  return { ...view, note: "x".repeat(Math.max(0, missing)) };
}

/** Record `i`, with its user as the key where it is to have one. */
export function viewRecord(i: number, keys: number, isKeyed = false): OutgoingRecord {
  const view = pageView(i, keys);
  return {
    key: isKeyed ? Buffer.from(view.user) : null,
    value: Buffer.from(JSON.stringify(view)),
    timestampMs: START_MS + Math.floor(i / RECORDS_PER_MS),
    headers: [],
  };
}

/** Events over the records from number `from` on, `batch` in each, consecutive in offset and in time; with their users as keys where `isKeyed`. */
export function eventTexts(
  topic: string,
  from: number,
  records: number,
  batch: number,
  keys: number,
  isKeyed = false,
): string[] {
  return Array.from({ length: records / batch }, (_, e) => {
    const first = from + e * batch;
    const outgoing = Array.from({ length: batch }, (_, r) => viewRecord(first + r, keys, isKeyed));
    return toEvent(topic, outgoing, first);
  });
}

/** One event of `batch` records, all in one window, which begins `laterMs` after the first one; offsets from `from` on, and keys too, if `keyOf` does not say others. */
export function keyedEventTexts(
  topic: string,
  from: number,
  batch: number,
  keyOf = (i: number) => i,
  laterMs = 0,
): string[] {
  const records = Array.from({ length: batch }, (_, r): OutgoingRecord => {
    const i = from + r;
    return {
      key: Buffer.from(`user-${keyOf(i)}`),
      value: Buffer.from(JSON.stringify(pageView(i, 1))),
      timestampMs: START_MS + laterMs,
      headers: [],
    };
  });
  return [toEvent(topic, records, from)];
}

/** The event over consecutive records from an offset on. */
export function toEvent(topic: string, records: readonly OutgoingRecord[], baseOffset: number): string {
  const columns = decodeRecords(encodeRecords(records), baseOffset);
  const text = writeEvent(
    {
      eventSource: "aws:kafka",
      eventSourceArn: "arn:aws:kafka:local:000000000000:cluster/bench/0",
      bootstrapServers: "localhost:9092",
      topic,
    },
    [{ partition: 0, columns, from: 0, to: records.length, nextOffset: baseOffset + records.length }],
  );
  // One piece of memory, as what comes over a wire; a text put together from parts is copied when it is first read.
  return Buffer.from(text, "latin1").toString("latin1");
}
