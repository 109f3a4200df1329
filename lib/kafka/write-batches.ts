/** Batches cut into requests and written, each request after the one before it was acknowledged. */

import type { OutgoingBatch, OutgoingRecord } from "../wire/outgoing-record.ts";
import type { Cluster } from "./cluster.ts";
import { BATCH_HEAD_BYTES, batchRecordBytes, encodeBatch } from "./encode-batch.ts";
import { throwOnCode } from "./kafka-code-error.ts";
import { produce, type TopicPartition } from "./requests.ts";
import type { ProducerIdentity } from "./transaction-requests.ts";

/** Of one request to one broker, which takes up to 100 MB. */
const REQUEST_BYTES_MAX = 16 * 1024 * 1024;

/** Kafka's code for what it cannot say. */
const NO_ANSWER = -1;

/** Records for one partition that fit into one batch. */
export type Piece = TopicPartition & { readonly records: readonly OutgoingRecord[]; readonly size: number };

/** A transactional writer and how many records each partition got from it. */
export type TransactionalWriter = ProducerIdentity & {
  readonly transactionalId: string;
  readonly sequences: Map<string, number>;
};

/**
 * Writes batches in order: a partition's next piece is sent when its last is acknowledged. A failure throws; another attempt goes on with the pieces
 * that are not in `acknowledged`, where this puts those that are, each with the offset of its first record.
 */
export async function writeBatches(
  cluster: Cluster,
  rounds: readonly (readonly Piece[])[],
  timeoutMs: number,
  acknowledged: Map<Piece, number>,
  writer?: TransactionalWriter,
): Promise<void> {
  for (const round of rounds) {
    const left = round.filter((piece) => !acknowledged.has(piece));
    const leaders = new Map<Piece, number>();
    for (const piece of left) leaders.set(piece, await cluster.leaderOf(piece));
    const sent = await Promise.allSettled(
      [...Map.groupBy(left, (piece) => leaders.get(piece) as number)].map(async ([leader, pieces]) => {
        const encoded = pieces.map((piece) => ({
          ...piece,
          bytes: encodeBatch(piece.records, writer && nextIn(writer, piece)),
        }));
        const request = produce(writer?.transactionalId ?? null, encoded, timeoutMs);
        const answers = await cluster.askNode(leader, request);
        const found = new Map(answers.map((answer) => [nameOf(answer), answer]));
        for (const piece of pieces) {
          const answer = found.get(nameOf(piece));
          if (answer?.code === 0) acknowledged.set(piece, answer.baseOffset);
        }
        for (const piece of pieces) throwOnCode(found.get(nameOf(piece))?.code ?? NO_ANSWER, "Produce", piece);
      }),
    );
    for (const result of sent) if (result.status === "rejected") throw result.reason;
  }
}

/** The offset of the first record of each batch, of which all pieces were acknowledged; −1 for one without records. */
export function offsetsOf(batches: readonly OutgoingBatch[], acknowledged: ReadonlyMap<Piece, number>): number[] {
  // In the order of the records: of a partition, a piece is sent when the one before it is acknowledged.
  const pieces = Map.groupBy(acknowledged.keys(), nameOf);
  const taken = new Map<string, number>();
  return batches.map((batch) => {
    if (batch.records.length === 0) return -1;
    const name = nameOf(batch);
    let before = taken.get(name) ?? 0;
    taken.set(name, before + batch.records.length);
    for (const piece of pieces.get(name) ?? []) {
      if (before < piece.records.length) return (acknowledged.get(piece) as number) + before;
      before -= piece.records.length;
    }
    return -1;
  });
}

/** Cuts batches into pieces, and puts into a round at most one piece of each partition, in order. */
export function cutIntoRounds(batches: readonly OutgoingBatch[], batchBytesMax: number): readonly (readonly Piece[])[] {
  const rounds: { pieces: Piece[]; bytes: number }[] = [];
  /** The first round that may take more of a partition. */
  const next = new Map<string, number>();
  for (const piece of cutIntoPieces(batches, batchBytesMax)) {
    const name = nameOf(piece);
    const isFull = (round: { bytes: number } | undefined) =>
      round !== undefined && round.bytes > 0 && round.bytes + piece.size > REQUEST_BYTES_MAX;
    let at = next.get(name) ?? 0;
    while (isFull(rounds[at])) at += 1;
    const round = (rounds[at] ??= { pieces: [], bytes: 0 });
    round.pieces.push(piece);
    round.bytes += piece.size;
    next.set(name, at + 1);
  }
  return rounds.map(({ pieces }) => pieces);
}

function cutIntoPieces(batches: readonly OutgoingBatch[], batchBytesMax: number): Piece[] {
  const byPartition = new Map<string, TopicPartition & { records: OutgoingRecord[] }>();
  for (const { topic, partition, records } of batches) {
    const name = nameOf({ topic, partition });
    const all = byPartition.get(name);
    if (all === undefined) byPartition.set(name, { topic, partition, records: [...records] });
    else for (const record of records) all.records.push(record);
  }
  const pieces: Piece[] = [];
  for (const { topic, partition, records } of byPartition.values()) {
    let size = BATCH_HEAD_BYTES;
    let start = 0;
    records.forEach((record, i) => {
      const recordSize = batchRecordBytes(record);
      if (size + recordSize > batchBytesMax && i > start) {
        pieces.push({ topic, partition, size, records: records.slice(start, i) });
        start = i;
        size = BATCH_HEAD_BYTES;
      }
      size += recordSize;
    });
    if (start < records.length) pieces.push({ topic, partition, size, records: records.slice(start) });
  }
  return pieces;
}

function nextIn(writer: TransactionalWriter, piece: Piece) {
  const name = nameOf(piece);
  const baseSequence = writer.sequences.get(name) ?? 0;
  writer.sequences.set(name, baseSequence + piece.records.length);
  return { producerId: writer.producerId, producerEpoch: writer.producerEpoch, baseSequence };
}

function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`;
}
