/**
 * Blobs as items of the table: cut into parts that fit, spread over partition keys.
 *
 * Invariants:
 * - A part's key holds the number and the attempt of its blob, so nobody overwrites another's (L4).
 * - A part that is missing after a consistent read was swept: whoever put the item that named it has been overtaken.
 */

import type { BlobFolder, BlobName, BlobStore } from "./blob-store.ts";
import type { DynamoDbTable, Key } from "./dynamodb-client.ts";
import { padded, SHARDS, toKeyPiece } from "./dynamodb-items.ts";
import { PARTITION_KEY, SORT_KEY } from "./dynamodb-table.ts";
import { forEachLimited } from "./for-each-limited.ts";

/** Fixed: readers compute from it how many parts a blob has. */
export const PART_BYTES = 384 * 1024;

/** Parts under way at a time: a megabyte or two, as much as a small function has bandwidth for. */
const PARALLEL_MAX = 4;

/** Sixteen digits hold every safe integer. */
const NUMBER_DIGITS = 16;

export class DynamoDbParts implements BlobStore {
  readonly kind = "parts";
  readonly place: string;
  readonly #table: DynamoDbTable;

  constructor(table: DynamoDbTable) {
    this.#table = table;
    this.place = `table "${table.table}"`;
  }

  async put(name: BlobName, bytes: Uint8Array): Promise<void> {
    await forEachLimited(partsOf(bytes.byteLength), PARALLEL_MAX, async (i) => {
      const { pk, sk } = partKey(name, i);
      const part = bytes.subarray(i * PART_BYTES, (i + 1) * PART_BYTES);
      await this.#table.put(name.task, { pk: { S: pk }, sk: { S: sk }, bytes: { B: part } });
    });
  }

  async get(name: BlobName, byteLength: number): Promise<Uint8Array | undefined> {
    const bytes = new Uint8Array(byteLength);
    let isWhole = true;
    await forEachLimited(partsOf(byteLength), PARALLEL_MAX, async (i) => {
      if (!isWhole) return;
      const part = await this.#getPart(name, i);
      const from = i * PART_BYTES;
      if (part === undefined || part.byteLength !== Math.min(PART_BYTES, byteLength - from)) isWhole = false;
      else bytes.set(part, from);
    });
    return isWhole ? bytes : undefined;
  }

  async delete(name: BlobName, byteLength: number): Promise<void> {
    await forEachLimited(partsOf(byteLength), PARALLEL_MAX, (i) => this.#table.delete(name.task, partKey(name, i)));
  }

  async sweep({ task, folder }: BlobFolder, number: number): Promise<void> {
    const shards = Array.from({ length: SHARDS }, (_, shard) => shard);
    await forEachLimited(shards, SHARDS, async (shard) => {
      const pk = partsKey(task, folder, shard);
      const below = padded(number, NUMBER_DIGITS);
      // What is not seen yet will be by the next sweep.
      const found = await this.#table.query(task, pk, { consistent: false, below, only: [PARTITION_KEY, SORT_KEY] });
      await forEachLimited(found, PARALLEL_MAX, (item) =>
        this.#table.delete(task, { pk, sk: item[SORT_KEY]?.S as string }),
      );
    });
  }

  /** Parts never change, so that an eventual read, at half the price, is right whenever it finds one. */
  async #getPart(name: BlobName, i: number): Promise<Uint8Array | undefined> {
    const key = partKey(name, i);
    const item = (await this.#table.get(name.task, key, false)) ?? (await this.#table.get(name.task, key, true));
    return item?.bytes?.B;
  }
}

/** The numbers of a blob's parts. */
function partsOf(byteLength: number): number[] {
  return Array.from({ length: Math.ceil(byteLength / PART_BYTES) }, (_, i) => i);
}

function partKey({ task, folder, number, attemptId }: BlobName, i: number): Key {
  return {
    pk: partsKey(task, folder, i % SHARDS),
    sk: `${padded(number, NUMBER_DIGITS)}#${toKeyPiece(attemptId)}#${padded(i, 6)}`,
  };
}

function partsKey(task: string, folder: string, shard: number): string {
  return `parts#${shard}#${folder}#${task}`;
}
