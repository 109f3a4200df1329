/**
 * The requests that the simulated Kafka understands, as a broker reads and answers them: those of lib/kafka/requests.ts and transaction-requests.ts, each in
 * the version that Millrace sends. Written from Kafka's message formats. https://kafka.apache.org/protocol
 */

import type { ProtocolReader } from "../kafka/protocol-reader.ts";
import type { ProtocolWriter } from "../kafka/protocol-writer.ts";
import { API_ADD_PARTITIONS_TO_TXN } from "../kafka/transaction-requests.ts";
import type { SimulatedCluster } from "./simulated-kafka-cluster.ts";
import { CODE } from "./simulated-kafka-codes.ts";
import { OFFSETS_TOPIC } from "./simulated-kafka-offsets.ts";
import { nameOf } from "./simulated-kafka-transactions.ts";

/** A request as it reached a broker. */
type Arrived = {
  readonly cluster: SimulatedCluster;
  readonly nodeId: number;
  readonly from: ProtocolReader;
  readonly to: ProtocolWriter;
};

type Api = {
  readonly version: number;
  /** The highest that it says it knows; by one of them the client tells that transactions are verified. */
  readonly versionMax?: number;
  readonly serve: (arrived: Arrived) => void;
};

const NO_THROTTLE = 0;
const LATEST = -1;
const ALL_TOPICS = -1;

export const HOST = "simulated-kafka";
export const PORT_BASE = 9092;

export const APIS: ReadonlyMap<number, Api> = new Map<number, Api>([
  [0, { version: 7, serve: produce }],
  [1, { version: 11, serve: fetch }],
  [2, { version: 2, serve: listOffsets }],
  [3, { version: 5, serve: metadata }],
  [8, { version: 3, serve: offsetCommit }],
  [9, { version: 7, serve: offsetFetch }],
  [10, { version: 1, serve: findCoordinator }],
  [18, { version: 0, serve: apiVersions }],
  [19, { version: 4, serve: createTopics }],
  [22, { version: 1, serve: initProducerId }],
  [API_ADD_PARTITIONS_TO_TXN, { version: 1, versionMax: 5, serve: addPartitionsToTxn }],
  [25, { version: 1, serve: addOffsetsToTxn }],
  [26, { version: 1, serve: endTxn }],
  [27, { version: 1, serve: writeTxnMarkers }],
  [28, { version: 1, serve: txnOffsetCommit }],
  [32, { version: 1, serve: describeConfigs }],
  [61, { version: 0, serve: describeProducers }],
  [65, { version: 0, serve: describeTransactions }],
]);

function apiVersions({ to }: Arrived): void {
  to.int16(CODE.NONE).array([...APIS], ([key, { version, versionMax }]) => {
    to.int16(key)
      .int16(0)
      .int16(versionMax ?? version);
  });
}

function metadata({ cluster, from, to }: Arrived): void {
  const count = from.int32();
  const asked: string[] = [];
  for (let i = 0; i < count; i += 1) asked.push(from.string());
  const names = count === ALL_TOPICS ? cluster.knownTopics() : asked;
  to.int32(NO_THROTTLE).int32(cluster.brokers);
  for (let nodeId = 1; nodeId <= cluster.brokers; nodeId += 1) writeNode(to.int32(nodeId), nodeId).string(null);
  to.string("simulated").int32(1);
  to.array(names, (name) => {
    const leaders = cluster.leadersOf(name);
    to.int16(leaders === undefined ? CODE.UNKNOWN_TOPIC_OR_PARTITION : CODE.NONE)
      .string(name)
      .boolean(name === OFFSETS_TOPIC);
    to.int32(leaders?.length ?? 0);
    for (const [partition, leader] of leaders?.entries() ?? [])
      to.int16(CODE.NONE).int32(partition).int32(leader).int32(1).int32(leader).int32(1).int32(leader).int32(0);
  });
}

