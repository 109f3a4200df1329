/** Names of chunk ranges, and which chunk speaks for a position when chunks of several levels lie side by side. */

import { POSITION_BITS } from "./key-group.ts";
import type { Accepts, ChunkRange } from "./keyed-state.ts";

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

  /** Takes what entry `sequenceNumber` changed where no chunk holds it already (L7). */
  misses(sequenceNumber: number): Accepts {
    return (position) => this.asOf(position) < sequenceNumber;
  }

  /** The newest entry that any chunk holds: entries above it need no filter. */
  get newest(): number {
    let newest = 0;
    for (const chunks of this.#asOf.values()) for (const asOf of chunks.values()) newest = Math.max(newest, asOf);
    return newest;
  }
}
