/**
 * State logs in one table of DynamoDB. Loading this file loads the AWS SDK.
 *
 *     put entry n      body → parts      entry n, on condition        sweep parts ≤ n − N
 *                      (if too large)    ═══════════════════════      (if any are known)
 *                                        from here on n is committed
 *
 * Invariants:
 * - L2, L3: an entry is one item, put under one condition; what it names was durable before.
 * - L4: a refusal brings the item that refused, of that very moment, so that a writer whose reply was lost recognises its own.
 * - L6: parts are taken away only when no slot can hold their entry any more: at or below n − N once n is stored. Chunks only go forward,
 *   and a refusal of one counts as durable.
 * - L8: what is returned is whole. A part that is missing means that the item was replaced since; it is read again.
 *
 * Entries, chunks and generations are read consistently, since each decides what is true; parts are not, since they never change, nor is the
 * listing, which decides nothing.
 */

import { randomUUID } from "node:crypto";
import { MillraceError } from "../stream/error.ts";
import type { BlobFolder, BlobName, BlobStore } from "./blob-store.ts";
import { RULES, type Rules } from "./decisions.ts";
import { type DynamoDbSettings, DynamoDbTable, type Key } from "./dynamodb-client.ts";
import {
  chunkBlob,
  chunkCondition,
  chunksOf,
  entriesOf,
  entryBlob,
  entryCondition,
  entryKey,
  fromChunkItem,
  fromEntryItem,
  fromNumber,
  GENERATION,
  GENERATIONS,
  generationCondition,
  HEAD_ATTRIBUTES,
  ITEM_BYTES_MAX,
  type Item,
  LISTING,
  metaOf,
  SHARDS,
  SIZE_ATTRIBUTES,
  sizeOf,
  toChunkItem,
  toEntryItem,
  toNumber,
  withBody,
} from "./dynamodb-items.ts";
import { DynamoDbParts } from "./dynamodb-parts.ts";
import type { DynamoDbUnitCounts } from "./dynamodb-units.ts";
import { forEachLimited } from "./for-each-limited.ts";
import { KnownBlobs } from "./known-blobs.ts";
import type { Chunk, LogEntry, PutEntryResult, StateLog, StoreUnits, TaskHead } from "./state-log.ts";

/** How often an item is read again because its parts were swept while they were read: each time it has been replaced by a later one. */
const TORN_READS_MAX = 8;

/** Leaves room for the attributes beside a chunk's bytes. */
const CHUNK_BYTES_MAX = ITEM_BYTES_MAX - 4 * 1024;

/** Tasks and chunks that are read side by side. */
const PARALLEL_MAX = 8;

const SHARD_NUMBERS = Array.from({ length: SHARDS }, (_, shard) => shard);

export type DynamoDbStateLogOptions = {
  /** Where bodies of chunks lie that exceed an item or are cheaper there; closed with the log. Default: in parts, in the same table. */
  readonly chunkBlobs?: BlobStore;
  readonly rules?: Rules;
  /** Names of what exceeds an item, of which each content has its own. Default: random ones. */
  readonly newAttemptId?: () => string;
};

/** A store of state logs in a table. */
export class DynamoDbStateLog implements StateLog {
  readonly #table: DynamoDbTable;
  readonly #rules: Rules;
  readonly #entryBlobs: BlobStore;
  readonly #chunkBlobs: BlobStore;
  /** What is larger goes into a blob. */
  readonly #chunkBytesMax: number;
  readonly #newAttemptId: () => string;
  readonly #known = new KnownBlobs();

  /** Connects with the first call; a missing table is then said. Use `openDynamoDbStateLog` to know it at once. */
  constructor(table: DynamoDbTable, options: DynamoDbStateLogOptions = {}) {
    this.#table = table;
    this.#rules = options.rules ?? RULES;
    this.#entryBlobs = new DynamoDbParts(table);
    this.#chunkBlobs = options.chunkBlobs ?? this.#entryBlobs;
    this.#chunkBytesMax = Math.min(CHUNK_BYTES_MAX, this.#chunkBlobs.chunkBytesMin ?? CHUNK_BYTES_MAX);
    this.#newAttemptId = options.newAttemptId ?? randomUUID;
  }

  /** What everything has cost since the log was opened. */
  get units(): DynamoDbUnitCounts {
    return this.#table.units.counts;
  }

