/**
 * Record batches as Kafka stores them, decoded into columns over one buffer. Control batches and aborted transactions are left out, but their
 * offsets are passed; a batch that is cut off at the end of an answer is not there yet.
 */

import { Buffer } from "node:buffer";
import { MillraceError } from "../stream/error.ts";
import type { Header, RecordColumns } from "../wire/record-columns.ts";
import { decompressRecords } from "./decompress.ts";

const HEAD_BYTES = 61;
const BEHIND_LENGTH = 12;
const CODEC_MASK = 0x07;
const LOG_APPEND_TIME = 0x08;
const TRANSACTIONAL = 0x10;
const CONTROL = 0x20;
const FORMAT = 2;
const TWO_32 = 2 ** 32;

export type AbortedTransaction = { readonly producerId: number; readonly firstOffset: number };

/** A batch whose records count. */
type Batch = {
  readonly baseOffset: number;
  readonly baseTimestampMs: number;
  /** Says the time of all records, where the broker sets it. */
  readonly appendTimeMs: number | undefined;
  readonly count: number;
  /** Of the uncompressed records in the bytes of all. */
  start: number;
  end: number;
};

/**
 * The records from `offset` on, at most so many and about so many bytes, but at least one if there is one. `nextOffset` is behind everything that was
 * read or may be left out.
 */
export function decodeBatches(
  stored: Buffer,
  aborted: readonly AbortedTransaction[],
  offset: number,
  limits: { readonly bytesMax: number; readonly recordsMax: number },
): { readonly records: RecordColumns; readonly nextOffset: number } {
  const { batches, bytes, endOffset } = readBatches(stored, aborted, offset);
  let capacity = 0;
  for (const { count } of batches) capacity += count;
  capacity = Math.min(capacity, Math.max(1, limits.recordsMax));
  const into = new ColumnWriter(bytes, capacity, limits.bytesMax);
  for (const batch of batches) {
    const stoppedAt = into.add(batch, offset);
    if (stoppedAt !== undefined) return { records: into.take(), nextOffset: stoppedAt };
  }
  return { records: into.take(), nextOffset: Math.max(offset, endOffset) };
}

function readBatches(
  stored: Buffer,
  aborted: readonly AbortedTransaction[],
  offset: number,
): { readonly batches: Batch[]; readonly bytes: Buffer; readonly endOffset: number } {
  const waiting = aborted.toSorted((a, b) => a.firstOffset - b.firstOffset);
  const abortedNow = new Set<number>();
  const batches: Batch[] = [];
  const unpacked: Buffer[] = [];
  let isPacked = false;
  let endOffset = offset;
  for (let at = 0; at + HEAD_BYTES <= stored.length; ) {
    const end = at + BEHIND_LENGTH + stored.readInt32BE(at + 8);
    if (end > stored.length) break;
    if (end < at + HEAD_BYTES) throw broken("it says it is shorter than its head");
    if (stored[at + 16] !== FORMAT)
      throw new MillraceError(
        "kafka",
        `A batch has the old message format ${stored[at + 16]}; only format 2 can be read.`,
      );
    const baseOffset = int64At(stored, at);
    const attributes = stored.readInt16BE(at + 21);
    const lastOffset = baseOffset + stored.readInt32BE(at + 23);
    const producerId = int64At(stored, at + 43);
    for (; waiting[0] !== undefined && waiting[0].firstOffset <= lastOffset; waiting.shift())
      abortedNow.add(waiting[0].producerId);
    const start = at + HEAD_BYTES;
    if ((attributes & CONTROL) !== 0) {
      // Either marker ends the producer's transaction.
      abortedNow.delete(producerId);
    } else if (lastOffset >= offset && !((attributes & TRANSACTIONAL) !== 0 && abortedNow.has(producerId))) {
      const codec = attributes & CODEC_MASK;
      const records = decompressRecords(codec, stored.subarray(start, end));
      if (codec !== 0) isPacked = true;
      unpacked.push(records);
      batches.push({
        baseOffset,
        baseTimestampMs: int64At(stored, at + 27),
        appendTimeMs: (attributes & LOG_APPEND_TIME) === 0 ? undefined : int64At(stored, at + 35),
        count: stored.readInt32BE(at + 57),
        start,
        end,
      });
    }
    endOffset = Math.max(endOffset, lastOffset + 1);
    at = end;
  }
  if (!isPacked) return { batches, bytes: stored, endOffset };
  let start = 0;
  batches.forEach((batch, i) => {
    batch.start = start;
    start += (unpacked[i] as Buffer).length;
    batch.end = start;
  });
  return { batches, bytes: Buffer.concat(unpacked), endOffset };
}

