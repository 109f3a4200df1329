/** Names of chunk ranges, when a range is to be split, and which chunk speaks for a position when chunks of several levels lie side by side. */

import { POSITION_BITS } from "./key-group.ts";
import type { Accepts, ChunkRange, StateChanges } from "./keyed-state.ts";

/** A range whose chunk is above this is split from then on. Far below a DynamoDB item's 400 KB, since keys are spread evenly only on average. */
const CHUNK_BYTES_MAX = 96 * 1024;

/** Ranges are not split further than to this many keys on average: a few that are large would only leave empty ranges around them. */
const KEYS_MIN = 8;

/** Ranges are not split further than this many bits. */
const LEVEL_MAX = 20;

/**
 * The level from which on the range of a chunk of this size is split. It follows from the chunk alone, so that whoever opens the task splits
 * it as its writer does, who may not live to write the next.
 */
export function levelAfter({ level }: ChunkRange, bytes: number, content: () => StateChanges): number {
  if (bytes <= CHUNK_BYTES_MAX) return level;
  const keys = new Set<string>();
  for (const { s = [] } of Object.values(content())) for (const [, some] of s) for (const key of some) keys.add(key);
  const bits = Math.min(Math.ceil(Math.log2(bytes / CHUNK_BYTES_MAX)), Math.floor(Math.log2(keys.size / KEYS_MIN)));
  return Math.min(LEVEL_MAX, level + Math.max(0, bits));
}

/** The name a range has in the state log. */
export function rangeName(range: ChunkRange): string {
  return `${range.level}-${range.prefix}`;
}

/** The reverse of rangeName. */
export function parseRangeName(name: string): ChunkRange {
  const [level, prefix] = name.split("-");
  return { level: Number(level), prefix: Number(prefix) };
}

/**
 * For each position, the entry as of which its newest chunk is: 0 where none covers it. A range once split is covered by its old chunk until
 * both halves have their own; the newest one speaks.
 */
export class ChunkCover {
  readonly #asOf = new Map<number, Map<number, number>>();
  /** The finest level among the chunks. */
  readonly level: number;

  constructor(chunks: readonly { readonly range: ChunkRange; readonly asOf: number }[]) {
    let level = 0;
    for (const { range, asOf } of chunks) {
      level = Math.max(level, range.level);
      const atLevel = this.#asOf.get(range.level) ?? new Map<number, number>();
      atLevel.set(range.prefix, Math.max(asOf, atLevel.get(range.prefix) ?? 0));
      this.#asOf.set(range.level, atLevel);
    }
    this.level = level;
  }

  asOf(position: number): number {
    let newest = 0;
    for (const [level, chunks] of this.#asOf)
      newest = Math.max(newest, chunks.get(level === 0 ? 0 : position >>> (POSITION_BITS - level)) ?? 0);
    return newest;
  }

  /** Takes what the chunk as of `asOf` of `range` says only where no newer chunk speaks. */
  speaks(range: ChunkRange, asOf: number): Accepts {
    return (position) =>
      (range.level === 0 || position >>> (POSITION_BITS - range.level) === range.prefix) &&
      this.asOf(position) === asOf;
  }

  /** The ranges of `level` for which the chunk as of `asOf` of `range` speaks, each with the part of the chunk that lies in it. */
  *shares(range: ChunkRange, asOf: number, level: number): Generator<readonly [prefix: number, share: number]> {
    const parts = 2 ** (level - range.level);
    for (let i = 0; i < parts; i++) {
      const prefix = range.prefix * parts + i;
      if (this.asOf(prefix * 2 ** (POSITION_BITS - level)) === asOf) yield [prefix, 1 / parts];
    }
  }

  /** Takes what entry `sequenceNumber` changed where no chunk holds it already (L7). */
  misses(sequenceNumber: number): Accepts {
    return (position) => this.asOf(position) < sequenceNumber;
  }

  /** Whether one chunk for all ranges holds entry `sequenceNumber`. */
  holdsWhole(sequenceNumber: number): boolean {
    return (this.#asOf.get(0)?.get(0) ?? 0) >= sequenceNumber;
  }

  /** The newest entry that any chunk holds: entries above it need no filter. */
  get newest(): number {
    let newest = 0;
    for (const chunks of this.#asOf.values()) for (const asOf of chunks.values()) newest = Math.max(newest, asOf);
    return newest;
  }
}
