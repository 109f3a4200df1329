/** Records on their way to Kafka: what a task puts into its outbox and a broker is asked to write. */

import { Buffer } from "node:buffer";
import type { Header } from "./record-columns.ts";

/** A record to be written; key and value as they stand on the wire. */
export type OutgoingRecord = {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  /** Epoch milliseconds, an integer; −1 for none. */
  readonly timestampMs: number;
  readonly headers: readonly Header[];
};

/** Records for one partition, in order. */
export type OutgoingBatch = {
  readonly topic: string;
  readonly partition: number;
  readonly records: readonly OutgoingRecord[];
};

/** What a record counts for against a broker's size limit: key, value, names and values of headers, in bytes. */
export function recordBytes(record: OutgoingRecord): number {
  let bytes = (record.key?.length ?? 0) + (record.value?.length ?? 0);
  for (const [name, value] of record.headers) bytes += Buffer.byteLength(name) + value.length;
  return bytes;
}
