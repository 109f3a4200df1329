/**
 * What a commit sends: kept in the commit as the bytes that go to Kafka, the rows that go to tables and the elements that go elsewhere, so that whoever emits it again emits the same.
 *
 * O2: a repeat is byte-identical and has the same identity; of a row, the same version. O4: the partition is stored with the output.
 */

import { MillraceError } from "../stream/error.ts";
import { compress, compressJson, decompress, decompressJson } from "../wire/compress.ts";
import { identityHeader } from "../wire/identity.ts";
import type { OutgoingBatch, OutgoingRecord } from "../wire/outgoing-record.ts";
import { decodeRecords, encodeRecords } from "../wire/record-batch.ts";
import { headersAt, keyBytesAt, valueBytesAt } from "../wire/record-columns.ts";
import type { Row } from "../wire/row.ts";
import { isRelease } from "../wire/sent-ahead.ts";

/** Records for a partition: they get their identities when they are sent; sealed ones carry them: bundles, and outputs of tasks without a log. */
export type RecordsBatch = OutgoingBatch & {
  readonly kind: "records" | "sealed";
  /** Of bundles that were not sent ahead yet: who sends them, and the number of the first. It is not kept. */
  readonly bundles?: { readonly task: string; readonly generation: number; readonly number: number };
};

/** Rows of a table, each once. `atMs`: the commit's clock, by which rows are ordered. */
export type RowsBatch = {
  readonly kind: "rows";
  readonly table: string;
  readonly atMs: number;
  readonly rows: readonly Row[];
};

/** An element for a sink: value and key as encodeValue has them, in JSON. */
export type OutboxElement = { readonly value: string; readonly key: string; readonly timestampMs: number };

/** Elements for a sink beside topics and tables, in order. `atMs`: the commit's clock. */
export type ElementsBatch = {
  readonly kind: "elements";
  readonly sink: string;
  readonly atMs: number;
  readonly elements: readonly OutboxElement[];
};

/** A batch of a commit. */
export type OutboxBatch = RecordsBatch | RowsBatch | ElementsBatch;

/** Outboxes of records alone, which every version reads. */
const RECORDS_VERSION = 1;
/** Of outboxes with rows or elements too. */
const ALL_VERSION = 2;
/** One of the others, compressed as a whole: the newest form that this version writes and reads. */
const PACKED_VERSION = 3;

type BatchHead = (
  | { topic: string; partition: number; kind: "records" | "sealed" }
  | Omit<RowsBatch, "rows">
  | Omit<ElementsBatch, "elements">
) & {
  bytes: number;
};

/** How many outputs a batch holds. */
export function outputsIn(batch: OutboxBatch): number {
  if (batch.kind === "rows") return batch.rows.length;
  return batch.kind === "elements" ? batch.elements.length : batch.records.length;
}

/** The rows among batches. */
export function rowsIn(batches: readonly OutboxBatch[]): RowsBatch[] {
  return batches.filter((batch) => batch.kind === "rows");
}

/** The elements among batches. Behind the records they have identities too. */
export function elementsIn(batches: readonly OutboxBatch[]): ElementsBatch[] {
  return batches.filter((batch) => batch.kind === "elements");
}

/** How many records get identities when they are sent: the index of the first element behind them. */
export function identifiedIn(batches: readonly OutboxBatch[]): number {
  return batches.reduce((sum, batch) => sum + (batch.kind === "records" ? batch.records.length : 0), 0);
}

/** The records among batches. */
export function recordsIn(batches: readonly OutboxBatch[]): RecordsBatch[] {
  return batches.filter((batch): batch is RecordsBatch => batch.kind === "records" || batch.kind === "sealed");
}

/** The bytes of an outbox for its entry; none for an empty one. */
export function encodeOutbox(batches: readonly OutboxBatch[]): Uint8Array {
  if (batches.length === 0) return new Uint8Array(0);
  const encoded = encodeBatches(batches);
  const releases = recordsIn(batches).some(({ records }) => records.some(({ value }) => isRelease(value)));
  if (!releases) return encoded;
  // Those of many partitions differ in little.
  const packed = compress(encoded);
  const all = new Uint8Array(1 + packed.length);
  all[0] = PACKED_VERSION;
  all.set(packed, 1);
  return all;
}

