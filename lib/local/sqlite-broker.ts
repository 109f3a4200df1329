/**
 * The broker in a SQLite file: one row per produced batch. It shares its connection with the state log, so every statement group runs without
 * an await between; several processes may use the file at once.
 */

import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Broker, ExactlyOnce, OffsetRange, TopicInfo, TopicSpec } from "../kafka/broker.ts";
import {
  checkBatches,
  checkOffset,
  checkPartition,
  checkSequenceNumber,
  partitionMismatch,
} from "../kafka/broker-checks.ts";
import { runOnDatabase, runTransaction } from "../state-log/sqlite-database.ts";
import type { OutgoingBatch } from "../wire/outgoing-record.ts";
import { encodeRecords, type StoredBatch } from "../wire/record-batch.ts";
import { type AppendNotices, cutFetch, type FetchLimits, isEnough, RECORD_BYTES_MAX_DEFAULT } from "./broker-rules.ts";

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS broker_topics (
    name TEXT PRIMARY KEY, partitions INTEGER NOT NULL, compacted INTEGER NOT NULL, retention_ms INTEGER
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS broker_partitions (
    id INTEGER PRIMARY KEY, topic TEXT NOT NULL, number INTEGER NOT NULL,
    low INTEGER NOT NULL DEFAULT 0, high INTEGER NOT NULL DEFAULT 0, UNIQUE (topic, number)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS broker_batches (
    partition INTEGER NOT NULL, base INTEGER NOT NULL, count INTEGER NOT NULL, bytes BLOB NOT NULL, UNIQUE (partition, base)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS broker_offsets (
    consumer_group TEXT, topic TEXT, partition INTEGER, next INTEGER NOT NULL, PRIMARY KEY (consumer_group, topic, partition)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS broker_transactions (
    id TEXT PRIMARY KEY, sequence_number INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
`;

const SQL = {
  topics: "SELECT name, partitions FROM broker_topics ORDER BY name",
  partitionsOf: "SELECT id FROM broker_partitions WHERE topic = ? ORDER BY number",
  addTopic: "INSERT INTO broker_topics (name, partitions, compacted, retention_ms) VALUES (?, ?, ?, ?)",
  addPartition: "INSERT INTO broker_partitions (topic, number) VALUES (?, ?)",
  range: "SELECT low, high FROM broker_partitions WHERE id = ?",
  advance: "UPDATE broker_partitions SET high = high + ? WHERE id = ? RETURNING high",
  raiseLow: "UPDATE broker_partitions SET low = min(high, max(low, ?)) WHERE id = ? RETURNING low",
  append: "INSERT INTO broker_batches (partition, base, count, bytes) VALUES (?, ?, ?, ?)",
  deleteBelow: "DELETE FROM broker_batches WHERE partition = ? AND base + count <= ?",
  // Batches do not overlap, so the one that holds an offset is the last that begins at or before it.
  batches: `SELECT base, count, bytes FROM broker_batches WHERE partition = :partition
    AND base >= coalesce((SELECT max(base) FROM broker_batches WHERE partition = :partition AND base <= :offset), 0) ORDER BY base`,
  committed: "SELECT next FROM broker_offsets WHERE consumer_group = ? AND topic = ? AND partition = ?",
  commit: `INSERT INTO broker_offsets (consumer_group, topic, partition, next) VALUES (?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET next = excluded.next`,
  sequenceNumber: "SELECT sequence_number AS last FROM broker_transactions WHERE id = ?",
  setSequenceNumber: `INSERT INTO broker_transactions (id, sequence_number) VALUES (?, ?)
    ON CONFLICT DO UPDATE SET sequence_number = excluded.sequence_number`,
  dataVersion: "PRAGMA data_version",
} as const;

type Statements = { readonly [K in keyof typeof SQL]: StatementSync };
type BatchRow = { readonly base: number; readonly count: number; readonly bytes: Uint8Array };

export type SqliteBrokerOptions = { readonly recordBytesMax?: number };

export class SqliteBroker implements Broker, AppendNotices {
  readonly recordBytesMax: number;
  readonly #database: DatabaseSync;
  readonly #statements: Statements;
  /** Row ids by topic. Topics are never deleted, so what was found stays true. */
  readonly #partitionIds = new Map<string, readonly number[]>();
  readonly #listeners = new Set<(topic: string, partition: number) => void>();

  /** `database` is open, with a busy timeout, and stays the caller's: `close` does not close it. */
  constructor(database: DatabaseSync, options: SqliteBrokerOptions = {}) {
    this.recordBytesMax = options.recordBytesMax ?? RECORD_BYTES_MAX_DEFAULT;
    this.#database = database;
    this.#statements = runOnDatabase(database, "kafka", () => {
      database.exec(SCHEMA);
      const prepared = Object.entries(SQL).map(([name, sql]) => [name, database.prepare(sql)]);
      return Object.fromEntries(prepared) as Statements;
    });
  }

  async produce(batches: readonly OutgoingBatch[]): Promise<readonly number[]> {
    this.#check(batches);
    const encoded = batches.map(({ records }) => encodeRecords(records));
    const offsets = this.#transaction(() => this.#append(batches, encoded));
    this.#notify(batches);
    return offsets;
  }

  async prepareExactlyOnce(): Promise<void> {}

  async produceExactlyOnce(batches: readonly OutgoingBatch[], once: ExactlyOnce): Promise<void> {
    this.#check(batches);
    const encoded = batches.map(({ records }) => encodeRecords(records));
    const isNew = this.#transaction(() => {
      const found = this.#statements.sequenceNumber.get(once.transactionalId) as { last: number } | undefined;
      checkSequenceNumber(found?.last, once);
      if (found !== undefined && found.last >= once.sequenceNumber) return false;
      this.#append(batches, encoded);
      this.#statements.setSequenceNumber.run(once.transactionalId, once.sequenceNumber);
      return true;
    });
    if (isNew) this.#notify(batches);
  }

  async fetch(topic: string, partition: number, offset: number, limits: FetchLimits) {
    const id = this.#partitionId(topic, partition);
    return this.#run(() => {
      const { low, high } = this.#statements.range.get(id) as OffsetRange;
      checkOffset(topic, partition, offset, low, high);
      const taken: StoredBatch[] = [];
      let endOffset = offset;
      if (offset < high) {
        for (const row of this.#statements.batches.iterate({ partition: id, offset })) {
          const { base, count, bytes } = row as BatchRow;
          taken.push({ baseOffset: base, bytes });
          endOffset = base + count;
          if (isEnough(taken, endOffset, offset, limits)) break;
        }
      }
      return cutFetch(taken, offset, limits, endOffset);
    });
  }

  async offsets(topic: string): Promise<readonly OffsetRange[]> {
    this.#partitionId(topic, 0);
    return this.#run(() =>
      this.#idsOf(topic).map((id) => {
        const { low, high } = this.#statements.range.get(id) as OffsetRange;
        return { low, high };
      }),
    );
  }

  async offsetRange(topic: string, partition: number): Promise<OffsetRange | undefined> {
    this.#partitionId(topic, 0);
    const id = this.#idsOf(topic)[partition];
    if (id === undefined) return undefined;
    const { low, high } = this.#run(() => this.#statements.range.get(id)) as OffsetRange;
    return { low, high };
  }

  async topics(): Promise<readonly TopicInfo[]> {
    const rows = this.#run(() => this.#statements.topics.all()) as TopicInfo[];
    return rows.map(({ name, partitions }) => ({ name, partitions }));
  }

  async ensureTopics(topics: readonly TopicSpec[]): Promise<void> {
    this.#transaction(() => {
      for (const { name, partitions, compacted, retentionMs } of topics) {
        const has = this.#idsOf(name).length;
        if (has === partitions) continue;
        if (has !== 0) throw partitionMismatch(name, has, partitions);
        this.#statements.addTopic.run(name, partitions, compacted ? 1 : 0, retentionMs ?? null);
        for (let number = 0; number < partitions; number += 1) this.#statements.addPartition.run(name, number);
      }
    });
  }

  async committedOffset(group: string, topic: string, partition: number): Promise<number | undefined> {
    const found = this.#run(() => this.#statements.committed.get(group, topic, partition));
    return (found as { next: number } | undefined)?.next;
  }

  async commitOffset(group: string, topic: string, partition: number, offset: number): Promise<void> {
    this.#partitionId(topic, partition);
    this.#run(() => this.#statements.commit.run(group, topic, partition, offset));
  }

  /** Drops the records before an offset, as retention does. */
  async deleteRecords(topic: string, partition: number, before: number): Promise<void> {
    const id = this.#partitionId(topic, partition);
    this.#transaction(() => {
      const { low } = this.#statements.raiseLow.get(before, id) as { low: number };
      this.#statements.deleteBelow.run(id, low);
    });
  }

  onAppend(listener: (topic: string, partition: number) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  foreignVersion(): number {
    return (this.#run(() => this.#statements.dataVersion.get()) as { data_version: number }).data_version;
  }

  async close(): Promise<void> {}

  #check(batches: readonly OutgoingBatch[]): void {
    checkBatches(batches, this.recordBytesMax, (topic) => this.#idsOf(topic).length || undefined);
  }

  #append(batches: readonly OutgoingBatch[], encoded: readonly Uint8Array[]): number[] {
    return batches.map(({ topic, partition, records }, i) => {
      if (records.length === 0) return -1;
      const id = this.#partitionId(topic, partition);
      const { high } = this.#statements.advance.get(records.length, id) as { high: number };
      const base = high - records.length;
      this.#statements.append.run(id, base, records.length, encoded[i] as Uint8Array);
      return base;
    });
  }

  #notify(batches: readonly OutgoingBatch[]): void {
    for (const { topic, partition, records } of batches) {
      if (records.length > 0) for (const listener of this.#listeners) listener(topic, partition);
    }
  }

  #partitionId(topic: string, partition: number): number {
    const ids = this.#idsOf(topic);
    checkPartition(topic, partition, ids.length || undefined);
    return ids[partition] as number;
  }

  #idsOf(topic: string): readonly number[] {
    const known = this.#partitionIds.get(topic);
    if (known !== undefined) return known;
    const rows = this.#run(() => this.#statements.partitionsOf.all(topic)) as { id: number }[];
    const ids = rows.map(({ id }) => id);
    // Not from inside a transaction that may yet be rolled back: there nothing of the topic is found, or it was there before.
    if (ids.length > 0) this.#partitionIds.set(topic, ids);
    return ids;
  }

  #run<T>(work: () => T): T {
    return runOnDatabase(this.#database, "kafka", work);
  }

  #transaction<T>(work: () => T): T {
    return this.#run(() => runTransaction(this.#database, work));
  }
}
