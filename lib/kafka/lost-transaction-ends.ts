/**
 * Ends of transactions that Kafka has decided and then lost. A coordinator that is to write them into the partitions skips those that have no leader
 * at that moment, as if they were deleted, and reports success. So it happens in Kafka 4.2 and later after an outage of all copies of a partition
 * (KAFKA-20734): the transaction is over for the coordinator, and open for ever in the partitions. Nobody reads past it there, and the group's offset
 * stays pending. Kafka's own tool can only abort it, which would lose what was committed.
 *
 * 1. An end is written only where it is certain that it was lost: the partition held the transaction open, then the coordinator said that it was over,
 *    then the partition still held it open.
 * 2. It is the end that the coordinator decided. It knows that until the id is taken over, so this comes before.
 * 3. It is written under the epoch of that decision: who has taken over meanwhile, and has begun another transaction, is not touched by it.
 */

import { MillraceError } from "../stream/error.ts";
import type { Cluster } from "./cluster.ts";
import { isCode } from "./kafka-code-error.ts";
import { stableOffset, type TopicPartition } from "./requests.ts";
import {
  API_DESCRIBE_TRANSACTIONS,
  type DescribedTransaction,
  describeProducers,
  describeTransaction,
  type OpenTransaction,
  writeTxnMarkers,
} from "./transaction-requests.ts";

/** Where Kafka keeps the offsets of groups. */
const OFFSETS_TOPIC = "__consumer_offsets";

/**
 * To be called before an id is taken over. `position` is where its group's offset is, `topics` are all that the id ever writes: a transaction that is
 * over no longer says which it wrote to, and each partition may have lost its end by itself.
 */
export async function restoreLostEnds(
  cluster: Cluster,
  transactionalId: string,
  position: TopicPartition,
  topics: readonly string[],
): Promise<void> {
  if ((await cluster.versionMaxOfCoordinator(transactionalId, API_DESCRIBE_TRANSACTIONS)) < 0) return;
  const ask = () => cluster.askCoordinator("transaction", transactionalId, describeTransaction(transactionalId));
  const found = await ask();
  if (!isOver(found)) return;
  const offsets = (await isStable(cluster, transactionalId, position)) ? [] : [OFFSETS_TOPIC];
  const openNow = () => openTransactionsOf(cluster, [...topics, ...offsets], found.producerId);
  // Invariant 1.
  const before = await openNow();
  if (before.length === 0) return;
  const last = await ask();
  if (!isOver(last) || last.producerId !== found.producerId) return;
  const wasOpen = new Set(before.map(nameOf));
  const lost = (await openNow()).filter((open) => wasOpen.has(nameOf(open)));
  await writeEnds(cluster, transactionalId, last, lost);
}

function isOver(described: DescribedTransaction | undefined): described is DescribedTransaction {
  return described?.state === "CompleteCommit" || described?.state === "CompleteAbort";
}

async function isStable(cluster: Cluster, group: string, position: TopicPartition): Promise<boolean> {
  try {
    await cluster.askCoordinator("group", group, stableOffset(group, position));
    return true;
  } catch (error) {
    if (!isCode(error, "UNSTABLE_OFFSET_COMMIT")) throw error;
    return false;
  }
}

async function openTransactionsOf(
  cluster: Cluster,
  topics: readonly string[],
  producerId: number,
): Promise<readonly OpenTransaction[]> {
  const found = await cluster.topicsOf(topics);
  const partitions = [...found].flatMap(([topic, { leaders }]) =>
    leaders.map((_, partition) => ({ topic, partition })),
  );
  const answers = await askLeaders(cluster, partitions, describeProducers);
  return answers.flat().filter((open) => open.producerId === producerId);
}

async function writeEnds(
  cluster: Cluster,
  transactionalId: string,
  { state, ...identity }: DescribedTransaction,
  lost: readonly OpenTransaction[],
): Promise<void> {
  try {
    // What the partition has seen last, or the first: a higher one would shut out the coordinator.
    for (const [epoch, open] of Map.groupBy(lost, ({ coordinatorEpoch }) => Math.max(0, coordinatorEpoch)))
      await askLeaders(cluster, open, (led) => writeTxnMarkers(identity, state === "CompleteCommit", led, epoch));
  } catch (error) {
    if (!isCode(error, "CLUSTER_AUTHORIZATION_FAILED")) throw error;
    throw new MillraceError(
      "kafka",
      `Kafka has lost the end of the last transaction of "${transactionalId}" (KAFKA-20734), and refuses to have it written again: allow ALTER on the cluster to this user (with IAM kafka-cluster:AlterCluster) until it has been, as docs/kafka.md says.`,
      { cause: error },
    );
  }
}

async function askLeaders<P extends TopicPartition, T>(
  cluster: Cluster,
  partitions: readonly P[],
  requestFor: (led: readonly P[]) => Parameters<typeof cluster.askNode<T>>[1],
): Promise<readonly T[]> {
  const leaders = new Map<P, number>();
  for (const partition of partitions) leaders.set(partition, await cluster.leaderOf(partition));
  return Promise.all(
    [...Map.groupBy(partitions, (partition) => leaders.get(partition) as number)].map(([leader, led]) =>
      cluster.askNode(leader, requestFor(led)),
    ),
  );
}

function nameOf({ topic, partition, startOffset }: OpenTransaction): string {
  return `${topic}-${partition}@${startOffset}`;
}
