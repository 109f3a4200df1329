/** Bytes for tests of what is large, and how they are compared. */

import { createHash } from "node:crypto";

/** Bytes that no compression and no confusion of offsets leaves as they are. */
export function bytesOf(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = seed;
  for (let i = 0; i < length; i += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

/** With digests instead of bytes: megabytes that differ would take minutes to print. */
export function digestOf(value: unknown): unknown {
  if (value instanceof Uint8Array)
    return `${value.byteLength} bytes ${createHash("sha256").update(value).digest("hex")}`;
  if (Array.isArray(value)) return value.map(digestOf);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, digestOf(inner)]));
}
