/** Kafka's murmur2 (org.apache.kafka.common.utils.Utils): the hash of its default partitioner, and ours for key groups. */

const SEED = 0x9747b28c;
const M = 0x5bd1e995;

const encoder = new TextEncoder();

/** The hash of bytes, or of the UTF-8 bytes of a string, as a signed 32-bit number. */
export function murmur2(data: Uint8Array | string): number {
  if (typeof data !== "string") return ofBytes(data);
  for (let i = 0; i < data.length; i++) if (data.charCodeAt(i) > 127) return ofBytes(encoder.encode(data));
  return ofAscii(data);
}

/** The partition that Kafka's default partitioner chooses for a key. */
export function kafkaPartitionOf(key: Uint8Array, partitions: number): number {
  return (murmur2(key) & 0x7fffffff) % partitions;
}

function ofBytes(data: Uint8Array): number {
  const { length } = data;
  let h = SEED ^ length;
  let i = 0;
  for (; i + 4 <= length; i += 4) {
    let k =
      (data[i] as number) |
      ((data[i + 1] as number) << 8) |
      ((data[i + 2] as number) << 16) |
      ((data[i + 3] as number) << 24);
    k = Math.imul(k, M);
    k ^= k >>> 24;
    h = Math.imul(h, M) ^ Math.imul(k, M);
  }
  const rest = length - i;
  if (rest === 3) h ^= (data[i + 2] as number) << 16;
  if (rest >= 2) h ^= (data[i + 1] as number) << 8;
  if (rest >= 1) h = Math.imul(h ^ (data[i] as number), M);
  return mixed(h);
}

/** The same over the characters of an ASCII string, without making bytes of it. */
function ofAscii(text: string): number {
  const { length } = text;
  let h = SEED ^ length;
  let i = 0;
  for (; i + 4 <= length; i += 4) {
    let k =
      text.charCodeAt(i) |
      (text.charCodeAt(i + 1) << 8) |
      (text.charCodeAt(i + 2) << 16) |
      (text.charCodeAt(i + 3) << 24);
    k = Math.imul(k, M);
    k ^= k >>> 24;
    h = Math.imul(h, M) ^ Math.imul(k, M);
  }
  const rest = length - i;
  if (rest === 3) h ^= text.charCodeAt(i + 2) << 16;
  if (rest >= 2) h ^= text.charCodeAt(i + 1) << 8;
  if (rest >= 1) h = Math.imul(h ^ text.charCodeAt(i), M);
  return mixed(h);
}

function mixed(hash: number): number {
  let h = hash;
  h ^= h >>> 13;
  h = Math.imul(h, M);
  return h ^ (h >>> 15);
}
