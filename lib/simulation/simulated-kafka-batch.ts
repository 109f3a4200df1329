/**
 * Record batches as the simulated Kafka stores them: the bytes as they came, with the head read once and the records when somebody first asks. Read here
 * by other code than the client's, so that a mistake of the client's cannot hide itself.
 */

import type { Buffer } from "node:buffer";
import { crc32c } from "../kafka/crc32c.ts";
import { ProtocolWriter } from "../kafka/protocol-writer.ts";
import type { Header } from "../wire/record-columns.ts";
import type { End } from "./simulated-kafka-part.ts";

/** A record as it lies in a partition. */
export type SimulatedRecord = {
  readonly offset: number;
  readonly timestampMs: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly Header[];
};

export type StoredBatch = {
  readonly bytes: Buffer;
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly baseTimestampMs: number;
  readonly maxTimestampMs: number;
  readonly isTransactional: boolean;
  readonly isControl: boolean;
  /** Of a transaction that was aborted. */
  isAborted: boolean;
  records: readonly SimulatedRecord[] | undefined;
};

const HEAD_BYTES = 61;
const BEHIND_LENGTH = 12;
const FORMAT_AT = 16;
const CRC_AT = 17;
const BEHIND_CRC = 21;
const FORMAT = 2;
const CODEC_MASK = 0x07;
const TRANSACTIONAL = 0x10;
const CONTROL = 0x20;
const TWO_32 = 2 ** 32;

/** A batch as it comes from a client, put at an offset: which is written into its bytes. Undefined for one that no client may send. */
export function toStoredBatch(bytes: Buffer, baseOffset: number): StoredBatch | undefined {
  if (bytes.length < HEAD_BYTES || bytes[FORMAT_AT] !== FORMAT || int64At(bytes, 0) !== 0) return undefined;
  const attributes = bytes.readInt16BE(21);
  const count = bytes.readInt32BE(57);
  const isWhole = bytes.readInt32BE(8) === bytes.length - BEHIND_LENGTH && bytes.readInt32BE(23) === count - 1;
  if (!isWhole || count < 1 || (attributes & (CODEC_MASK | CONTROL)) !== 0) return undefined;
  bytes.writeInt32BE(Math.floor(baseOffset / TWO_32), 0);
  bytes.writeInt32BE(baseOffset | 0, 4);
  // The epoch of the leader.
  bytes.writeInt32BE(0, BEHIND_LENGTH);
  return {
    bytes,
    baseOffset,
    lastOffset: baseOffset + count - 1,
    producerId: int64At(bytes, 43),
    producerEpoch: bytes.readInt16BE(51),
    baseSequence: bytes.readInt32BE(53),
    baseTimestampMs: int64At(bytes, 27),
    maxTimestampMs: int64At(bytes, 35),
    isTransactional: (attributes & TRANSACTIONAL) !== 0,
    isControl: false,
    isAborted: false,
    records: undefined,
  };
}

/** The marker that ends a transaction in a partition. */
export function toMarker(end: End, baseOffset: number): StoredBatch {
  const { producerId, producerEpoch, coordinatorEpoch, isCommit, nowMs } = end;
  const to = new ProtocolWriter().int64(baseOffset).int32(0).int32(0).int8(FORMAT).int32(0);
  to.int16(TRANSACTIONAL | CONTROL)
    .int32(0)
    .int64(nowMs)
    .int64(nowMs);
  to.int64(producerId).int16(producerEpoch).int32(-1).int32(1);
  // Version and kind as the key, version and epoch of the coordinator as the value.
  to.varint(16).int8(0).varint(0).varint(0);
  to.varint(4)
    .int16(0)
    .int16(isCommit ? 1 : 0);
  to.varint(6).int16(0).int32(coordinatorEpoch).varint(0);
  to.patchInt32(8, to.length - BEHIND_LENGTH);
  to.patchInt32(CRC_AT, crc32c(to.take().subarray(BEHIND_CRC)));
  return {
    bytes: to.take(),
    baseOffset,
    lastOffset: baseOffset,
    producerId,
    producerEpoch,
    baseSequence: -1,
    baseTimestampMs: nowMs,
    maxTimestampMs: nowMs,
    isTransactional: true,
    isControl: true,
    isAborted: false,
    records: [],
  };
}

/** The records of a batch, none of a marker. Keys and values are views. */
export function recordsOf(batch: StoredBatch): readonly SimulatedRecord[] {
  batch.records ??= readRecords(batch);
  return batch.records;
}

function readRecords({ bytes, baseOffset, lastOffset, baseTimestampMs }: StoredBatch): SimulatedRecord[] {
  let at = HEAD_BYTES;
  const varint = () => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++] as number;
      value += (byte & 127) * scale;
      if (byte < 128) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    }
  };
  const piece = () => {
    const length = varint();
    if (length < 0) return null;
    at += length;
    return bytes.subarray(at - length, at);
  };
  const records: SimulatedRecord[] = [];
  for (let offset = baseOffset; offset <= lastOffset; offset += 1) {
    const length = varint();
    const end = at + length;
    at += 1;
    const timestampMs = baseTimestampMs + varint();
    if (baseOffset + varint() !== offset)
      throw new Error(`The batch at offset ${baseOffset} counts its records wrong.`);
    const key = piece();
    const value = piece();
    const headers: Header[] = [];
    for (let left = varint(); left > 0; left -= 1) headers.push([String(piece()), piece() ?? bytes.subarray(0, 0)]);
    if (at !== end) throw new Error(`Record ${offset} is not as long as it says.`);
    records.push({ offset, timestampMs, key, value, headers });
  }
  if (at !== bytes.length) throw new Error(`The batch at offset ${baseOffset} has bytes behind its records.`);
  return records;
}

function int64At(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at) * TWO_32 + bytes.readUInt32BE(at + 4);
}