function findCoordinator({ cluster, from, to }: Arrived): void {
  const id = from.string();
  const nodeId = cluster.coordinatorOf(from.int8() === 0 ? "group" : "transaction", id);
  writeNode(to.int32(NO_THROTTLE).int16(CODE.NONE).string(null).int32(nodeId), nodeId);
}

function listOffsets({ cluster, nodeId, from, to }: Arrived): void {
  // Replica, and isolation: the client asks for all that is there.
  from.int32();
  from.int8();
  to.int32(NO_THROTTLE);
  forEachPartition(from, to, (topic, partition) => {
    const time = from.int64();
    const log = cluster.ledBy(nodeId, topic, partition);
    if (typeof log === "number") to.int16(log).int64(-1).int64(-1);
    else
      to.int16(CODE.NONE)
        .int64(-1)
        .int64(time === LATEST ? log.endOffset : log.startOffset);
  });
}

function createTopics({ cluster, from, to }: Arrived): void {
  const topics = from.array(() => {
    const head = { name: from.string(), partitions: from.int32(), replicationFactor: from.int16() };
    from.array(() => [from.int32(), from.array(() => from.int32())]);
    return { ...head, settings: from.array(() => [from.string(), from.string()] as const) };
  });
  to.int32(NO_THROTTLE).array(topics, (topic) => {
    const { code, reason } = cluster.create(topic);
    to.string(topic.name)
      .int16(code)
      .string(reason === "" ? null : reason);
  });
}

/** Of those that are asked for only what a simulated topic knows of itself. */
function describeConfigs({ cluster, from, to }: Arrived): void {
  const topics = from.array(() => {
    from.int8();
    const name = from.string();
    from.array(() => from.string());
    return name;
  });
  to.int32(NO_THROTTLE).array(topics, (name) => {
    const policy = cluster.knownTopic(name)?.logs[0]?.limits.isCompacted === true ? "compact" : "delete";
    to.int16(cluster.knownTopic(name) === undefined ? CODE.UNKNOWN_TOPIC_OR_PARTITION : CODE.NONE)
      .string(null)
      .int8(2);
    to.string(name).array(["cleanup.policy"], (setting) => {
      to.string(setting).string(policy).boolean(false).int8(1).boolean(false).int32(0);
    });
  });
}

function produce({ cluster, nodeId, from, to }: Arrived): void {
  const transactionalId = from.string();
  from.int16();
  from.int32();
  forEachPartition(from, to, (topic, partition) => {
    const answer = cluster.produce(nodeId, transactionalId, topic, partition, from.bytes());
    to.int16(answer.code).int64(answer.baseOffset).int64(-1).int64(answer.startOffset);
  });
  to.int32(NO_THROTTLE);
}

function fetch({ cluster, nodeId, from, to }: Arrived): void {
  // Replica, wait, least bytes, most bytes, isolation (committed), session.
  for (let i = 0; i < 4; i += 1) from.int32();
  from.int8();
  from.int32();
  from.int32();
  to.int32(NO_THROTTLE).int16(CODE.NONE).int32(0);
  forEachPartition(from, to, (topic, partition) => {
    from.int32();
    const offset = from.int64();
    from.int64();
    const found = cluster.fetch(nodeId, topic, partition, offset, from.int32());
    to.int16(found.code).int64(found.endOffset).int64(found.lastStableOffset).int64(found.startOffset);
    to.array(found.aborted, ({ producerId, firstOffset }) => to.int64(producerId).int64(firstOffset));
    let bytes = 0;
    for (const piece of found.pieces) bytes += piece.length;
    to.int32(-1).int32(bytes);
    for (const piece of found.pieces) to.bytes(piece);
  });
}

