/** What a Kafka server says of transactions and their ends, and how it takes ends from others than its coordinator. Run against Apache Kafka too. */

import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Cluster } from "../../lib/kafka/cluster.ts";
import { encodeBatch } from "../../lib/kafka/encode-batch.ts";
import { type KafkaRequest, produce } from "../../lib/kafka/requests.ts";
import * as transactions from "../../lib/kafka/transaction-requests.ts";
import { newTopic, record } from "../services/kafka-world.ts";
import { codeOf, type KafkaUnderTest, whileBusy } from "./kafka-server.ts";

export function testEnds(name: string, open: () => Promise<KafkaUnderTest>): void {
  describe(name, () => {
    let kafka: KafkaUnderTest;
    let cluster: Cluster;
    let at: { topic: string; partition: number };
    let id: string;
    beforeAll(async () => {
      kafka = await open();
      cluster = kafka.newCluster();
    });
    afterAll(() => kafka.close());
    beforeEach(async () => {
      at = { topic: await newTopic(kafka.newBroker()), partition: 0 };
      id = `task-${randomUUID()}`;
    });

    const toCoordinator = <T>(request: KafkaRequest<T>) => cluster.askCoordinator("transaction", id, request);
    const described = () => toCoordinator(transactions.describeTransaction(id));
    const openHere = () => cluster.askLeader(at, transactions.describeProducers([at]));
    const writeEnd = (as: transactions.ProducerIdentity, isCommit: boolean, coordinatorEpoch: number) =>
      codeOf(cluster.askLeader(at, transactions.writeTxnMarkers(as, isCommit, [at], coordinatorEpoch)));

    async function takeOver() {
      return whileBusy(() => toCoordinator(transactions.initProducerId(id, 20_000)));
    }

    async function begin() {
      const as = await takeOver();
      await whileBusy(() => toCoordinator(transactions.addPartitionsToTxn(id, as, [at])));
      const bytes = encodeBatch([record("a")], { ...as, baseSequence: 0 });
      expect(await codeOf(cluster.askLeader(at, produce(id, [{ ...at, bytes }], 5_000)))).toBe("NONE");
      return as;
    }

    test("a transaction is described from its first to its end", async () => {
      expect(await whileBusy(described)).toBe(undefined);
      const as = await takeOver();
      expect(await described()).toEqual({ ...as, state: "Empty" });
      await whileBusy(() => toCoordinator(transactions.addPartitionsToTxn(id, as, [at])));
      expect(await described()).toEqual({ ...as, state: "Ongoing" });
      await toCoordinator(transactions.commitTxn(id, as));
      await expect.poll(described).toEqual({ ...as, state: "CompleteCommit" });
    });

    test("one that was aborted for a successor stands under an epoch that is nobody's", async () => {
      const as = await begin();
      await codeOf(toCoordinator(transactions.initProducerId(id, 20_000)));
      await expect.poll(async () => (await described())?.state).toBe("CompleteAbort");
      const { producerEpoch } = (await described()) ?? { producerEpoch: -1 };
      expect(producerEpoch).toBeGreaterThan(as.producerEpoch);
      expect((await takeOver()).producerEpoch).toBeGreaterThan(producerEpoch);
    });

    test("a partition tells what is open in it, and which coordinator last ended something", async () => {
      expect(await openHere()).toEqual([]);
      const as = await begin();
      expect(await openHere()).toEqual([{ ...at, producerId: as.producerId, coordinatorEpoch: -1, startOffset: 0 }]);
      await toCoordinator(transactions.commitTxn(id, as));
      await expect.poll(openHere).toEqual([]);
      await whileBusy(() => toCoordinator(transactions.addPartitionsToTxn(id, as, [at])));
      const bytes = encodeBatch([record("b")], { ...as, baseSequence: 1 });
      await cluster.askLeader(at, produce(id, [{ ...at, bytes }], 5_000));
      expect(await openHere()).toEqual([
        { ...at, producerId: as.producerId, coordinatorEpoch: expect.any(Number), startOffset: 2 },
      ]);
      expect((await openHere())[0]?.coordinatorEpoch).toBeGreaterThanOrEqual(0);
    });

    test.each([true, false])("an end by somebody else ends it there, commit: %s", async (isCommit) => {
      const as = await begin();
      expect(await writeEnd(as, isCommit, 0)).toBe("NONE");
      expect(await openHere()).toEqual([]);
      const { records } = await kafka.newBroker().fetch(at.topic, 0, 0, { bytesMax: 1000, recordsMax: 10 });
      expect(records.count).toBe(isCommit ? 1 : 0);
      expect((await described())?.state).toBe("Ongoing");
    });

    test("an end under an older epoch, of the producer or the coordinator, is refused", async () => {
      const before = await begin();
      await codeOf(toCoordinator(transactions.commitTxn(id, before)));
      const as = await begin();
      expect(as.producerEpoch).toBeGreaterThan(before.producerEpoch);
      expect(await writeEnd(before, true, 3)).toBe("INVALID_PRODUCER_EPOCH");
      expect(await openHere()).toHaveLength(1);
      expect(await writeEnd(as, true, 3)).toBe("NONE");
      expect(await openHere()).toHaveLength(0);
      expect(await writeEnd(as, true, 2)).toBe("error 52");
      // So its own coordinator is shut out, and never comes to an end.
      expect(await codeOf(toCoordinator(transactions.commitTxn(id, as)))).toBe("NONE");
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect((await described())?.state).toBe("PrepareCommit");
    });
  });
}
