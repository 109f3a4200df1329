/**
 * The binary form of a batch of records: what the embedded broker stores and what a commit's outbox is made of. Columns instead of records, so
 * that reading a batch costs a few allocations whatever its size, and keys and values are views of the batch itself.
 *
 * Version 1, little endian:
 *
 *     u8 version · u8 flags · u16 zero · u32 count · u32 length of the whole · u32 CRC-32 of all the rest
 *     timestamps   zigzag varints of differences; with RAW_TIMESTAMPS f64 each
 *     key lengths  varints of length + 1, 0 for null; absent with NO_KEYS
 *     value lengths likewise
 *     keys, then values, end to end
 *     with HEADERS: varint number of names; varint length and bytes of each;
 *                   per record varint number of headers; per header varint name, varint length, bytes
 *
 * The checksum is verified before anything is believed; structure is checked nevertheless, since bytes with a right checksum may be a stranger's.
 */

import { Buffer } from "node:buffer";
import { crc32 } from "node:zlib";
import { MillraceError } from "../stream/error.ts";
import type { OutgoingRecord } from "./outgoing-record.ts";
import type { Header, RecordColumns } from "./record-columns.ts";
import { readVarint, skipVarint, varintBytes, writeVarint } from "./varint.ts";

const VERSION = 1;
const HEAD_BYTES = 16;
const FLAG_HEADERS = 1;
const FLAG_NO_KEYS = 2;
const FLAG_RAW_TIMESTAMPS = 4;
const FLAGS_KNOWN = FLAG_HEADERS | FLAG_NO_KEYS | FLAG_RAW_TIMESTAMPS;
/** Positions are 32 bit integers. */
const BATCH_BYTES_MAX = 2 ** 31 - 1;
/** Zigzag doubles a difference, and a varint holds what a number holds exactly. */
const TIMESTAMP_DIFFERENCE_MAX = 2 ** 52 - 1;
/** Below this, copying byte by byte beats a call. */
const SHORT_COPY_BYTES = 24;

/** A batch as it lies in a store. */
export type StoredBatch = { readonly baseOffset: number; readonly bytes: Uint8Array };

/** Encodes records into one batch. Throws "format" for a timestamp that is not an integer and for 2 GiB or more. */
export function encodeRecords(records: readonly OutgoingRecord[]): Uint8Array {
  const shape = measure(records);
  if (shape.bytes > BATCH_BYTES_MAX) {
    throw new MillraceError("format", `A batch of ${shape.bytes} bytes is too large; at most ${BATCH_BYTES_MAX} fit.`);
  }
  const out = new Uint8Array(shape.bytes);
  const view = new DataView(out.buffer);
  let at = HEAD_BYTES;
  let previousMs = 0;
  for (const { timestampMs } of records) {
    if ((shape.flags & FLAG_RAW_TIMESTAMPS) !== 0) {
      view.setFloat64(at, timestampMs, true);
      at += 8;
    } else {
      at = writeVarint(out, at, toZigzag(timestampMs - previousMs));
      previousMs = timestampMs;
    }
  }
  if ((shape.flags & FLAG_NO_KEYS) === 0) {
    for (const { key } of records) at = writeVarint(out, at, key === null ? 0 : key.length + 1);
  }
  for (const { value } of records) at = writeVarint(out, at, value === null ? 0 : value.length + 1);
  for (const { key } of records) if (key !== null) at = copy(key, out, at);
  for (const { value } of records) if (value !== null) at = copy(value, out, at);
  if ((shape.flags & FLAG_HEADERS) !== 0) at = writeHeaders(records, shape.names, out, at);

  out[0] = VERSION;
  out[1] = shape.flags;
  view.setUint32(4, records.length, true);
  view.setUint32(8, out.length, true);
  view.setUint32(12, checksumOf(out), true);
  return out;
}

/**
 * Decodes one batch. The columns are views of `bytes`, which must not change afterwards. Throws "format" for bytes that are not exactly what
 * `encodeRecords` made, and "state-unusable" for a newer version's.
 */
export function decodeRecords(bytes: Uint8Array, baseOffset: number): RecordColumns {
  const target = newColumns(bytes, readHead(bytes));
  const sections = [decodeInto(target, 0, bytes, 0, baseOffset)];
  return withHeaders(target, sections);
}

/** Decodes several batches, in order, into columns over one copy of their bytes. Throws as `decodeRecords` does. */
export function decodeBatches(batches: readonly StoredBatch[]): RecordColumns {
  const [first] = batches;
  if (first !== undefined && batches.length === 1) return decodeRecords(first.bytes, first.baseOffset);
  let count = 0;
  for (const { bytes } of batches) count += readHead(bytes);
  const concatenated = Buffer.concat(batches.map(({ bytes }) => bytes));
  const joined = new Uint8Array(concatenated.buffer, concatenated.byteOffset, concatenated.length);
  if (joined.length > BATCH_BYTES_MAX) {
    throw new MillraceError("format", `Batches of ${joined.length} bytes cannot be read at once; ask for fewer.`);
  }
  const target = newColumns(joined, count);
  const sections: HeaderSection[] = [];
  let at = 0;
  let start = 0;
  for (const { bytes, baseOffset } of batches) {
    const section = decodeInto(target, at, bytes, start, baseOffset);
    sections.push(section);
    at += section.count;
    start += bytes.length;
  }
  return withHeaders(target, sections);
}