class ColumnWriter {
  readonly #bytes: Buffer;
  readonly #capacity: number;
  readonly #bytesMax: number;
  readonly #columns: Omit<RecordColumns, "count" | "headers" | "bytes">;
  #headers: (readonly Header[] | undefined)[] | undefined;
  #count = 0;
  #taken = 0;
  #at = 0;
  #end = 0;

  constructor(bytes: Buffer, capacity: number, bytesMax: number) {
    this.#bytes = bytes;
    this.#capacity = capacity;
    this.#bytesMax = bytesMax;
    this.#columns = {
      offsets: new Float64Array(capacity),
      timestampsMs: new Float64Array(capacity),
      keyStart: new Int32Array(capacity),
      keyEnd: new Int32Array(capacity),
      valueStart: new Int32Array(capacity),
      valueEnd: new Int32Array(capacity),
    };
  }

  /** Adds the records from `offset` on; where a limit is reached, returns the offset of the first that was not added. */
  add(batch: Batch, offset: number): number | undefined {
    const { offsets, timestampsMs, keyStart, keyEnd, valueStart, valueEnd } = this.#columns;
    this.#at = batch.start;
    for (let i = 0; i < batch.count; i += 1) {
      this.#end = batch.end;
      const length = this.#varint();
      this.#end = this.#at + length;
      if (length < 0 || this.#end > batch.end) throw broken("a record does not fit into it");
      this.#at += 1;
      const timestampDelta = this.#varint();
      const at = batch.baseOffset + this.#varint();
      if (at < offset) {
        this.#at = this.#end;
        continue;
      }
      const row = this.#count;
      if (row >= this.#capacity) return at;
      const keyLength = this.#varint();
      const keyAt = this.#skip(keyLength);
      const valueLength = this.#varint();
      const valueAt = this.#skip(valueLength);
      this.#taken += Math.max(0, keyLength) + Math.max(0, valueLength);
      if (row > 0 && this.#taken > this.#bytesMax) return at;
      offsets[row] = at;
      timestampsMs[row] = batch.appendTimeMs ?? batch.baseTimestampMs + timestampDelta;
      keyStart[row] = keyLength < 0 ? -1 : keyAt;
      keyEnd[row] = keyLength < 0 ? -1 : keyAt + keyLength;
      valueStart[row] = valueLength < 0 ? -1 : valueAt;
      valueEnd[row] = valueLength < 0 ? -1 : valueAt + valueLength;
      const headers = this.#varint();
      if (headers > 0) this.#readHeaders(row, headers);
      this.#at = this.#end;
      this.#count = row + 1;
    }
    return undefined;
  }

  take(): RecordColumns {
    return { ...this.#columns, count: this.#count, bytes: this.#bytes, headers: this.#headers };
  }

  #readHeaders(row: number, count: number): void {
    const headers: Header[] = [];
    for (let i = 0; i < count; i += 1) {
      const nameLength = this.#varint();
      const nameAt = this.#skip(nameLength);
      const length = this.#varint();
      const contentAt = this.#skip(length);
      // A header without a value is an empty one.
      headers.push([
        this.#bytes.toString("utf8", nameAt, nameAt + Math.max(0, nameLength)),
        this.#bytes.subarray(contentAt, contentAt + Math.max(0, length)),
      ]);
    }
    this.#headers ??= new Array(this.#capacity);
    this.#headers[row] = headers;
  }

  /** A zigzag integer of up to 64 bits, exact up to 2⁵³. */
  #varint(): number {
    const bytes = this.#bytes;
    const end = this.#end;
    let byte = this.#at < end ? (bytes[this.#at++] as number) : this.#fail();
    let value = byte & 127;
    for (let scale = 128; byte >= 128; scale *= 128) {
      byte = this.#at < end ? (bytes[this.#at++] as number) : this.#fail();
      value += (byte & 127) * scale;
    }
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  #skip(length: number): number {
    const at = this.#at;
    if (length > 0) this.#at += length;
    if (this.#at > this.#end) this.#fail();
    return at;
  }

  #fail(): never {
    throw broken("it ends in the middle of a record");
  }
}

function int64At(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at) * TWO_32 + bytes.readUInt32BE(at + 4);
}

function broken(why: string): MillraceError {
  return new MillraceError("kafka", `A batch of Kafka cannot be read: ${why}.`);
}
