/** Records as Kafka's record batch, format 2. The same records make the same bytes. */

import { Buffer } from "node:buffer";
import type { OutgoingRecord } from "../wire/outgoing-record.ts";
import { crc32c } from "./crc32c.ts";
import { ProtocolWriter } from "./protocol-writer.ts";
import type { ProducerIdentity } from "./transaction-requests.ts";

/** What a batch takes beside its records. */
export const BATCH_HEAD_BYTES = 61;
/** What a record takes beside key, value and headers at most, and a header beside name and value. */
const RECORD_HEAD_BYTES_MAX = 36;
const HEADER_HEAD_BYTES_MAX = 10;

const LENGTH_AT = 8;
const BEHIND_LENGTH = 12;
const CRC_AT = 17;
const BEHIND_CRC = 21;
const TRANSACTIONAL = 0x10;

/** The bytes a record takes in a batch, at most. */
export function batchRecordBytes({ key, value, headers }: OutgoingRecord): number {
  let bytes = RECORD_HEAD_BYTES_MAX + (key?.length ?? 0) + (value?.length ?? 0);
  for (const [name, content] of headers) bytes += HEADER_HEAD_BYTES_MAX + Buffer.byteLength(name) + content.length;
  return bytes;
}

/** Encodes at least one record; in a transaction for `producer`, whose batches of a partition are counted by record. */
export function encodeBatch(
  records: readonly OutgoingRecord[],
  producer?: ProducerIdentity & { readonly baseSequence: number },
): Buffer {
  let maxTimestampMs = Number.NEGATIVE_INFINITY;
  for (const { timestampMs } of records) maxTimestampMs = Math.max(maxTimestampMs, timestampMs);
  const baseTimestampMs = (records[0] as OutgoingRecord).timestampMs;
  const to = new ProtocolWriter();
  to.int64(0).int32(0).int32(-1).int8(2).int32(0);
  to.int16(producer === undefined ? 0 : TRANSACTIONAL).int32(records.length - 1);
  to.int64(baseTimestampMs).int64(maxTimestampMs);
  to.int64(producer?.producerId ?? -1)
    .int16(producer?.producerEpoch ?? -1)
    .int32(producer?.baseSequence ?? -1);
  to.int32(records.length);
  for (const [i, record] of records.entries()) writeRecord(to, record, i, record.timestampMs - baseTimestampMs);
  to.patchInt32(LENGTH_AT, to.length - BEHIND_LENGTH);
  to.patchInt32(CRC_AT, crc32c(to.take().subarray(BEHIND_CRC)));
  return to.take();
}

function writeRecord(
  to: ProtocolWriter,
  { key, value, headers }: OutgoingRecord,
  offsetDelta: number,
  timestampDelta: number,
): void {
  const keyLength = key?.length ?? -1;
  const valueLength = value?.length ?? -1;
  let length = 1 + varintBytes(timestampDelta) + varintBytes(offsetDelta) + varintBytes(headers.length);
  length += varintBytes(keyLength) + Math.max(0, keyLength) + varintBytes(valueLength) + Math.max(0, valueLength);
  for (const [name, content] of headers) {
    const nameLength = Buffer.byteLength(name);
    length += varintBytes(nameLength) + nameLength + varintBytes(content.length) + content.length;
  }
  to.varint(length).int8(0).varint(timestampDelta).varint(offsetDelta).varint(keyLength);
  if (key !== null) to.bytes(key);
  to.varint(valueLength);
  if (value !== null) to.bytes(value);
  to.varint(headers.length);
  for (const [name, content] of headers) {
    const nameBytes = Buffer.from(name);
    to.varint(nameBytes.length).bytes(nameBytes).varint(content.length).bytes(content);
  }
}

function varintBytes(value: number): number {
  let zigzag = value >= 0 ? value * 2 : -value * 2 - 1;
  let bytes = 1;
  for (; zigzag >= 128; bytes += 1) zigzag = Math.floor(zigzag / 128);
  return bytes;
}