type Shape = { bytes: number; flags: number; readonly names: Map<string, number> };

function measure(records: readonly OutgoingRecord[]): Shape {
  const names = new Map<string, number>();
  let bytes = HEAD_BYTES;
  let timestampBytes = 0;
  let keyLengthBytes = 0;
  let headerBytes = 0;
  let flags = FLAG_NO_KEYS;
  let previousMs = 0;
  for (const { key, value, timestampMs, headers } of records) {
    if (!Number.isSafeInteger(timestampMs)) {
      throw new MillraceError(
        "format",
        `A record with the timestamp ${timestampMs} cannot be written; it must be an integer, in milliseconds.`,
      );
    }
    const difference = timestampMs - previousMs;
    previousMs = timestampMs;
    if (difference > TIMESTAMP_DIFFERENCE_MAX || difference < -TIMESTAMP_DIFFERENCE_MAX) flags |= FLAG_RAW_TIMESTAMPS;
    else timestampBytes += varintBytes(toZigzag(difference));
    if (key === null) keyLengthBytes += 1;
    else {
      flags &= ~FLAG_NO_KEYS;
      keyLengthBytes += varintBytes(key.length + 1);
      bytes += key.length;
    }
    bytes += value === null ? 1 : varintBytes(value.length + 1) + value.length;
    headerBytes += varintBytes(headers.length);
    for (const [name, content] of headers) {
      let index = names.get(name);
      if (index === undefined) names.set(name, (index = names.size));
      headerBytes += varintBytes(index) + varintBytes(content.length) + content.length;
    }
  }
  if (names.size > 0) {
    flags |= FLAG_HEADERS;
    bytes += headerBytes + varintBytes(names.size);
    for (const name of names.keys()) {
      const nameBytes = Buffer.byteLength(name);
      bytes += varintBytes(nameBytes) + nameBytes;
    }
  }
  bytes += (flags & FLAG_RAW_TIMESTAMPS) === 0 ? timestampBytes : 8 * records.length;
  if ((flags & FLAG_NO_KEYS) === 0) bytes += keyLengthBytes;
  return { bytes, flags, names };
}

function writeHeaders(
  records: readonly OutgoingRecord[],
  names: Map<string, number>,
  out: Uint8Array,
  at: number,
): number {
  at = writeVarint(out, at, names.size);
  for (const name of names.keys()) {
    const bytes = Buffer.from(name);
    at = copy(bytes, out, writeVarint(out, at, bytes.length));
  }
  for (const { headers } of records) {
    at = writeVarint(out, at, headers.length);
    for (const [name, content] of headers) {
      at = writeVarint(out, at, names.get(name) as number);
      at = copy(content, out, writeVarint(out, at, content.length));
    }
  }
  return at;
}

function copy(from: Uint8Array, to: Uint8Array, at: number): number {
  if (from.length > SHORT_COPY_BYTES) to.set(from, at);
  else for (let i = 0; i < from.length; i += 1) to[at + i] = from[i] as number;
  return at + from.length;
}

function checksumOf(bytes: Uint8Array): number {
  return crc32(bytes.subarray(HEAD_BYTES), crc32(bytes.subarray(0, HEAD_BYTES - 4)));
}

