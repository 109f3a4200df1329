/** LZ4 frames, as Kafka's clients write them. Checksums are not verified: the batch has its own, and TCP another. */

import { Buffer } from "node:buffer";

const MAGIC = 0x184d2204;
const HEAD_BYTES = 7;
const BLOCK_BYTES_MAX = [64 * 1024, 256 * 1024, 1024 * 1024, 4 * 1024 * 1024];

export function decompressLz4Frame(bytes: Buffer, bytesMax: number): Buffer {
  if (bytes.length < HEAD_BYTES || bytes.readUInt32LE(0) !== MAGIC) throw new Error("it is no frame of LZ4");
  const flags = bytes[4] as number;
  const blockBytesMax = BLOCK_BYTES_MAX[(((bytes[5] as number) >> 4) & 7) - 4];
  if (blockBytesMax === undefined) throw new Error("a frame of LZ4 has an unknown block size");
  const hasBlockChecksums = (flags & 0x10) !== 0;
  let at = HEAD_BYTES + ((flags & 0x08) !== 0 ? 8 : 0) + ((flags & 0x01) !== 0 ? 4 : 0);
  // Blocks may refer to the ones before them, so all are unpacked into one buffer.
  let out = Buffer.allocUnsafe(blockBytesMax);
  let length = 0;
  for (;;) {
    const size = bytes.readUInt32LE(at);
    at += 4;
    if (size === 0) break;
    const block = bytes.subarray(at, at + (size & 0x7fffffff));
    at += (size & 0x7fffffff) + (hasBlockChecksums ? 4 : 0);
    if (length + blockBytesMax > out.length) {
      if (length > bytesMax) throw new Error("a frame of LZ4 is too large");
      const larger = Buffer.allocUnsafe(out.length * 2 + blockBytesMax);
      out.copy(larger, 0, 0, length);
      out = larger;
    }
    if (size >= 0x80000000) length += block.copy(out, length);
    else length = decompressBlock(block, out, length);
  }
  return out.subarray(0, length);
}

function decompressBlock(block: Buffer, out: Buffer, start: number): number {
  let at = 0;
  let to = start;
  const more = (size: number): number => {
    if (size !== 15) return size;
    for (;;) {
      const byte = block[at++];
      if (byte === undefined) throw new Error("a block of LZ4 is cut off");
      size += byte;
      if (byte !== 255) return size;
    }
  };
  while (at < block.length) {
    const token = block[at++] as number;
    const literals = more(token >> 4);
    if (at + literals > block.length || to + literals > out.length) throw new Error("a literal of LZ4 does not fit");
    block.copy(out, to, at, at + literals);
    at += literals;
    to += literals;
    if (at >= block.length) break;
    const distance = block.readUInt16LE(at);
    at += 2;
    const size = more(token & 15) + 4;
    if (distance === 0 || distance > to || to + size > out.length) throw new Error("a copy of LZ4 does not fit");
    for (let i = 0; i < size; i += 1, to += 1) out[to] = out[to - distance] as number;
  }
  return to;
}
