/**
 * What a Kafka server answers to single requests, wrong ones above all. It is run against Apache Kafka, and so says that the simulated one is like it.
 */

import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Cluster } from "../../lib/kafka/cluster.ts";
import { encodeBatch } from "../../lib/kafka/encode-batch.ts";
import type { KafkaRequest } from "../../lib/kafka/requests.ts";
import * as requests from "../../lib/kafka/requests.ts";
import * as transactions from "../../lib/kafka/transaction-requests.ts";
import type { OutgoingRecord } from "../../lib/wire/outgoing-record.ts";
import { codeOf, type KafkaUnderTest, whileBusy } from "./kafka-server.ts";

const PLENTY = 1_000_000;
const TIMEOUT_MS = 20_000;

type Identity = transactions.ProducerIdentity;

export function testRequests(name: string, open: () => Promise<KafkaUnderTest>): void {
  describe(name, () => {
    let kafka: KafkaUnderTest;
    let cluster: Cluster;
    let topic: string;
    let id: string;
    beforeAll(async () => {
      kafka = await open();
      cluster = kafka.newCluster();
      // A server that has just started makes its own topics first.
      [topic, id] = [await newTopic(), `task-${randomUUID()}`];
      await addOffsets(await takeOver());
      await whileBusy(() => toGroup(requests.commitOffset(id, at(), 1)));
    });
    afterAll(() => kafka.close());
    beforeEach(async () => {
      topic = await newTopic();
      id = `task-${randomUUID()}`;
    });

    async function newTopic(settings: { partitions?: number; compacted?: boolean } = {}): Promise<string> {
      const created = { name: `topic-${randomUUID()}`, partitions: 1, compacted: false, retentionMs: undefined };
      await kafka.newBroker().ensureTopics([{ ...created, ...settings }]);
      return created.name;
    }

    const at = (partition = 0) => ({ topic, partition });
    const toLeader = <T>(request: KafkaRequest<T>) => cluster.askLeader(at(), request);
    const toCoordinator = <T>(request: KafkaRequest<T>) => cluster.askCoordinator("transaction", id, request);
    const toGroup = <T>(request: KafkaRequest<T>) => cluster.askCoordinator("group", id, request);

    const takeOver = () => whileBusy(() => toCoordinator(transactions.initProducerId(id, TIMEOUT_MS)));
    const add = (as: Identity) => whileBusy(() => toCoordinator(transactions.addPartitionsToTxn(id, as, [at()])));
    const addOffsets = (as: Identity) => whileBusy(() => toCoordinator(transactions.addOffsetsToTxn(id, as, id)));
    const commit = (as: Identity) => toCoordinator(transactions.commitTxn(id, as));
    const number = (as: Identity, offset: number) => toGroup(transactions.txnOffsetCommit(id, as, id, at(), offset));
    const stableOffset = () => toGroup(requests.stableOffset(id, at()));
    const fetched = (offset = 0, bytesMax = PLENTY) => toLeader(requests.fetchBatches(at(), offset, bytesMax, 0));

    /** Writes records, as a producer whose first has that sequence; as nobody without. */
    function send(values: readonly string[], as?: Identity & { baseSequence: number; isPlain?: boolean }) {
      const records = values.map((value): OutgoingRecord => record(value));
      const bytes = Buffer.from(encodeBatch(records, as));
      return toLeader(requests.produce(as === undefined ? null : id, [{ ...at(), bytes }], 5_000));
    }
    const end = async () => (await toLeader(requests.listOffsets(topic, [0], "end"))).get(0);

    describe("a batch in a transaction", () => {
      test("is refused where the partition is not in it, and taken where it is", async () => {
        const as = await takeOver();
        expect(await codeOf(send(["a"], { ...as, baseSequence: 0 }))).toBe("INVALID_TXN_STATE");
        expect(await end()).toBe(0);
        await add(as);
        expect(await codeOf(send(["a"], { ...as, baseSequence: 0 }))).toBe("NONE");
        expect(await codeOf(send(["b"], { ...as, baseSequence: 1 }))).toBe("NONE");
      });

      test("is refused when that one has ended, and taken in the next, where the sequence goes on", async () => {
        const as = await takeOver();
        await add(as);
        await send(["a", "b"], { ...as, baseSequence: 0 });
        await commit(as);
        await expect.poll(end).toBe(3);
        const next = () => codeOf(send(["c"], { ...as, baseSequence: 2 }));
        await expect.poll(next).toBe("INVALID_TXN_STATE");
        await add(as);
        expect(await next()).toBe("NONE");
        expect(await end()).toBe(4);
      });

      test("that is sent again is acknowledged and not written again, up to the fifth before", async () => {
        const as = await takeOver();
        await add(as);
        for (let i = 0; i < 6; i += 1) expect(await codeOf(send([`${i}`], { ...as, baseSequence: i }))).toBe("NONE");
        for (let i = 1; i < 6; i += 1) expect(await codeOf(send([`${i}`], { ...as, baseSequence: i }))).toBe("NONE");
        expect(await codeOf(send(["0"], { ...as, baseSequence: 0 }))).toBe("OUT_OF_ORDER_SEQUENCE_NUMBER");
        expect(await end()).toBe(6);
      });

      test("that leaves out a number is refused", async () => {
        const as = await takeOver();
        await add(as);
        await send(["a", "b"], { ...as, baseSequence: 0 });
        for (const baseSequence of [1, 3, 100])
          expect(await codeOf(send(["c"], { ...as, baseSequence }))).toBe("OUT_OF_ORDER_SEQUENCE_NUMBER");
        expect(await codeOf(send(["c"], { ...as, baseSequence: 2 }))).toBe("NONE");
      });

      test("of a producer of whom the partition knows nothing may begin anywhere", async () => {
        const as = await takeOver();
        await add(as);
        expect(await codeOf(send(["a"], { ...as, baseSequence: 7 }))).toBe("NONE");
        expect(await codeOf(send(["b"], { ...as, baseSequence: 8 }))).toBe("NONE");
      });

      test("cannot come before one that was refused for not being in it", async () => {
        const as = await takeOver();
        expect(await codeOf(send(["a"], { ...as, baseSequence: 0 }))).toBe("INVALID_TXN_STATE");
        await add(as);
        expect(await codeOf(send(["b"], { ...as, baseSequence: 1 }))).toBe("OUT_OF_ORDER_SEQUENCE_NUMBER");
        expect(await codeOf(send(["a"], { ...as, baseSequence: 0 }))).toBe("NONE");
      });

      test("of a new epoch begins at 0", async () => {
        const before = await takeOver();
        await add(before);
        await send(["a", "b"], { ...before, baseSequence: 0 });
        await commit(before);
        const as = await takeOver();
        await add(as);
        expect(await codeOf(send(["c"], { ...as, baseSequence: 2 }))).toBe("OUT_OF_ORDER_SEQUENCE_NUMBER");
        expect(await codeOf(send(["c"], { ...as, baseSequence: 0 }))).toBe("NONE");
      });

      test("of an epoch that was taken over is refused, before and after the successor has written", async () => {
        const zombie = await takeOver();
        await add(zombie);
        await send(["a"], { ...zombie, baseSequence: 0 });
        const as = await takeOver();
        expect(as.producerId).toBe(zombie.producerId);
        expect(as.producerEpoch).toBeGreaterThan(zombie.producerEpoch);
        expect(await codeOf(send(["b"], { ...zombie, baseSequence: 1 }))).toBe("INVALID_PRODUCER_EPOCH");
        await add(as);
        await send(["c"], { ...as, baseSequence: 0 });
        expect(await codeOf(send(["b"], { ...zombie, baseSequence: 1 }))).toBe("INVALID_PRODUCER_EPOCH");
      });

      test("of a producer whom the coordinator does not know is refused", async () => {
        const as = await takeOver();
        const other = { producerId: as.producerId + 1_000_000, producerEpoch: 0 };
        expect(await codeOf(send(["a"], { ...other, baseSequence: 0 }))).toBe("INVALID_PRODUCER_ID_MAPPING");
      });
    });

    describe("a coordinator", () => {
      test("tells whom it has fenced", async () => {
        const zombie = await takeOver();
        await takeOver();
        for (const request of [
          transactions.addPartitionsToTxn(id, zombie, [at()]),
          transactions.addOffsetsToTxn(id, zombie, id),
          transactions.commitTxn(id, zombie),
        ])
          expect(await codeOf(toCoordinator<unknown>(request))).toBe("INVALID_PRODUCER_EPOCH");
      });

      test("does not take one producer for another, nor a new id for an old one", async () => {
        const as = await takeOver();
        const other = { ...as, producerId: as.producerId + 1_000_000 };
        const nobody = `task-${randomUUID()}`;
        for (const request of [
          transactions.addPartitionsToTxn(id, other, [at()]),
          transactions.addOffsetsToTxn(id, other, id),
          transactions.commitTxn(id, other),
        ])
          expect(await codeOf(toCoordinator<unknown>(request))).toBe("INVALID_PRODUCER_ID_MAPPING");
        const unknown = transactions.addOffsetsToTxn(nobody, as, nobody);
        expect(await codeOf(cluster.askCoordinator("transaction", nobody, unknown))).toBe(
          "INVALID_PRODUCER_ID_MAPPING",
        );
      });

      test("aborts what is open before it gives the id to the next", async () => {
        const before = await takeOver();
        await add(before);
        await send(["a"], { ...before, baseSequence: 0 });
        const ask = () => toCoordinator(transactions.initProducerId(id, TIMEOUT_MS));
        expect(await codeOf(ask())).toBe("CONCURRENT_TRANSACTIONS");
        const as = await takeOver();
        expect(as.producerEpoch).toBeGreaterThan(before.producerEpoch + 1);
        await expect.poll(async () => (await fetched()).lastStableOffset).toBe(2);
        expect((await fetched()).aborted).toEqual([{ producerId: as.producerId, firstOffset: 0 }]);
      });

      test("adds all partitions of a request or none", async () => {
        const as = await takeOver();
        const missing = { topic, partition: 9 };
        const request = transactions.addPartitionsToTxn(id, as, [missing, at()]);
        // The code of the one or, "not attempted", of the other: Kafka answers in no order.
        expect(await codeOf(toCoordinator(request))).toMatch(/UNKNOWN_TOPIC_OR_PARTITION|error 55/);
        expect(await codeOf(send(["a"], { ...as, baseSequence: 0 }))).toBe("INVALID_TXN_STATE");
      });

      test("acknowledges the same end again, and no end of what did not begin", async () => {
        const as = await takeOver();
        expect(await codeOf(commit(as))).toBe("INVALID_TXN_STATE");
        await add(as);
        await add(as);
        expect(await codeOf(commit(as))).toBe("NONE");
        await whileBusy(() => commit(as));
        expect(await codeOf(commit(as))).toBe("NONE");
        // Where nothing was written the marker is written all the same.
        expect(await end()).toBe(1);
        await takeOver();
      });

      test("refuses a time-out above its own", async () => {
        expect(await codeOf(toCoordinator(transactions.initProducerId(id, 900_001)))).toBe("error 50");
      });
    });

    describe("a group's offset in a transaction", () => {
      test("is refused where the group is not in it", async () => {
        const as = await takeOver();
        expect(await codeOf(number(as, 1))).toBe("INVALID_TXN_STATE");
        await add(as);
        expect(await codeOf(number(as, 1))).toBe("INVALID_TXN_STATE");
        await addOffsets(as);
        expect(await codeOf(number(as, 1))).toBe("NONE");
        expect(await codeOf(number(as, 2))).toBe("NONE");
        expect(await codeOf(stableOffset())).toBe("UNSTABLE_OFFSET_COMMIT");
        await commit(as);
        expect(await whileBusy(stableOffset)).toBe(2);
        // The offset is there a moment before the transaction is over.
        await expect.poll(() => codeOf(number(as, 3))).toBe("INVALID_TXN_STATE");
      });

      test("of who was taken over is refused, and what it left is not told", async () => {
        const zombie = await takeOver();
        await addOffsets(zombie);
        await number(zombie, 1);
        const as = await takeOver();
        expect(await whileBusy(stableOffset)).toBe(undefined);
        expect(await codeOf(number(zombie, 2))).toBe("INVALID_PRODUCER_EPOCH");
        await addOffsets(as);
        await number(as, 3);
        expect(await codeOf(number(zombie, 2))).toBe("INVALID_PRODUCER_EPOCH");
        await commit(as);
        expect(await whileBusy(stableOffset)).toBe(3);
      });

      test("does not count against one that was committed after it, without a transaction", async () => {
        const as = await takeOver();
        await addOffsets(as);
        await number(as, 1);
        await toGroup(requests.commitOffset(id, at(), 10));
        await commit(as);
        expect(await whileBusy(stableOffset)).toBe(10);
      });

      test("for a partition that does not exist is refused, as it is without a transaction", async () => {
        const as = await takeOver();
        await addOffsets(as);
        const missing = { topic, partition: 5 };
        const inTransaction = transactions.txnOffsetCommit(id, as, id, missing, 1);
        expect(await codeOf(toGroup(inTransaction))).toBe("UNKNOWN_TOPIC_OR_PARTITION");
        expect(await codeOf(toGroup(requests.commitOffset(id, missing, 1)))).toBe("UNKNOWN_TOPIC_OR_PARTITION");
        expect(await toGroup(requests.stableOffset(id, missing))).toBe(undefined);
      });
    });

    describe("a fetch", () => {
      test("ends before the first open transaction, and tells which were aborted", async () => {
        const open = await takeOver();
        await send(["plain"]);
        await add(open);
        await send(["a", "b"], { ...open, baseSequence: 0 });
        await send(["behind"]);
        const before = await fetched();
        expect([before.highOffset, before.lastStableOffset, before.aborted]).toEqual([4, 1, []]);
        expect((await fetched(2)).batches.length).toBe(0);
        await takeOver();
        await expect.poll(async () => (await fetched()).lastStableOffset).toBe(5);
        for (const offset of [0, 2, 4])
          expect((await fetched(offset)).aborted).toEqual([{ producerId: open.producerId, firstOffset: 1 }]);
        expect((await fetched(5)).aborted).toEqual([]);
      });

      test("gives the first batch whole, and cuts the last off where the bytes end", async () => {
        await send(["x".repeat(1000)]);
        await send(["y".repeat(1000)]);
        const all = (await fetched()).batches;
        expect((await fetched(0, 10)).batches.length).toBe(all.length / 2);
        expect((await fetched(0, all.length - 100)).batches.length).toBe(all.length - 100);
        expect((await fetched(1, 10)).batches.length).toBe(all.length / 2);
      });

      test("outside of what is there is refused", async () => {
        await send(["a"]);
        expect(await codeOf(fetched(2))).toBe("OFFSET_OUT_OF_RANGE");
        expect(await codeOf(fetched(-1))).toBe("OFFSET_OUT_OF_RANGE");
        expect((await fetched(1)).batches.length).toBe(0);
      });

      test("gives the bytes that were written, but for the offset and the leader's epoch", async () => {
        const bytes = Buffer.from(encodeBatch([record("a"), record("b")]));
        await send(["before"]);
        await toLeader(requests.produce(null, [{ ...at(), bytes: Buffer.from(bytes) }], 5_000));
        const { batches } = await fetched(1);
        expect(batches.readBigInt64BE(0)).toBe(1n);
        expect(batches.subarray(16).toString("hex")).toBe(bytes.subarray(16).toString("hex"));
      });

      test("gives markers of the length and kind that readers know", async () => {
        const as = await takeOver();
        await add(as);
        await send(["a"], { ...as, baseSequence: 0 });
        await commit(as);
        await expect.poll(async () => (await fetched()).lastStableOffset).toBe(2);
        const { batches } = await fetched(1);
        expect(batches.length).toBe(78);
        const attributes = batches.readInt16BE(21);
        const committed = batches.readInt16BE(61 + 7);
        expect([attributes, batches.readBigInt64BE(43), batches.readInt16BE(51), committed]).toEqual([
          0x30,
          BigInt(as.producerId),
          as.producerEpoch,
          1,
        ]);
      });
    });

    describe("a partition", () => {
      test("takes no batch that is too large, nor too far in the future, nor without a key where it is compacted", async () => {
        const small = `small-${randomUUID()}`;
        await kafka.limitBatches(small, 500);
        const compacted = await newTopic({ compacted: true });
        const write = (name: string, one: OutgoingRecord) => {
          const to = { topic: name, partition: 0 };
          return codeOf(cluster.askLeader(to, requests.produce(null, [{ ...to, bytes: encodeBatch([one]) }], 5_000)));
        };
        await expect.poll(() => write(small, record("a")).catch(() => undefined)).toBe("NONE");
        expect(await write(small, record("x".repeat(500)))).toBe("MESSAGE_TOO_LARGE");
        const future = { ...record("a"), timestampMs: Date.now() + 2 * 3_600_000 };
        expect(await write(small, future)).toBe("INVALID_TIMESTAMP");
        expect(await write(topic, future)).toBe("NONE");
        expect(await write(compacted, record("a"))).toBe("INVALID_RECORD");
        expect(await write(compacted, { ...record("a"), key: new Uint8Array(0) })).toBe("NONE");
      });

      test("that does not exist is said to be unknown", async () => {
        const missing = { topic, partition: 3 };
        const bytes = encodeBatch([record("a")]);
        for (const request of [
          requests.produce(null, [{ ...missing, bytes }], 5_000),
          requests.listOffsets(topic, [3], "end"),
          requests.fetchBatches(missing, 0, PLENTY, 0),
        ])
          expect(await codeOf(toLeader<unknown>(request))).toBe("UNKNOWN_TOPIC_OR_PARTITION");
      });
    });

    test("topics are refused that cannot be", async () => {
      const create = async (changed: Partial<requests.TopicToCreate>) => {
        const wanted = { name: `new-${randomUUID()}`, partitions: 1, replicationFactor: 1, settings: [], ...changed };
        const { controllerId } = await cluster.metadata([]);
        return codeOf(cluster.askNode(controllerId, requests.createTopics([wanted], 5_000)));
      };
      expect(await create({ name: topic })).toBe("TOPIC_ALREADY_EXISTS");
      expect(await create({ name: "not a name" })).toBe("INVALID_TOPIC_EXCEPTION");
      expect(await create({ partitions: 0 })).toBe("INVALID_PARTITIONS");
      expect(await create({ replicationFactor: 50 })).toBe("INVALID_REPLICATION_FACTOR");
      expect(await create({})).toBe("NONE");
    });

    test("metadata tells of topics that do not exist, and of all where none is named", async () => {
      const missing = `missing-${randomUUID()}`;
      const { topics } = await cluster.metadata([topic, missing]);
      expect(topics.map(({ topic: name, code, leaders }) => [name === topic, code, leaders.length]).toSorted()).toEqual(
        [
          [false, 3, 0],
          [true, 0, 1],
        ],
      );
      expect((await cluster.metadata([])).topics).toEqual([]);
      expect((await cluster.metadata(undefined)).topics.map(({ topic: name }) => name)).toContain(topic);
    });
  });
}

function record(value: string): OutgoingRecord {
  return { key: null, value: Buffer.from(value), timestampMs: 1_700_000_000_000, headers: [] };
}