function encodeBatches(batches: readonly OutboxBatch[]): Uint8Array {
  const heads: BatchHead[] = [];
  // Bundles are compressed already; compressing them again would cost time and gain nothing.
  const bodies = batches.map((batch) => {
    if (batch.kind === "rows" || batch.kind === "elements") {
      const { content, ...head } = withContent(batch);
      const body = compressJson(content);
      heads.push({ ...head, bytes: body.length });
      return body;
    }
    const { topic, partition, kind, records } = batch;
    const encoded = encodeRecords(records);
    const body = kind === "sealed" ? encoded : compress(encoded);
    heads.push({ topic, partition, kind, bytes: body.length });
    return body;
  });
  const head = new TextEncoder().encode(JSON.stringify(heads));
  const all = new Uint8Array(5 + head.length + bodies.reduce((sum, body) => sum + body.length, 0));
  all[0] = recordsIn(batches).length === batches.length ? RECORDS_VERSION : ALL_VERSION;
  new DataView(all.buffer).setUint32(1, head.length);
  all.set(head, 5);
  let at = 5 + head.length;
  for (const body of bodies) {
    all.set(body, at);
    at += body.length;
  }
  return all;
}

/** A batch with its rows or elements apart. */
function withContent(batch: RowsBatch | ElementsBatch) {
  if (batch.kind === "rows") {
    const { rows: content, ...head } = batch;
    return { ...head, content };
  }
  const { elements: content, ...head } = batch;
  return { ...head, content };
}

/** The reverse of encodeOutbox. */
export function decodeOutbox(bytes: Uint8Array): readonly OutboxBatch[] {
  if (bytes.length === 0) return [];
  if (bytes[0] === PACKED_VERSION) {
    const { buffer, byteOffset, length } = decompress(bytes.subarray(1));
    return decodeOutbox(new Uint8Array(buffer, byteOffset, length));
  }
  if (bytes[0] !== RECORDS_VERSION && bytes[0] !== ALL_VERSION)
    throw new MillraceError(
      "state-unusable",
      `A commit's outputs are of version ${bytes[0]}, this code knows ${PACKED_VERSION}: they were written by a newer version.`,
    );
  const headLength = new DataView(bytes.buffer, bytes.byteOffset).getUint32(1);
  const heads = JSON.parse(new TextDecoder().decode(bytes.subarray(5, 5 + headLength))) as BatchHead[];
  let at = 5 + headLength;
  return heads.map(({ bytes: length, ...head }) => {
    const body = bytes.subarray(at, at + length);
    at += length;
    if (head.kind === "rows") return { ...head, rows: decompressJson(body) as Row[] };
    if (head.kind === "elements") return { ...head, elements: decompressJson(body) as OutboxElement[] };
    const { topic, partition, kind } = head;
    const columns = decodeRecords(kind === "sealed" ? body : decompress(body), 0);
    const records = Array.from(
      { length: columns.count },
      (_, i): OutgoingRecord => ({
        key: keyBytesAt(columns, i),
        value: valueBytesAt(columns, i),
        timestampMs: columns.timestampsMs[i] as number,
        headers: headersAt(columns, i),
      }),
    );
    return { topic, partition, kind, records };
  });
}

/** The records as they are sent: those of declared topics with the identity of commit `sequenceNumber` of `task`, counted through. */
export function toSend(batches: readonly OutboxBatch[], task: string, sequenceNumber: number): OutgoingBatch[] {
  let index = 0;
  const identified = ({ key, value, timestampMs, headers }: OutgoingRecord): OutgoingRecord => {
    const identity = identityHeader(task, sequenceNumber, index++);
    return { key, value, timestampMs, headers: headers.length === 0 ? [identity] : [identity, ...headers] };
  };
  return recordsIn(batches).map(({ topic, partition, kind, records }) => ({
    topic,
    partition,
    records: kind === "sealed" ? records : records.map(identified),
  }));
}
