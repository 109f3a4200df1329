/** Batches cut into requests and written, each request after the one before it was acknowledged. */

import type { OutgoingBatch, OutgoingRecord } from "../wire/outgoing-record.ts";
import type { Cluster } from "./cluster.ts";
import { BATCH_HEAD_BYTES, batchRecordBytes, encodeBatch } from "./encode-batch.ts";
import { produce, type TopicPartition } from "./requests.ts";
import type { ProducerIdentity } from "./transaction-requests.ts";

/** Of one request to one broker, which takes up to 100 MB. */
const REQUEST_BYTES_MAX = 16 * 1024 * 1024;

/** Records for one partition that fit into one batch. */
type Piece = TopicPartition & { readonly records: readonly OutgoingRecord[]; readonly bytes: number };

/** A transactional writer and how many records each partition got from it. */
export type TransactionalWriter = ProducerIdentity & {
  readonly transactionalId: string;
  readonly sequences: Map<string, number>;
};

/**
 * Writes batches in order: a partition's next piece is sent when its last is acknowledged. After a failure some may be there, and whoever repeats
 * begins with the first.
 */
export async function writeBatches(
  cluster: Cluster,
  batches: readonly OutgoingBatch[],
  limits: { readonly batchBytesMax: number; readonly timeoutMs: number },
  writer?: TransactionalWriter,
): Promise<void> {
  for (const round of cutIntoRounds(batches, limits.batchBytesMax)) {
    const leaders = await Promise.all(round.map((piece) => cluster.leaderOf(piece)));
    const byLeader = Map.groupBy(round.keys(), (i) => leaders[i] as number);
    const sent = await Promise.allSettled(
      [...byLeader].map(([leader, indices]) => {
        const encoded = Array.from(indices, (i) => {
          const { topic, partition, records } = round[i] as Piece;
          return { topic, partition, bytes: encodeBatch(records, writer && nextIn(writer, topic, partition, records)) };
        });
        return cluster.askNode(leader, produce(writer?.transactionalId ?? null, encoded, limits.timeoutMs));
      }),
    );
    for (const result of sent) if (result.status === "rejected") throw result.reason;
  }
}

/** Cuts batches into pieces, and puts into a round at most one piece of each partition, in order. */
export function cutIntoRounds(batches: readonly OutgoingBatch[], batchBytesMax: number): readonly Piece[][] {
  const rounds: { pieces: Piece[]; bytes: number }[] = [];
  /** The first round that may take more of a partition. */
  const next = new Map<string, number>();
  for (const piece of cutIntoPieces(batches, batchBytesMax)) {
    const name = nameOf(piece.topic, piece.partition);
    let at = next.get(name) ?? 0;
    while (rounds[at] !== undefined && (rounds[at] as { bytes: number }).bytes + piece.bytes > REQUEST_BYTES_MAX)
      at += 1;
    rounds[at] ??= { pieces: [], bytes: 0 };
    const round = rounds[at] as { pieces: Piece[]; bytes: number };
    round.pieces.push(piece);
    round.bytes += piece.bytes;
    next.set(name, at + 1);
  }
  return rounds.map(({ pieces }) => pieces);
}

function cutIntoPieces(batches: readonly OutgoingBatch[], batchBytesMax: number): Piece[] {
  const byPartition = new Map<string, TopicPartition & { records: OutgoingRecord[] }>();
  for (const { topic, partition, records } of batches) {
    const name = nameOf(topic, partition);
    const all = byPartition.get(name);
    if (all === undefined) byPartition.set(name, { topic, partition, records: [...records] });
    else for (const record of records) all.records.push(record);
  }
  const pieces: Piece[] = [];
  for (const { topic, partition, records } of byPartition.values()) {
    let bytes = BATCH_HEAD_BYTES;
    let start = 0;
    records.forEach((record, i) => {
      const size = batchRecordBytes(record);
      if (bytes + size > batchBytesMax && i > start) {
        pieces.push({ topic, partition, bytes, records: records.slice(start, i) });
        start = i;
        bytes = BATCH_HEAD_BYTES;
      }
      bytes += size;
    });
    if (start < records.length) pieces.push({ topic, partition, bytes, records: records.slice(start) });
  }
  return pieces;
}

function nextIn(writer: TransactionalWriter, topic: string, partition: number, records: readonly OutgoingRecord[]) {
  const name = nameOf(topic, partition);
  const baseSequence = writer.sequences.get(name) ?? 0;
  writer.sequences.set(name, baseSequence + records.length);
  return { producerId: writer.producerId, producerEpoch: writer.producerEpoch, baseSequence };
}

function nameOf(topic: string, partition: number): string {
  return `${topic}-${partition}`;
}
