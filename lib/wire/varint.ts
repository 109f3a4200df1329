/** Unsigned integers in as few bytes as they need: seven bits a byte, lowest first, the eighth bit says that more follow. */

import { MillraceError } from "../stream/error.ts";

/** 2⁵³ − 1, the largest integer that a number holds exactly, takes eight bytes. */
const VARINT_BYTES_MAX = 8;

/** How many bytes `value`, an integer from 0 to 2⁵³ − 1, takes. */
export function varintBytes(value: number): number {
  let bytes = 1;
  while (value >= 128) {
    value = Math.floor(value / 128);
    bytes += 1;
  }
  return bytes;
}

/** Writes `value`, an integer from 0 to 2⁵³ − 1, and returns the position behind it. */
export function writeVarint(out: Uint8Array, at: number, value: number): number {
  while (value >= 128) {
    out[at] = (value % 128) + 128;
    at += 1;
    value = Math.floor(value / 128);
  }
  out[at] = value;
  return at + 1;
}

/** Reads the integer at `at`. Throws "format" where the bytes end or no integer of at most 2⁵³ − 1 stands. */
export function readVarint(bytes: Uint8Array, at: number): number {
  const first = bytes[at];
  if (first !== undefined && first < 128) return first;
  let value = 0;
  let scale = 1;
  for (let i = 0; i < VARINT_BYTES_MAX; i += 1) {
    const byte = bytes[at + i];
    if (byte === undefined) throw new MillraceError("format", "Stored bytes are broken: they end inside a number.");
    value += (byte % 128) * scale;
    if (byte < 128) {
      if (value > Number.MAX_SAFE_INTEGER) break;
      return value;
    }
    scale *= 128;
  }
  throw new MillraceError("format", "Stored bytes are broken: a number is too large.");
}

/** The position behind the integer at `at`, which was read before. */
export function skipVarint(bytes: Uint8Array, at: number): number {
  while ((bytes[at] as number) >= 128) at += 1;
  return at + 1;
}
