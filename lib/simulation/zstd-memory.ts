/**
 * zstd as node:zlib has it, with a memory: what was packed in this run is not unpacked again. Setting zstd up costs more than the few hundred bytes of a
 * simulated commit, which are read by many. Bytes that it has not packed itself, such as damaged ones, it unpacks as ever.
 */

import { Buffer } from "node:buffer";
import * as zlib from "node:zlib";

export const { constants } = zlib;

const REMEMBERED_MAX = 2_000;

/** Plain bytes by packed ones, and the other way round, as text of one character per byte. */
const plainOf = new Map<string, Uint8Array>();
const packedOf = new Map<string, Uint8Array>();

export function zstdCompressSync(bytes: Uint8Array, options: zlib.ZstdOptions): Uint8Array {
  const name = nameOf(bytes);
  const known = packedOf.get(name);
  if (known !== undefined) return known.slice();
  const packed = new Uint8Array(zlib.zstdCompressSync(bytes, options));
  if (packedOf.size >= REMEMBERED_MAX) {
    packedOf.clear();
    plainOf.clear();
  }
  packedOf.set(name, packed);
  plainOf.set(nameOf(packed), bytes.slice());
  return packed.slice();
}

export function zstdDecompressSync(bytes: Uint8Array): Uint8Array {
  return plainOf.get(nameOf(bytes))?.slice() ?? zlib.zstdDecompressSync(bytes);
}

function nameOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
}