function offsetFetch({ cluster, nodeId, from, to }: Arrived): void {
  const group = from.compactString();
  const asked = readTopics(from);
  const isStable = from.int8() !== 0;
  const isHere = cluster.coordinatorOf("group", group) === nodeId;
  to.int32(NO_THROTTLE);
  writeTopics(to, isHere ? asked : [], (topic, partition) => {
    const { code, offset } = cluster.offsetsOf(group).offset(group, nameOf(topic, partition), isStable);
    to.int64(offset ?? -1)
      .int32(-1)
      .compactString("")
      .int16(code);
  });
  to.int16(isHere ? CODE.NONE : CODE.NOT_COORDINATOR).noTags();
}

function offsetCommit({ cluster, nodeId, from, to }: Arrived): void {
  const group = from.string();
  from.int32();
  from.string();
  from.int64();
  to.int32(NO_THROTTLE);
  const isHere = cluster.coordinatorOf("group", group) === nodeId;
  forEachPartition(from, to, (topic, partition) => {
    const offset = from.int64();
    from.string();
    to.int16(isHere ? cluster.commitOffset(group, topic, partition, offset) : CODE.NOT_COORDINATOR);
  });
}

function initProducerId({ cluster, nodeId, from, to }: Arrived): void {
  const id = from.string();
  const timeoutMs = from.int32();
  const { code, identity } = isCoordinator(cluster, nodeId, id)
    ? cluster.transactions.takeOver(id, timeoutMs)
    : { code: CODE.NOT_COORDINATOR, identity: undefined };
  to.int32(NO_THROTTLE)
    .int16(code)
    .int64(identity?.producerId ?? -1)
    .int16(identity?.producerEpoch ?? -1);
}

function addPartitionsToTxn({ cluster, nodeId, from, to }: Arrived): void {
  const id = from.string();
  const identity = { producerId: from.int64(), producerEpoch: from.int16() };
  const topics = from.array(() => [from.string(), from.array(() => from.int32())] as const);
  const partitions = topics.flatMap(([topic, numbers]) => numbers.map((partition) => [topic, partition] as const));
  const codes = isCoordinator(cluster, nodeId, id) ? cluster.addPartitions(id, identity, partitions) : [];
  let i = 0;
  to.int32(NO_THROTTLE).array(topics, ([topic, numbers]) =>
    to.string(topic).array(numbers, (partition) => to.int32(partition).int16(codes[i++] ?? CODE.NOT_COORDINATOR)),
  );
}

function addOffsetsToTxn({ cluster, nodeId, from, to }: Arrived): void {
  const id = from.string();
  const identity = { producerId: from.int64(), producerEpoch: from.int16() };
  const group = from.string();
  const isHere = isCoordinator(cluster, nodeId, id);
  to.int32(NO_THROTTLE).int16(isHere ? cluster.addGroup(id, identity, group) : CODE.NOT_COORDINATOR);
}

function txnOffsetCommit({ cluster, nodeId, from, to }: Arrived): void {
  const id = from.string();
  const group = from.string();
  const identity = { producerId: from.int64(), producerEpoch: from.int16() };
  const isHere = cluster.coordinatorOf("group", group) === nodeId;
  to.int32(NO_THROTTLE);
  forEachPartition(from, to, (topic, partition) => {
    const offset = from.int64();
    from.string();
    const code = isHere
      ? cluster.commitInTransaction(id, identity, group, topic, partition, offset)
      : CODE.NOT_COORDINATOR;
    to.int16(code);
  });
}

function endTxn({ cluster, nodeId, from, to }: Arrived): void {
  const id = from.string();
  const identity = { producerId: from.int64(), producerEpoch: from.int16() };
  const isCommit = from.int8() !== 0;
  const isHere = isCoordinator(cluster, nodeId, id);
  to.int32(NO_THROTTLE).int16(isHere ? cluster.transactions.end(id, identity, isCommit) : CODE.NOT_COORDINATOR);
}