  takeUnits(task: string): StoreUnits {
    const requests = this.#chunkBlobs.takeRequests?.(task);
    return { ...this.#table.units.take(task), ...(requests === undefined ? {} : { requests }) };
  }

  async putEntry(task: string, entry: LogEntry): Promise<PutEntryResult> {
    const { sequenceNumber } = entry;
    // Before the entry: a task that is listed without one is left out of listings, one that is not listed would never be found.
    if (sequenceNumber === 1) await this.#table.put(task, { pk: { S: LISTING }, sk: { S: task } });
    const { item, body } = toEntryItem(task, this.#rules.slotOf(sequenceNumber), entry);
    const blob = entryBlob(task, entry);
    if (body !== undefined) {
      this.#known.add(this.#entryBlobs, blob);
      await this.#entryBlobs.put(blob, body);
    }
    const result = await this.#table.put(task, item, entryCondition(sequenceNumber, this.#rules));
    if (result.kind === "stored") {
      await this.#sweep(this.#entryBlobs, blob, sequenceNumber - this.#rules.slots + 1);
      return result;
    }
    const found = result.found === undefined ? undefined : await this.#toWholeEntry(task, result.found);
    if (body !== undefined && found !== undefined && this.#hasLost(entry, found))
      await this.#discard(this.#entryBlobs, blob, body.byteLength);
    return { kind: "refused", found };
  }

  async readEntries(task: string): Promise<readonly LogEntry[]> {
    const items = await this.#table.query(task, entriesOf(task), { consistent: true });
    return mapLimited(items, (item) => this.#toWholeEntry(task, item));
  }

  async readSlot(task: string, sequenceNumber: number): Promise<LogEntry | undefined> {
    const item = await this.#table.get(task, entryKey(task, this.#rules.slotOf(sequenceNumber)), true);
    return item === undefined ? undefined : this.#toWholeEntry(task, item);
  }

  async putChunk(task: string, chunk: Chunk): Promise<void> {
    const { range, asOf, bytes } = chunk;
    const attemptId = bytes.byteLength > this.#chunkBytesMax ? this.#newAttemptId() : undefined;
    const blob = chunkBlob(task, range, asOf, attemptId ?? "");
    if (attemptId !== undefined) {
      this.#known.add(this.#chunkBlobs, blob);
      await this.#chunkBlobs.put(blob, bytes);
    }
    const named = attemptId === undefined ? undefined : { attemptId, kind: this.#chunkBlobs.kind };
    const result = await this.#table.put(task, toChunkItem(task, chunk, named), chunkCondition(asOf));
    if (result.kind === "stored") {
      // In both: the chunk before it may be from a time when there was no other place than parts.
      for (const blobs of new Set([this.#chunkBlobs, this.#entryBlobs])) await this.#sweep(blobs, blob, asOf);
      return;
    }
    // Refused by itself where the reply to it was lost: then it is what readers are told.
    const isOwn = result.found !== undefined && fromChunkItem(result.found).blob?.attemptId === attemptId;
    if (attemptId !== undefined && !isOwn) await this.#discard(this.#chunkBlobs, blob, bytes.byteLength);
  }

  async readChunks(task: string): Promise<readonly Chunk[]> {
    const items: Item[] = [];
    await forEachLimited(SHARD_NUMBERS, SHARDS, async (shard) => {
      for (const item of await this.#table.query(task, chunksOf(task, shard), { consistent: true })) items.push(item);
    });
    return mapLimited(items, (item) => this.#toWholeChunk(task, item));
  }

  async generationOf(functionName: string): Promise<number> {
    const item = await this.#table.get(undefined, { pk: GENERATIONS, sk: functionName }, true);
    return fromNumber(item?.[GENERATION]);
  }

  async allotGeneration(functionName: string, after: number): Promise<number> {
    const key = { pk: GENERATIONS, sk: functionName };
    const result = await this.#table.update(key, GENERATION, toNumber(after + 1), generationCondition(after));
    // A repeat whose first reply was lost finds what it made itself.
    return result.kind === "stored" ? after + 1 : fromNumber(result.found?.[GENERATION]);
  }

  /**
   * The tasks of the listing with their heads, without scanning the table and without transferring a body. DynamoDB charges for whole items all the
   * same, half a unit for 4 KB: of each task the ring and the chunks, not their parts.
   */
  async tasks(): Promise<readonly TaskHead[]> {
    const listed = await this.#table.query(undefined, LISTING, { consistent: false });
    const heads = await mapLimited(listed, (item) => this.#readHead(item.sk?.S as string));
    return heads.filter((head) => head !== undefined).sort((a, b) => (a.task < b.task ? -1 : 1));
  }

  async close(): Promise<void> {
    this.#table.close();
    this.#chunkBlobs.close?.();
  }

  async #readHead(task: string): Promise<TaskHead | undefined> {
    let head: Item | undefined;
    let entryBytes = 0;
    const entries = { consistent: false, only: HEAD_ATTRIBUTES };
    for (const item of await this.#table.query(task, entriesOf(task), entries)) {
      entryBytes += sizeOf(item);
      if (head === undefined || fromNumber(item.seq) > fromNumber(head.seq)) head = item;
    }
    if (head === undefined) return undefined;
    let chunkBytes = 0;
    await forEachLimited(SHARD_NUMBERS, SHARDS, async (shard) => {
      const sizes = { consistent: false, only: SIZE_ATTRIBUTES };
      for (const item of await this.#table.query(task, chunksOf(task, shard), sizes)) chunkBytes += sizeOf(item);
    });
    return {
      task,
      sequenceNumber: fromNumber(head.seq),
      wakeAtMs: head.wakeAt === undefined ? null : fromNumber(head.wakeAt),
      meta: metaOf(head),
      entryBytes,
      chunkBytes,
    };
  }

  #toWholeEntry(task: string, item: Item): Promise<LogEntry> {
    return this.#toWhole<LogEntry>(task, item, async (current) => {
      const { entry, body } = fromEntryItem(current);
      if (body === undefined) return { whole: entry };
      const blob = entryBlob(task, entry);
      this.#known.add(this.#entryBlobs, blob);
      const bytes = await this.#entryBlobs.get(blob, body.byteLength);
      return bytes === undefined
        ? { torn: blob, from: this.#entryBlobs }
        : { whole: withBody(entry, body.changesBytes, bytes) };
    });
  }

  #toWholeChunk(task: string, item: Item): Promise<Chunk> {
    return this.#toWhole<Chunk>(task, item, async (current) => {
      const { chunk, blob: named } = fromChunkItem(current);
      if (named === undefined) return { whole: chunk };
      const blob = chunkBlob(task, chunk.range, chunk.asOf, named.attemptId);
      const blobs = this.#blobsOf(task, named.kind);
      this.#known.add(blobs, blob);
      const bytes = await blobs.get(blob, named.byteLength);
      return bytes === undefined ? { torn: blob, from: blobs } : { whole: { ...chunk, bytes } };
    });
  }

  #blobsOf(task: string, kind: BlobStore["kind"]): BlobStore {
    for (const blobs of [this.#entryBlobs, this.#chunkBlobs]) if (blobs.kind === kind) return blobs;
    throw new MillraceError(
      "state-unusable",
      `The state of ${task} has snapshots in ${kind === "s3" ? "S3" : "a folder"}, and it was opened without the place. Name it (millrace: --snapshots). Nothing was changed.`,
    );
  }

  /** L8: reads an item again whose blob is missing, until it names one that is there. One that still names the missing one has lost it. */
  async #toWhole<T>(
    task: string,
    item: Item,
    read: (item: Item) => Promise<{ readonly whole: T } | { readonly torn: BlobName; readonly from: BlobStore }>,
  ): Promise<T> {
    const key: Key = { pk: item.pk?.S as string, sk: item.sk?.S as string };
    let current = item;
    let missing: BlobName | undefined;
    for (let reading = 0; reading <= TORN_READS_MAX; reading += 1) {
      const result = await read(current);
      if ("whole" in result) return result.whole;
      const { number, attemptId } = result.torn;
      const again = missing?.number === number && missing.attemptId === attemptId;
      const next = again ? undefined : await this.#table.get(task, key, true);
      if (next === undefined)
        throw new MillraceError(
          "state-broken",
          `The state log of ${task} has lost bytes: those of number ${number} (${result.torn.folder}) are missing in ${result.from.place}, although they are still needed. They were deleted, lie elsewhere, or were left out of a backup. Nothing was changed; start the function in a new generation, or restore the whole store.`,
        );
      missing = result.torn;
      current = next;
    }
    throw new MillraceError(
      "conflict",
      `The state log of ${task} was overtaken by its writers ${TORN_READS_MAX + 1} times while it was read; the batch will be delivered again.`,
    );
  }

  /** L2: another's entry has the number or the log has gone on, so that a put of `entry`, however late it arrives, can never be stored. */
  #hasLost(entry: LogEntry, found: LogEntry): boolean {
    return this.#rules.isTaken(found, entry.sequenceNumber) && !this.#rules.isOwnEntry(found, entry);
  }

  /** Tidying never fails what it follows; what stays behind is found by a later sweep of the folder. */
  async #sweep(blobs: BlobStore, folder: BlobFolder, number: number): Promise<void> {
    if (!this.#known.hasBelow(blobs, folder, number)) return;
    try {
      await blobs.sweep(folder, number);
      this.#known.forgetBelow(blobs, folder, number);
    } catch (error) {
      if (!(error instanceof MillraceError)) throw error;
    }
  }

  async #discard(blobs: BlobStore, blob: BlobName, byteLength: number): Promise<void> {
    try {
      await blobs.delete(blob, byteLength);
    } catch (error) {
      if (!(error instanceof MillraceError)) throw error;
    }
  }
}

/**
 * Opens the log in a table. `create`: makes the table where it is missing, as the local tools do.
 * Throws "state-store" where DynamoDB or the table cannot be reached, "state-unusable" for a table of somebody else.
 */
export async function openDynamoDbStateLog(
  settings: DynamoDbSettings & DynamoDbStateLogOptions & { readonly create?: boolean },
): Promise<DynamoDbStateLog> {
  const table = new DynamoDbTable(settings);
  try {
    await table.open({ create: settings.create ?? false });
  } catch (error) {
    table.close();
    settings.chunkBlobs?.close?.();
    throw error;
  }
  return new DynamoDbStateLog(table, settings);
}

async function mapLimited<T, U>(items: readonly T[], convert: (item: T) => Promise<U>): Promise<U[]> {
  const results: U[] = new Array(items.length);
  await forEachLimited(
    items.map((_, i) => i),
    PARALLEL_MAX,
    async (i) => {
      results[i] = await convert(items[i] as T);
    },
  );
  return results;
}
