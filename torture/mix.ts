/** A number from 0 to 1 for a seed, a position and a purpose: any of them at once, without those before it. */

export function mix(seed: number, position: number, purpose: number): number {
  let hash = (seed ^ Math.imul(position + 1, 0x9e3779b1) ^ Math.imul(purpose + 1, 0x85ebca6b)) | 0;
  for (const factor of [0x21f0aaad, 0x735a2d97, 0x2c1b3c6d]) {
    hash ^= hash >>> 15;
    hash = Math.imul(hash, factor);
  }
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}
