/**
 * Batches and a sequence number written together: a Kafka transaction over the output partitions and the offset of a consumer group, which has the
 * same name as the transactional id.
 *
 * 1. A number is written at most once, and with it its batches: who writes knows that the group's number is lower. It knows that from reading it
 *    after it has fenced everybody else, or because it wrote the last one itself and has not been fenced since, which the broker checks.
 * 2. The number read is the outcome of all transactions before: InitProducerId answers only when the last one of that id has ended, and the read
 *    asks for stable offsets, which a broker refuses until the end of the transaction is applied to the group.
 * 3. A writer is used until its first failure, whatever it is. It is taken out before it is used and put back after the commit was acknowledged, so that
 *    a failed send can be followed by no commit; the next call fences it and reads.
 *    Its next transaction may be opened ahead, with the number in it and no batches: it becomes that of the next write, which replaces the number where
 *    it is another, or is aborted by whoever takes over.
 * 4. A writer is used over the connections it was made with: after an outage the next call takes over, and so finds what the outage did.
 * 5. A broker must verify that a transaction is open before it appends to it (Kafka 3.6), or a late send of a fenced writer could stay open for ever.
 * 6. An end that Kafka has decided and lost is written before the id is taken over, which would make it forget the decision.
 */

import { MillraceError } from "../stream/error.ts";
import type { OutgoingBatch } from "../wire/outgoing-record.ts";
import type { ExactlyOnce } from "./broker.ts";
import { checkSequenceNumber } from "./broker-checks.ts";
import type { Cluster } from "./cluster.ts";
import { isCode } from "./kafka-code-error.ts";
import { restoreLostEnds } from "./lost-transaction-ends.ts";
import type { KafkaRequest, TopicPartition } from "./requests.ts";
import { stableOffset } from "./requests.ts";
import {
  API_ADD_PARTITIONS_TO_TXN,
  addOffsetsToTxn,
  addPartitionsToTxn,
  commitTxn,
  initProducerId,
  txnOffsetCommit,
} from "./transaction-requests.ts";
import { cutIntoRounds, type TransactionalWriter, writeBatches } from "./write-batches.ts";

/** Brokers use it among themselves to verify transactions. 3.6 is the first that says it knows it; 3.5 had it switched off. */
const ADD_PARTITIONS_WITH_VERIFICATION = 4;

/** The end of a transaction is applied within milliseconds; an open one of a writer that was killed takes as long as its abort. */
const PENDING_RETRY_FIRST_MS = 2;
const PENDING_RETRY_MAX_MS = 50;

export type TransactionLimits = {
  readonly batchBytesMax: number;
  readonly timeoutMs: number;
  /** After so long the broker aborts a transaction that nobody ends. */
  readonly transactionTimeoutMs: number;
};

/** A writer, the number it wrote or found last, and its connections. */
type Writer = TransactionalWriter & {
  last: number | undefined;
  readonly cluster: Cluster;
  /** What is in the transaction that is open: partitions, its group under GROUP, and the number. */
  readonly opened: Set<string>;
  numbered: number | undefined;
};

/** No partition is called so. */
const GROUP = "";

export class Transactions {
  readonly #writers = new Map<string, Writer>();
  readonly #limits: TransactionLimits;

  constructor(limits: TransactionLimits) {
    this.#limits = limits;
  }

  /**
   * Opens the next transaction of a writer that is known, and puts the number into it; where there is none, taking over is for who has something to write.
   * One attempt, in turn with `write`.
   */
  async prepare(cluster: Cluster, partitions: readonly TopicPartition[], once: ExactlyOnce): Promise<void> {
    const writer = this.#take(once.transactionalId);
    if (writer?.cluster !== cluster) return;
    if (writer.last === undefined || writer.last < once.sequenceNumber) {
      await open(cluster, partitions, writer);
      await putNumber(cluster, positionOf(partitions, once), writer, once.sequenceNumber);
    }
    if (cluster.isUsable()) this.#writers.set(once.transactionalId, writer);
  }

  /**
   * One attempt; not to be called for an id while another is under way. A failure says nothing about whether the transaction was committed;
   * another attempt finds out.
   */
  async write(cluster: Cluster, batches: readonly OutgoingBatch[], once: ExactlyOnce): Promise<void> {
    const { transactionalId, sequenceNumber } = once;
    const position = positionOf(batches, once);
    const known = this.#take(transactionalId);
    // Invariant 4.
    const topics = once.topics ?? [...new Set(batches.map(({ topic }) => topic))];
    const isCurrent = known?.cluster === cluster && !isBehind(known, once);
    const writer = isCurrent ? known : await this.#takeOver(cluster, position, once, topics);
    if (writer.last === undefined || writer.last < sequenceNumber) {
      await this.#commit(cluster, batches, position, writer, sequenceNumber);
      writer.last = sequenceNumber;
    }
    // A call whose deadline passed meanwhile is being repeated by somebody else.
    if (cluster.isUsable()) this.#writers.set(transactionalId, writer);
  }