function describeTransactions({ cluster, nodeId, from, to }: Arrived): void {
  const ids = from.compactArray(() => from.compactString());
  to.int32(NO_THROTTLE).compactArray(ids, (id) => {
    const isHere = isCoordinator(cluster, nodeId, id);
    const found = isHere ? cluster.transactions.describe(id) : undefined;
    to.int16(found === undefined ? (isHere ? CODE.TRANSACTIONAL_ID_NOT_FOUND : CODE.NOT_COORDINATOR) : CODE.NONE);
    to.compactString(id).compactString(found?.state ?? "");
    to.int32(found?.timeoutMs ?? 0).int64(found?.startedAtMs ?? 0);
    to.int64(found?.producerId ?? 0).int16(found?.producerEpoch ?? 0);
    to.compactArray([...Map.groupBy(found?.parts ?? [], ({ topic }) => topic)], ([topic, parts]) =>
      to
        .compactString(topic)
        .compactArray(parts, ({ partition }) => to.int32(partition))
        .noTags(),
    ).noTags();
  });
  to.noTags();
}

function describeProducers({ cluster, nodeId, from, to }: Arrived): void {
  to.int32(NO_THROTTLE);
  writeTopics(to, readTopics(from), (topic, partition) => {
    const part = cluster.partLedBy(nodeId, topic, partition);
    to.int16(typeof part === "number" ? part : CODE.NONE).compactString("");
    to.compactArray(typeof part === "number" ? [] : part.producers(), (producer) => {
      to.int64(producer.producerId).int32(producer.producerEpoch).int32(producer.lastSequence).int64(-1);
      to.int32(producer.coordinatorEpoch).int64(producer.startOffset).noTags();
    });
  });
  to.noTags();
}

function writeTxnMarkers({ cluster, nodeId, from, to }: Arrived): void {
  const count = from.unsignedVarint() - 1;
  to.unsignedVarint(count + 1);
  for (let i = 0; i < count; i += 1) {
    const as = { producerId: from.int64(), producerEpoch: from.int16(), isCommit: from.int8() !== 0 };
    const parts = readTopics(from);
    const end = { ...as, coordinatorEpoch: from.int32() };
    from.skipTags();
    to.int64(as.producerId);
    writeTopics(to, parts, (topic, partition) => to.int16(cluster.writeEnd(nodeId, topic, partition, end)));
    to.noTags();
  }
  to.noTags();
}

type NamedPartitions = readonly (readonly [topic: string, partitions: readonly number[]])[];

/** Of flexible versions. */
function readTopics(from: ProtocolReader): NamedPartitions {
  return from.compactArray(() => {
    const topic = [from.compactString(), from.compactArray(() => from.int32())] as const;
    from.skipTags();
    return topic;
  });
}

/** Of flexible versions: answers for each partition. */
function writeTopics(
  to: ProtocolWriter,
  topics: NamedPartitions,
  answer: (topic: string, partition: number) => void,
): void {
  to.compactArray(topics, ([topic, partitions]) => {
    to.compactString(topic).compactArray(partitions, (partition) => {
      to.int32(partition);
      answer(topic, partition);
      to.noTags();
    });
    to.noTags();
  });
}

/** Reads topics and their partitions, and answers in the same order: both are arrays of a name and an array that begins with a number. */
function forEachPartition(
  from: ProtocolReader,
  to: ProtocolWriter,
  serve: (topic: string, partition: number) => void,
): void {
  const topics = from.int32();
  to.int32(topics);
  for (let i = 0; i < topics; i += 1) {
    const topic = from.string();
    const partitions = from.int32();
    to.string(topic).int32(partitions);
    for (let k = 0; k < partitions; k += 1) {
      const partition = from.int32();
      to.int32(partition);
      serve(topic, partition);
    }
  }
}

function isCoordinator(cluster: SimulatedCluster, nodeId: number, transactionalId: string): boolean {
  return cluster.coordinatorOf("transaction", transactionalId) === nodeId;
}

function writeNode(to: ProtocolWriter, nodeId: number): ProtocolWriter {
  return to.string(HOST).int32(PORT_BASE + nodeId);
}
