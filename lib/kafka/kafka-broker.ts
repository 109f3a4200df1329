/**
 * The broker port over Apache Kafka, version 2.5 or later; 3.6 for exactlyOnce topics.
 *
 * 1. Every call ends by its deadline. What is still under way then is cut off: its connections are destroyed, so that it can do nothing later.
 * 2. A write is acknowledged by all replicas. A call that repeats itself repeats the same bytes, from the first that is not known to be there.
 * 3. After a failure of a connection or a deadline all connections are thrown away. What an answer says is wrong is looked up again.
 */

import type { OutgoingBatch } from "../wire/outgoing-record.ts";
import type { Broker, ExactlyOnce, OffsetRange, TopicInfo, TopicSpec } from "./broker.ts";
import { checkBatches, checkOffset, checkPartition } from "./broker-checks.ts";
import { Cluster } from "./cluster.ts";
import { createMissingTopics } from "./create-topics.ts";
import { decodeBatches } from "./decode-batches.ts";
import { isCode } from "./kafka-code-error.ts";
import { DeadlineError, reactionTo, toMillraceError } from "./kafka-failure.ts";
import { type KafkaOutside, realOutside } from "./kafka-outside.ts";
import { CALL_TIMEOUT_MS_DEFAULT, type KafkaSettings, RECORD_BYTES_MAX_KAFKA } from "./kafka-settings.ts";
import { commitOffset, fetchBatches, listOffsets, stableOffset, type TopicPartition } from "./requests.ts";
import { checkTopicSettings } from "./topic-settings.ts";
import { Transactions } from "./transactions.ts";
import { cutIntoRounds, offsetsOf, type Piece, writeBatches } from "./write-batches.ts";

const ATTEMPTS_MAX = 8;
const BACKOFF_FIRST_MS = 20;
const BACKOFF_MAX_MS = 1_000;
/** A dead connection is noticed only by silence, and there must be time for another attempt. */
const ATTEMPTS_IN_TIME = 2;
/** Room for the head of a batch, and heads of headers, beside a record. */
const BATCH_ROOM_BYTES = 16 * 1024;
/** A fetch that finds nothing while a transaction is open waits so long for its end: one that has just been committed is visible a moment later. */
const OPEN_TRANSACTION_WAIT_MS = 100;
/** A batch may be larger than what is asked for, but asking for less than this is only more calls. */
const FETCH_BYTES_MIN = 64 * 1024;

export class KafkaBroker implements Broker {
  readonly recordBytesMax: number;
  readonly #settings: KafkaSettings;
  readonly #outside: KafkaOutside;
  readonly #timeoutMs: number;
  readonly #transactions: Transactions;
  /** The last call of each transactional id: they follow each other. */
  readonly #queues = new Map<string, Promise<unknown>>();
  /** What each cluster was thrown away for. */
  readonly #failures = new WeakMap<Cluster, Error>();
  #cluster: Cluster;
  #isClosed = false;

