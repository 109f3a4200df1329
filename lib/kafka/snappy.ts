/** Snappy, as Kafka's Java clients write it: blocks behind a head of their own; other clients write one block alone. */

import { Buffer } from "node:buffer";

const JAVA_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0]);
const JAVA_HEAD_BYTES = 16;
/** No block can be smaller than its contents divided by this. */
const RATIO_MAX = 64;

export function decompressSnappy(bytes: Buffer): Buffer {
  if (!bytes.subarray(0, JAVA_MAGIC.length).equals(JAVA_MAGIC)) return decompressBlock(bytes);
  const blocks: Buffer[] = [];
  for (let at = JAVA_HEAD_BYTES; at < bytes.length; ) {
    const length = bytes.readInt32BE(at);
    if (length < 0 || at + 4 + length > bytes.length) throw new Error("a block of snappy is cut off");
    blocks.push(decompressBlock(bytes.subarray(at + 4, at + 4 + length)));
    at += 4 + length;
  }
  return Buffer.concat(blocks);
}

function decompressBlock(bytes: Buffer): Buffer {
  let at = 0;
  let length = 0;
  for (let scale = 1; ; scale *= 128) {
    const byte = bytes[at++] ?? 0;
    length += (byte & 127) * scale;
    if (byte < 128 || scale > 2 ** 28) break;
  }
  if (length > bytes.length * RATIO_MAX) throw new Error("a block of snappy says it is larger than it can be");
  const out = Buffer.allocUnsafe(length);
  let to = 0;
  while (at < bytes.length) {
    const tag = bytes[at++] as number;
    if ((tag & 3) === 0) {
      let size = (tag >> 2) + 1;
      if (size > 60) {
        const sizeBytes = size - 60;
        size = bytes.readUIntLE(at, sizeBytes) + 1;
        at += sizeBytes;
      }
      if (at + size > bytes.length || to + size > length) throw new Error("a literal of snappy does not fit");
      bytes.copy(out, to, at, at + size);
      at += size;
      to += size;
      continue;
    }
    let size: number;
    let distance: number;
    if ((tag & 3) === 1) {
      size = ((tag >> 2) & 7) + 4;
      distance = ((tag >> 5) << 8) | bytes.readUInt8(at++);
    } else {
      const distanceBytes = (tag & 3) === 2 ? 2 : 4;
      size = (tag >> 2) + 1;
      distance = bytes.readUIntLE(at, distanceBytes);
      at += distanceBytes;
    }
    if (distance === 0 || distance > to || to + size > length) throw new Error("a copy of snappy does not fit");
    // A copy may overlap itself, which repeats it.
    for (let i = 0; i < size; i += 1, to += 1) out[to] = out[to - distance] as number;
  }
  if (to !== length) throw new Error("a block of snappy is shorter than it says");
  return out;
}
