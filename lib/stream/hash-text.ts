/** A hash of texts, for sketches: 64 bits, the same on every machine and for ever, as what was made of it lies in state. */

/** The hash that `hashText` found last, as two unsigned numbers of 32 bits: one object, so that an element costs no memory. */
export type Hash = { high: number; low: number };

const hash: Hash = { high: 0, low: 0 };

/**
 * Hashes the UTF-16 units of a text, halves of surrogate pairs like any others. Two lanes of multiplications and rotations that each see all of the text, mixed
 * with each other at the end so that every bit of the text reaches every bit of the hash (after MurmurHash3, whose finalizer this is).
 */
export function hashText(text: string): Readonly<Hash> {
  let a = 0x2f0b4c47;
  let b = 0x9ae16a3b;
  const { length } = text;
  for (let i = 0; i < length; i += 2) {
    // Past the end there is NaN, which becomes 0: the length tells a NUL from nothing.
    const block = text.charCodeAt(i) | (text.charCodeAt(i + 1) << 16);
    const forA = Math.imul(block, 0xcc9e2d51);
    a ^= Math.imul((forA << 15) | (forA >>> 17), 0x1b873593);
    a = (Math.imul((a << 13) | (a >>> 19), 5) + 0x561ccd1b) | 0;
    const forB = Math.imul(block, 0x38b34ae5);
    b ^= Math.imul((forB << 17) | (forB >>> 15), 0xa1e38b93);
    b = (Math.imul((b << 16) | (b >>> 16), 5) + 0x0bcaa747) | 0;
  }
  a = (a ^ length) | 0;
  b = (b ^ length) | 0;
  a = (a + b) | 0;
  b = (b + a) | 0;
  a = avalanche(a);
  b = avalanche(b);
  a = (a + b) | 0;
  b = (b + a) | 0;
  hash.high = a >>> 0;
  hash.low = b >>> 0;
  return hash;
}

function avalanche(bits: number): number {
  let h = bits ^ (bits >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return h ^ (h >>> 16);
}
