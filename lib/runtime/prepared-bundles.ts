/**
 * The prepared bundles that releases of a batch name (wire/sent-ahead.ts): from the batch itself, from memory, where an earlier batch brought them, else from the partition.
 *
 * L8: memory is only a shorter way. What stands at an offset never changes, and the attempt that a release names must be that of the bundle.
 */

import type { Broker } from "../kafka/broker.ts";
import { MillraceError } from "../stream/error.ts";
import { type RecordColumns, valueBytesAt } from "../wire/record-columns.ts";
import { decodePrepared, decodeRelease, isPrepared, type Release } from "../wire/sent-ahead.ts";
import { isTaken, type TaskMeta, unheardUpstream } from "./task-meta.ts";
import type { TaskName } from "./task-name.ts";

/** Bundles by the offset at which they were prepared. */
export type Bundles = ReadonlyMap<number, Uint8Array>;

/** How much a task remembers of what was not released yet; what was prepared by those who died is never. */
const MEMORY_BYTES_MAX = 4 * 1024 * 1024;
/** How much is fetched at once. */
const FETCH_BYTES_MAX = 4 * 1024 * 1024;

/** Where nothing is released. */
export const NO_BUNDLES: Bundles = new Map();

export class PreparedBundles {
  readonly #broker: Broker;
  readonly #name: TaskName;
  /** By offset, in the order in which they came. */
  readonly #kept = new Map<number, Uint8Array>();
  #bytes = 0;

  constructor(broker: Broker, name: TaskName) {
    this.#broker = broker;
    this.#name = name;
  }

  /** The bundles that these records release above `meta`. Throws "input-missing" for one that the partition does not hold any more. */
  async releasedBy(stretches: readonly RecordColumns[], { checkpoint, upstream }: TaskMeta): Promise<Bundles> {
    const prepared = new Map<number, Uint8Array>();
    const wanted = new Map<number, Release>();
    for (const records of stretches)
      for (let i = 0; i < records.count; i++) {
        const offset = records.offsets[i] as number;
        if (offset <= checkpoint) continue;
        const value = valueBytesAt(records, i);
        if (isPrepared(value)) prepared.set(offset, value);
        else {
          const release = decodeRelease(value);
          // A repeat's bundle may be gone, and nobody needs it.
          if (release !== undefined && !isTaken(upstream.get(release.task) ?? unheardUpstream(), release))
            wanted.set(release.offset, release);
        }
      }
    const found = wanted.size === 0 ? NO_BUNDLES : await this.#find(wanted, prepared);
    for (const offset of wanted.keys()) this.#forget(offset);
    for (const [offset, value] of prepared) if (!wanted.has(offset)) this.#keep(offset, value);
    return found;
  }

  async #find(wanted: ReadonlyMap<number, Release>, prepared: ReadonlyMap<number, Uint8Array>): Promise<Bundles> {
    const found = new Map<number, Uint8Array>();
    let fetched: ReadonlyMap<number, Uint8Array> = NO_BUNDLES;
    const lastOffset = Math.max(...wanted.keys());
    for (const [offset, release] of [...wanted].sort(([a], [b]) => a - b)) {
      let value = prepared.get(offset) ?? this.#kept.get(offset) ?? fetched.get(offset);
      if (value === undefined) {
        fetched = await this.#fetch(offset, lastOffset);
        value = fetched.get(offset);
      }
      const bundle = value === undefined ? undefined : decodePrepared(value);
      if (bundle?.attemptId !== release.attemptId) throw this.#missing(release);
      found.set(offset, bundle.bundle);
    }
    return found;
  }

  /** What was prepared from `offset` on, as much as one fetch gives. */
  async #fetch(offset: number, lastOffset: number): Promise<Bundles> {
    const { topic, partition } = this.#name;
    const limits = { bytesMax: FETCH_BYTES_MAX, recordsMax: lastOffset - offset + 1 };
    const { records } = await this.#broker.fetch(topic, partition, offset, limits);
    const fetched = new Map<number, Uint8Array>();
    for (let i = 0; i < records.count; i++) {
      const value = valueBytesAt(records, i);
      if (isPrepared(value)) fetched.set(records.offsets[i] as number, value);
    }
    return fetched;
  }

  #missing({ task, number, offset }: Release): MillraceError {
    const { topic, partition, functionName } = this.#name;
    return new MillraceError(
      "input-missing",
      `Shuffle ${topic}-${partition} lacks bundle ${number} of ${task} at offset ${offset}, where it was sent before its commit: the topic lost records, or retention took it before ${functionName} read it. Reset function ${functionName} to count from what is left.`,
    );
  }

  #keep(offset: number, value: Uint8Array): void {
    if (this.#kept.has(offset)) return;
    // Not a view, which would hold the whole batch.
    this.#kept.set(offset, value.slice());
    this.#bytes += value.length;
    for (const oldest of this.#kept.keys()) {
      if (this.#bytes <= MEMORY_BYTES_MAX) return;
      this.#forget(oldest);
    }
  }

  #forget(offset: number): void {
    this.#bytes -= this.#kept.get(offset)?.length ?? 0;
    this.#kept.delete(offset);
  }
}