/** Verifies that `bytes` are a whole batch and returns the number of its records. */
function readHead(bytes: Uint8Array): number {
  if (bytes.length < HEAD_BYTES) throw broken(`it has ${bytes.length} bytes, fewer than its head`);
  const version = bytes[0] as number;
  if (version > VERSION) {
    throw new MillraceError(
      "state-unusable",
      `A stored batch of records has format version ${version}, and this version of Millrace reads up to ${VERSION}: use the newer one.`,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (version !== VERSION) throw broken("it does not begin with a version");
  if (view.getUint32(8, true) !== bytes.length)
    throw broken(`it says it has ${view.getUint32(8, true)} bytes and has ${bytes.length}`);
  if (view.getUint32(12, true) !== checksumOf(bytes)) throw broken("its checksum does not match");
  if (((bytes[1] as number) & ~FLAGS_KNOWN) !== 0 || view.getUint16(2, true) !== 0)
    throw broken("it has unknown flags");
  const count = view.getUint32(4, true);
  // Each record takes at least two bytes; a false count must not make us allocate.
  if (count * 2 > bytes.length) throw broken(`it says it has ${count} records, more than fit`);
  return count;
}

type Columns = Omit<RecordColumns, "headers" | "valueGapBytes">;
type HeaderSection = { readonly count: number; readonly start: number; readonly end: number };

function newColumns(bytes: Uint8Array, count: number): Columns {
  return {
    count,
    bytes,
    offsets: new Float64Array(count),
    timestampsMs: new Float64Array(count),
    keyStart: new Int32Array(count),
    keyEnd: new Int32Array(count),
    valueStart: new Int32Array(count),
    valueEnd: new Int32Array(count),
  };
}

/** Decodes `batch`, which lies at `shift` in the target's bytes, into the target's columns from row `first` on. */
function decodeInto(
  target: Columns,
  first: number,
  batch: Uint8Array,
  shift: number,
  baseOffset: number,
): HeaderSection {
  const { offsets, timestampsMs, keyStart, keyEnd, valueStart, valueEnd } = target;
  const view = new DataView(batch.buffer, batch.byteOffset, batch.length);
  const count = view.getUint32(4, true);
  const flags = batch[1] as number;
  const end = first + count;
  let at = HEAD_BYTES;

  if ((flags & FLAG_RAW_TIMESTAMPS) !== 0) {
    if (at + 8 * count > batch.length) throw broken("its timestamps do not fit");
    for (let i = first; i < end; i += 1, at += 8) timestampsMs[i] = view.getFloat64(at, true);
  } else {
    let timeMs = 0;
    for (let i = first; i < end; i += 1) {
      const zigzag = readVarint(batch, at);
      at = skipVarint(batch, at);
      timeMs += zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2;
      timestampsMs[i] = timeMs;
    }
  }

  // Lengths come first and say where the bytes lie; starts are written relative to the keys' and values' beginnings and moved afterwards.
  let keyBytes = 0;
  if ((flags & FLAG_NO_KEYS) === 0) {
    for (let i = first; i < end; i += 1) {
      const length = readVarint(batch, at) - 1;
      at = skipVarint(batch, at);
      keyStart[i] = length < 0 ? -1 : keyBytes;
      if (length > 0) keyBytes += length;
      keyEnd[i] = keyBytes;
    }
  } else keyStart.fill(-1, first, end);
  let valueBytes = 0;
  for (let i = first; i < end; i += 1) {
    const length = readVarint(batch, at) - 1;
    at = skipVarint(batch, at);
    valueStart[i] = length < 0 ? -1 : valueBytes;
    if (length > 0) valueBytes += length;
    valueEnd[i] = valueBytes;
  }
  const hasHeaders = (flags & FLAG_HEADERS) !== 0;
  const headersStart = at + keyBytes + valueBytes;
  if (hasHeaders ? headersStart >= batch.length : headersStart !== batch.length)
    throw broken("its lengths do not add up");

  const keysAt = at + shift;
  const valuesAt = keysAt + keyBytes;
  for (let i = first; i < end; i += 1) {
    offsets[i] = baseOffset + i - first;
    if ((keyStart[i] as number) >= 0) {
      keyStart[i] = (keyStart[i] as number) + keysAt;
      keyEnd[i] = (keyEnd[i] as number) + keysAt;
    } else keyEnd[i] = -1;
    if ((valueStart[i] as number) >= 0) {
      valueStart[i] = (valueStart[i] as number) + valuesAt;
      valueEnd[i] = (valueEnd[i] as number) + valuesAt;
    } else valueEnd[i] = -1;
  }
  return { count, start: hasHeaders ? headersStart + shift : -1, end: batch.length + shift };
}

/** Headers are objects, so they are made when somebody asks. */
function withHeaders(columns: Columns, sections: readonly HeaderSection[]): RecordColumns {
  if (sections.every(({ start }) => start < 0)) return { ...columns, headers: undefined };
  let decoded: readonly (readonly Header[])[] | undefined;
  return {
    ...columns,
    get headers() {
      decoded ??= sections.flatMap((section) => decodeHeaders(columns.bytes, section));
      return decoded;
    },
  };
}

const NO_HEADERS: readonly Header[] = [];

function decodeHeaders(bytes: Uint8Array, { count, start, end }: HeaderSection): readonly (readonly Header[])[] {
  if (start < 0) return new Array(count).fill(NO_HEADERS);
  let at = start;
  const next = (): number => {
    const value = readVarint(bytes, at);
    at = skipVarint(bytes, at);
    return value;
  };
  const take = (length: number): Uint8Array => {
    if (at + length > end) throw broken("its headers do not fit");
    return bytes.subarray(at, (at += length));
  };
  const names: string[] = [];
  for (let left = next(); left > 0; left -= 1) names.push(Buffer.from(take(next())).toString());
  const all: (readonly Header[])[] = [];
  for (let i = 0; i < count; i += 1) {
    const headers: Header[] = [];
    for (let left = next(); left > 0; left -= 1) {
      const name = names[next()];
      if (name === undefined) throw broken("a header has no name");
      headers.push([name, take(next())]);
    }
    all.push(headers.length === 0 ? NO_HEADERS : headers);
  }
  if (at !== end) throw broken("its headers do not add up");
  return all;
}

function toZigzag(difference: number): number {
  return difference >= 0 ? difference * 2 : -difference * 2 - 1;
}

function broken(reason: string): MillraceError {
  return new MillraceError("format", `A stored batch of records is broken: ${reason}.`);
}