  constructor(settings: KafkaSettings, outside: KafkaOutside = realOutside) {
    this.#settings = settings;
    this.#outside = outside;
    this.recordBytesMax = settings.recordBytesMax ?? RECORD_BYTES_MAX_KAFKA;
    this.#timeoutMs = settings.callTimeoutMs ?? CALL_TIMEOUT_MS_DEFAULT;
    this.#transactions = new Transactions({
      ...this.#limits(),
      // Longer than a call, so that no transaction is ended under the hands of who writes it.
      transactionTimeoutMs: this.#timeoutMs * 2,
    });
    this.#cluster = new Cluster(settings, outside);
  }

  async produce(batches: readonly OutgoingBatch[]): Promise<readonly number[]> {
    const { batchBytesMax, timeoutMs } = this.#limits();
    const rounds = cutIntoRounds(batches, batchBytesMax);
    const acknowledged = new Map<Piece, number>();
    await this.#call(`write to ${namesOf(batches)}`, async (cluster) => {
      await this.#check(cluster, batches);
      await writeBatches(cluster, rounds, timeoutMs, acknowledged);
    });
    return offsetsOf(batches, acknowledged);
  }

  prepareExactlyOnce(partitions: readonly TopicPartition[], once: ExactlyOnce): Promise<void> {
    const prepare = () =>
      this.#call(`open a transaction over ${namesOf(partitions)}`, (cluster) =>
        this.#transactions.prepare(cluster, partitions, once),
      );
    // Who writes will meet what went wrong, or find it gone.
    return this.#inTurn(once.transactionalId, prepare).catch(() => {});
  }

  produceExactlyOnce(batches: readonly OutgoingBatch[], once: ExactlyOnce): Promise<void> {
    return this.#inTurn(once.transactionalId, () =>
      this.#call(`write to ${namesOf(batches)} in a transaction`, async (cluster) => {
        await this.#check(cluster, batches);
        await this.#transactions.write(cluster, batches, once);
      }),
    );
  }

  #inTurn<T>(id: string, work: () => Promise<T>): Promise<T> {
    const result = (this.#queues.get(id) ?? Promise.resolve()).then(work);
    const ended = result.then(
      () => {},
      () => {},
    );
    this.#queues.set(id, ended);
    void ended.then(() => {
      if (this.#queues.get(id) === ended) this.#queues.delete(id);
    });
    return result;
  }

  fetch(
    topic: string,
    partition: number,
    offset: number,
    limits: { readonly bytesMax: number; readonly recordsMax: number },
  ) {
    const at = { topic, partition };
    return this.#call(`read topic "${topic}", partition ${partition}`, async (cluster) => {
      checkPartition(topic, partition, (await cluster.topicsOf([topic])).get(topic)?.leaders.length);
      try {
        const bytesMax = Math.max(FETCH_BYTES_MIN, Math.min(limits.bytesMax, 2 ** 30));
        const ask = (waitMs: number) => cluster.askLeader(at, fetchBatches(at, offset, bytesMax, waitMs), "read");
        let answer = await ask(0);
        if (answer.batches.length === 0 && answer.lastStableOffset < answer.highOffset)
          answer = await ask(OPEN_TRANSACTION_WAIT_MS);
        return decodeBatches(answer.batches, answer.aborted, offset, limits);
      } catch (error) {
        if (!isCode(error, "OFFSET_OUT_OF_RANGE")) throw error;
        const { low, high } = (await rangesOf(cluster, topic, [partition]))[0] as OffsetRange;
        checkOffset(topic, partition, offset, low, high);
        throw error;
      }
    });
  }

  offsets(topic: string): Promise<readonly OffsetRange[]> {
    return this.#call(`tell the offsets of topic "${topic}"`, async (cluster) => {
      const count = (await cluster.topicsOf([topic])).get(topic)?.leaders.length ?? 0;
      return rangesOf(cluster, topic, [...Array(count).keys()]);
    });
  }

  offsetRange(topic: string, partition: number): Promise<OffsetRange | undefined> {
    return this.#call(`tell the offsets of topic "${topic}", partition ${partition}`, async (cluster) => {
      const count = (await cluster.topicsOf([topic])).get(topic)?.leaders.length ?? 0;
      return partition < count ? (await rangesOf(cluster, topic, [partition]))[0] : undefined;
    });
  }

  topics(): Promise<readonly TopicInfo[]> {
    return this.#call("list its topics", async (cluster) => {
      const { topics } = await cluster.metadata(undefined);
      return topics
        .filter(({ code, isInternal }) => code === 0 && !isInternal)
        .map(({ topic, leaders }) => ({ name: topic, partitions: leaders.length }))
        .toSorted((a, b) => (a.name < b.name ? -1 : 1));
    });
  }

  ensureTopics(topics: readonly TopicSpec[]): Promise<void> {
    if (topics.length === 0) return Promise.resolve();
    return this.#call(`create ${topics.map(({ name }) => `topic "${name}"`).join(", ")}`, (cluster) =>
      createMissingTopics(cluster, topics, this.#settings.replicationFactor ?? -1, this.#timeoutMs),
    );
  }

  /** Throws "kafka" where a topic that is there has other settings than these: it is compacted or not, or keeps records for another time. */
  checkSettings(topics: readonly TopicSpec[]): Promise<void> {
    if (topics.length === 0) return Promise.resolve();
    return this.#call("look at the settings of its topics", (cluster) => checkTopicSettings(cluster, topics));
  }

  committedOffset(group: string, topic: string, partition: number): Promise<number | undefined> {
    return this.#call(`tell the offset of group "${group}"`, (cluster) =>
      cluster.askCoordinator("group", group, stableOffset(group, { topic, partition })),
    );
  }

  commitOffset(group: string, topic: string, partition: number, offset: number): Promise<void> {
    return this.#call(`commit the offset of group "${group}"`, (cluster) =>
      cluster.askCoordinator("group", group, commitOffset(group, { topic, partition }, offset)),
    );
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cluster.discard("The broker was closed");
  }

  #limits() {
    return {
      batchBytesMax: this.recordBytesMax + BATCH_ROOM_BYTES,
      timeoutMs: Math.ceil(this.#timeoutMs / ATTEMPTS_IN_TIME),
    };
  }

  async #check(cluster: Cluster, batches: readonly OutgoingBatch[]): Promise<void> {
    const topics = await cluster.topicsOf(batches.map(({ topic }) => topic));
    checkBatches(batches, this.recordBytesMax, (topic) => topics.get(topic)?.leaders.length);
  }

  /** Runs `work` with a deadline, again where that may help. */
  async #call<T>(doing: string, work: (cluster: Cluster) => Promise<T>): Promise<T> {
    const endsAtMs = this.#outside.now() + this.#timeoutMs;
    for (let attempt = 1; ; attempt += 1) {
      if (!this.#cluster.isUsable() && !this.#isClosed)
        this.#replace(this.#cluster, new Error("the connections were idle"));
      const cluster = this.#cluster;
      const leftMs = endsAtMs - this.#outside.now();
      const timeoutMs = Math.min(leftMs, Math.ceil(this.#timeoutMs / ATTEMPTS_IN_TIME));
      try {
        return await withDeadline(work(cluster), timeoutMs, this.#outside);
      } catch (caught) {
        const reaction = reactionTo(caught);
        const error = reaction === "reconnect" ? this.#replace(cluster, caught as Error) : caught;
        if (reaction === "forget") cluster.forget();
        const backoffMs = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** (attempt - 1));
        const isLast = attempt === ATTEMPTS_MAX || this.#isClosed || this.#outside.now() + backoffMs >= endsAtMs;
        if (reaction === "give-up" || isLast) throw toMillraceError(error, doing, this.#settings);
        await new Promise<void>((resolve) => void this.#outside.after(backoffMs, resolve));
      }
    }
  }

  /** Returns the failure that `cluster` was thrown away for: whoever was cut off by that has nothing better to say. */
  #replace(cluster: Cluster, failure: Error): Error {
    const first = this.#failures.get(cluster) ?? failure;
    this.#failures.set(cluster, first);
    cluster.discard(`A call before failed: ${first.message}`);
    if (this.#cluster === cluster && !this.#isClosed) this.#cluster = new Cluster(this.#settings, this.#outside);
    return first;
  }
}

async function withDeadline<T>(work: Promise<T>, timeoutMs: number, outside: KafkaOutside): Promise<T> {
  let cancel = () => {};
  const late = new Promise<never>((_, reject) => {
    cancel = outside.after(timeoutMs, () => reject(new DeadlineError(timeoutMs)));
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    cancel();
  }
}

async function rangesOf(cluster: Cluster, topic: string, partitions: readonly number[]): Promise<OffsetRange[]> {
  const leaders = await Promise.all(partitions.map((partition) => cluster.leaderOf({ topic, partition })));
  const ranges = new Map<number, OffsetRange>();
  await Promise.all(
    [...Map.groupBy(partitions.keys(), (i) => leaders[i] as number)].map(async ([leader, indices]) => {
      const led = Array.from(indices, (i) => partitions[i] as number);
      // The first before the end: what is deleted in between leaves the range right.
      const low = await cluster.askNode(leader, listOffsets(topic, led, "first"));
      const high = await cluster.askNode(leader, listOffsets(topic, led, "end"));
      for (const partition of led)
        ranges.set(partition, { low: low.get(partition) as number, high: high.get(partition) as number });
    }),
  );
  return partitions.map((partition) => ranges.get(partition) as OffsetRange);
}

function namesOf(writtenTo: readonly { readonly topic: string }[]): string {
  const names = [...new Set(writtenTo.map(({ topic }) => `topic "${topic}"`))];
  return names.length === 0 ? "no topic" : names.join(", ");
}