  /** Invariant 3: until it is put back nobody finds it. */
  #take(transactionalId: string): Writer | undefined {
    const writer = this.#writers.get(transactionalId);
    this.#writers.delete(transactionalId);
    return writer;
  }

  /** Fences whoever wrote before, and reads how far it came. */
  async #takeOver(
    cluster: Cluster,
    position: TopicPartition,
    once: ExactlyOnce,
    topics: readonly string[],
  ): Promise<Writer> {
    const { transactionalId } = once;
    const version = await cluster.versionMaxOfCoordinator(transactionalId, API_ADD_PARTITIONS_TO_TXN);
    if (version < ADD_PARTITIONS_WITH_VERIFICATION)
      throw new MillraceError(
        "kafka",
        "This Kafka cannot keep exactlyOnce topics: it does not verify transactions. Use version 3.6 or later, or idempotent topics.",
      );
    // Invariant 2: not answered before the writer fenced has nothing open any more …
    const identity = await whilePending(cluster, async () => {
      // Invariant 6. Each time: what is pending may be lost only now.
      await restoreLostEnds(cluster, transactionalId, position, topics);
      const request = initProducerId(transactionalId, this.#limits.transactionTimeoutMs);
      return cluster.askCoordinator("transaction", transactionalId, request);
    });
    // … and not answered before the end of that is applied.
    const last = await whilePending(cluster, () =>
      cluster.askCoordinator("group", transactionalId, stableOffset(transactionalId, position)),
    );
    checkSequenceNumber(last, once);
    return {
      transactionalId,
      ...identity,
      sequences: new Map(),
      last,
      cluster,
      opened: new Set(),
      numbered: undefined,
    };
  }

  async #commit(
    cluster: Cluster,
    batches: readonly OutgoingBatch[],
    position: TopicPartition,
    writer: Writer,
    sequenceNumber: number,
  ): Promise<void> {
    const { transactionalId: id } = writer;
    const rounds = cutIntoRounds(batches, this.#limits.batchBytesMax);
    await open(cluster, partitionsOf(batches), writer);
    // Neither depends on the other, and the end waits for both.
    const [written, numbered] = await Promise.allSettled([
      writeBatches(cluster, rounds, this.#limits.timeoutMs, new Map(), writer),
      putNumber(cluster, position, writer, sequenceNumber),
    ]);
    if (written.status === "rejected") throw written.reason;
    if (numbered.status === "rejected") throw numbered.reason;
    await cluster.askCoordinator("transaction", id, commitTxn(id, writer));
    writer.opened.clear();
    writer.numbered = undefined;
  }
}

/** Whether somebody else has written since: who would be fenced need not try. */
function isBehind({ last }: Writer, { previousSequenceNumber: previous }: ExactlyOnce): boolean {
  return previous !== undefined && (last === undefined || last < previous);
}

/** Puts partitions and the group into the writer's transaction, where they are not in it. */
async function open(cluster: Cluster, partitions: readonly TopicPartition[], writer: Writer): Promise<void> {
  const { transactionalId: id, opened } = writer;
  const ask = (request: KafkaRequest<void>) =>
    whilePending(cluster, () => cluster.askCoordinator("transaction", id, request));
  const missing = partitions.filter((partition) => !opened.has(nameOf(partition)));
  // Behind each other on one connection: a coordinator works on one request of a connection at a time.
  const added = await Promise.allSettled([
    missing.length > 0 && ask(addPartitionsToTxn(id, writer, missing)),
    !opened.has(GROUP) && ask(addOffsetsToTxn(id, writer, id)),
  ]);
  for (const result of added) if (result.status === "rejected") throw result.reason;
  for (const partition of missing) opened.add(nameOf(partition));
  opened.add(GROUP);
}

/** Puts the number into the writer's transaction, where it is not in it: the last one counts. */
async function putNumber(cluster: Cluster, position: TopicPartition, writer: Writer, sequenceNumber: number) {
  if (writer.numbered === sequenceNumber) return;
  const { transactionalId: id } = writer;
  await cluster.askCoordinator("group", id, txnOffsetCommit(id, writer, id, position, sequenceNumber));
  writer.numbered = sequenceNumber;
}

/** Asks again while the end of the transaction before is being applied; how long in all is bounded by the deadline of the call, which ends `cluster`. */
async function whilePending<T>(cluster: Cluster, ask: () => Promise<T>): Promise<T> {
  for (let waitMs = PENDING_RETRY_FIRST_MS; ; waitMs = Math.min(PENDING_RETRY_MAX_MS, waitMs * 2)) {
    try {
      return await ask();
    } catch (error) {
      if (!isCode(error, "CONCURRENT_TRANSACTIONS", "UNSTABLE_OFFSET_COMMIT")) throw error;
    }
    await cluster.pause(waitMs);
  }
}

function positionOf(batches: readonly { readonly topic: string }[], { offsetAt }: ExactlyOnce): TopicPartition {
  if (offsetAt !== undefined) return offsetAt;
  const [first] = batches;
  if (first === undefined)
    throw new MillraceError("kafka", "A transaction without batches needs to be told where its number is kept.");
  return { topic: first.topic, partition: 0 };
}

function partitionsOf(batches: readonly OutgoingBatch[]): readonly TopicPartition[] {
  const all = new Map<string, TopicPartition>();
  for (const { topic, partition, records } of batches)
    if (records.length > 0) all.set(nameOf({ topic, partition }), { topic, partition });
  return [...all.values()];
}

function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`;
}
