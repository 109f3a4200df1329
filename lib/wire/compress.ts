/** Compression of what is kept in commits and sent through shuffles: zstd where it gains something, with one byte in front that tells. */

import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { MillraceError } from "../stream/error.ts";

/** Below this compressing costs more than it saves. */
const COMPRESS_BYTES_MIN = 128;

const PLAIN = 0;
const ZSTD = 1;

/** Level 1: a third smaller than deflate at its fastest and a quarter smaller than brotli, in about their time (`npm run bench -- --only tricks`). */
const OPTIONS = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Compresses bytes. Deterministic for one version of zstd, which is why committed outputs keep the compressed bytes (O2). */
export function compress(bytes: Uint8Array): Uint8Array {
  if (bytes.length >= COMPRESS_BYTES_MIN) {
    const packed = zstdCompressSync(bytes, OPTIONS);
    if (packed.length < bytes.length) return withFirstByte(ZSTD, packed);
  }
  return withFirstByte(PLAIN, bytes);
}

/** The reverse of compress. Throws MillraceError "format" for bytes it did not make. */
export function decompress(bytes: Uint8Array): Uint8Array {
  switch (bytes[0]) {
    case PLAIN:
      return bytes.subarray(1);
    case ZSTD:
      return zstdDecompressSync(bytes.subarray(1));
    default:
      throw new MillraceError(
        "format",
        `Bytes that Millrace should have written begin with ${bytes[0] ?? "nothing"}: they were written by a newer version or by somebody else.`,
      );
  }
}

/** JSON, compressed. */
export function compressJson(value: unknown): Uint8Array {
  return compress(encoder.encode(JSON.stringify(value)));
}

/** The reverse of compressJson. */
export function decompressJson(bytes: Uint8Array): unknown {
  return JSON.parse(decoder.decode(decompress(bytes)));
}

function withFirstByte(first: number, rest: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(rest.length + 1);
  bytes[0] = first;
  bytes.set(rest, 1);
  return bytes;
}
