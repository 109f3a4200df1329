/**
 * Exactly once on a Kafka server, whatever fails at whatever moment. Numbers are the invariants of lib/kafka/transactions.ts. It is run against Apache Kafka,
 * and so says that the simulated one is like it.
 */

import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Cluster } from "../../lib/kafka/cluster.ts";
import type { KafkaBroker } from "../../lib/kafka/kafka-broker.ts";
import { stableOffset } from "../../lib/kafka/requests.ts";
import {
  addOffsetsToTxn,
  addPartitionsToTxn,
  commitTxn,
  describeTransaction,
  initProducerId,
  txnOffsetCommit,
} from "../../lib/kafka/transaction-requests.ts";
import { Transactions } from "../../lib/kafka/transactions.ts";
import { cutIntoRounds, writeBatches } from "../../lib/kafka/write-batches.ts";
import { batch, newTopic, readAll, valuesOf } from "../services/kafka-world.ts";
import type { KafkaUnderTest } from "./kafka-server.ts";

const LIMITS = { batchBytesMax: 1_000_000, timeoutMs: 5_000, transactionTimeoutMs: 20_000 };

export function testTransactions(name: string, open: () => Promise<KafkaUnderTest>): void {
  describe(name, () => {
    let kafka: KafkaUnderTest;
    let reader: KafkaBroker;
    beforeAll(async () => {
      kafka = await open();
      reader = kafka.newBroker();
    });
    afterAll(() => kafka.close());

    const newCluster = () => kafka.newCluster();
    const newBroker = () => kafka.newBroker();

    /** What is read, in the end: ends are applied after they were acknowledged. */
    const seen = (topic: string, partition = 0) =>
      expect.poll(() => valuesOf(reader, topic, partition), { timeout: 5_000 });
    const lengthsSeen = (topic: string) =>
      expect.poll(async () => (await valuesOf(reader, topic)).map(({ length }) => length));

    /** A process: it writes the batches of a number to every partition of a topic. */
    function newWriter(topic: string, partitions: number, transactionalId: string) {
      const broker = newBroker();
      return (sequenceNumber: number) =>
        broker.produceExactlyOnce(
          Array.from({ length: partitions }, (_, partition) => batch(topic, partition, `${sequenceNumber}`)),
          { transactionalId, sequenceNumber },
        );
    }

    /** A cluster of which the n-th request to a leader or a coordinator fails, and everything after it, as when a process loses its network. */
    function failingCluster(
      how: "lost before it is sent" | "sent, and its answer lost",
      nth: number,
      onCut: () => void,
    ) {
      const cluster = newCluster();
      let asked = 0;
      return new Proxy(cluster, {
        get(target, name) {
          const member = Reflect.get(target, name, target);
          if (typeof member !== "function") return member;
          if (name !== "askNode" && name !== "askCoordinator") return member.bind(target);
          return async (...arguments_: unknown[]) => {
            asked += 1;
            if (asked < nth) return member.apply(target, arguments_);
            if (asked === nth) onCut();
            if (asked === nth && how === "sent, and its answer lost") await member.apply(target, arguments_);
            target.discard("the network is gone");
            throw new Error("the network is gone");
          };
        },
      });
    }

    describe("a zombie", () => {
      test("1: that goes on after another took over is fenced, and learns what is there", async () => {
        const topic = await newTopic(reader, 2);
        const id = `task-${randomUUID()}`;
        const [zombie, successor] = [newWriter(topic, 2, id), newWriter(topic, 2, id)];
        await zombie(1);
        await successor(2);
        await expect(zombie(2)).rejects.toMatchObject({
          code: "kafka",
          message: expect.stringContaining("taken over"),
        });
        await zombie(2);
        await expect(successor(3)).rejects.toMatchObject({ code: "kafka" });
        await successor(3);
        for (const partition of [0, 1]) await seen(topic, partition).toEqual(["1", "2", "3"]);
      });

      test("1: with an open transaction cannot end it any more, and what it wrote is never seen", async () => {
        const topic = await newTopic(reader);
        const id = `task-${randomUUID()}`;
        const commit = await beginByHand(newCluster(), topic, id, 1);
        await newWriter(topic, 1, id)(1);
        await expect(commit()).rejects.toThrow(/INVALID_PRODUCER_EPOCH|PRODUCER_FENCED/);
        await seen(topic).toEqual(["1"]);
      });
    });

    describe("2: the number read", () => {
      test("is not told while a transaction that writes it is open", async () => {
        const topic = await newTopic(reader);
        const id = `task-${randomUUID()}`;
        await newWriter(topic, 1, id)(1);
        const commit = await beginByHand(newCluster(), topic, id, 2);
        const ask = () => newCluster().askCoordinator("group", id, stableOffset(id, { topic, partition: 0 }));
        await expect(ask()).rejects.toMatchObject({ codeName: "UNSTABLE_OFFSET_COMMIT" });
        await commit();
        expect(await retry(ask)).toBe(2);
      });

      test("straight after a commit, by another process, is the one committed, a hundred times", async () => {
        const topic = await newTopic(reader);
        const id = `task-${randomUUID()}`;
        const cluster = newCluster();
        for (let n = 1; n <= 100; n += 1) {
          await (await beginByHand(cluster, topic, id, n))();
          // The reply of the commit was lost: whoever repeats it must find it.
          await new Transactions(LIMITS).write(newCluster(), [batch(topic, 0, `${n}`)], {
            transactionalId: id,
            sequenceNumber: n,
          });
        }
        await seen(topic).toEqual(Array.from({ length: 100 }, (_, i) => `${i + 1}`));
      });

      test("of nobody, for a task that has written before, is an error and no zero", async () => {
        const topic = await newTopic(reader);
        const repeat = { transactionalId: `task-${randomUUID()}`, sequenceNumber: 7, previousSequenceNumber: 4 };
        const write = reader.produceExactlyOnce([batch(topic, 0, "7")], repeat);
        await expect(write).rejects.toMatchObject({ code: "kafka", message: expect.stringContaining("no offset") });
        expect(await valuesOf(reader, topic)).toEqual([]);
      });
    });

    describe("3: a writer", () => {
      const stateOf = async (id: string) =>
        (await newCluster().askCoordinator("transaction", id, describeTransaction(id)))?.state;

      test("opens the transaction of its next write ahead, over what it says and what it does not", async () => {
        const topic = await newTopic(reader, 2);
        const id = `task-${randomUUID()}`;
        const broker = newBroker();
        const write = (n: number, ...partitions: number[]) =>
          broker.produceExactlyOnce(
            partitions.map((partition) => batch(topic, partition, `${n}`)),
            { transactionalId: id, sequenceNumber: n, offsetAt: { topic, partition: 0 } },
          );
        await write(1, 0);
        await broker.prepareExactlyOnce([{ topic, partition: 0 }], { transactionalId: id, sequenceNumber: 2 });
        expect(await stateOf(id)).toBe("Ongoing");
        await seen(topic).toEqual(["1"]);
        await write(2, 1);
        await write(3, 0, 1);
        await seen(topic).toEqual(["1", "3"]);
        await seen(topic, 1).toEqual(["2", "3"]);
      });

      test("that writes nothing into what it opened keeps nobody from taking over", async () => {
        const topic = await newTopic(reader);
        const id = `task-${randomUUID()}`;
        const broker = newBroker();
        const once = (sequenceNumber: number) => ({ transactionalId: id, sequenceNumber });
        await broker.produceExactlyOnce([batch(topic, 0, "1")], once(1));
        await broker.prepareExactlyOnce([{ topic, partition: 0 }], once(2));
        await newBroker().produceExactlyOnce([batch(topic, 0, "2")], once(2));
        await broker.prepareExactlyOnce([{ topic, partition: 0 }], once(3));
        await broker.produceExactlyOnce([batch(topic, 0, "3")], once(3));
        await seen(topic).toEqual(["1", "2", "3"]);
      });

      test("that wrote another number than it prepared has written that one", async () => {
        const topic = await newTopic(reader);
        const id = `task-${randomUUID()}`;
        const broker = newBroker();
        const once = (sequenceNumber: number) => ({ transactionalId: id, sequenceNumber });
        await broker.produceExactlyOnce([batch(topic, 0, "1")], once(1));
        await broker.prepareExactlyOnce([{ topic, partition: 0 }], once(2));
        // Commit 2 lost its race, and that of the winner had nothing to write.
        await broker.produceExactlyOnce([batch(topic, 0, "3")], once(3));
        // A number that was prepared and never written was not written.
        await broker.prepareExactlyOnce([{ topic, partition: 0 }], once(4));
        await newBroker().produceExactlyOnce([batch(topic, 0, "3")], once(3));
        await newBroker().produceExactlyOnce([batch(topic, 0, "4")], once(4));
        await seen(topic).toEqual(["1", "3", "4"]);
      });

      test("that has never written opens nothing: who takes over has something to write", async () => {
        const topic = await newTopic(reader);
        const id = `task-${randomUUID()}`;
        await newBroker().prepareExactlyOnce([{ topic, partition: 0 }], { transactionalId: id, sequenceNumber: 1 });
        expect(await stateOf(id)).toBeUndefined();
      });

      test("of which a send failed commits nothing; the repeat writes all", async () => {
        const topic = await newTopic(reader);
        const small = `small-${randomUUID()}`;
        await kafka.limitBatches(small, 1000);
        const broker = newBroker();
        const write = (sequenceNumber: number, length: number) =>
          broker.produceExactlyOnce([batch(topic, 0, "x".repeat(length)), batch(small, 0, "y".repeat(length))], {
            transactionalId: id,
            sequenceNumber,
            offsetAt: { topic, partition: 0 },
          });
        const id = `task-${randomUUID()}`;
        await retry(() => write(1, 10));
        for (let i = 0; i < 3; i += 1)
          await expect(write(2, 5_000)).rejects.toMatchObject({ message: expect.stringContaining("too large") });
        for (const name of [topic, small]) await lengthsSeen(name).toEqual([10]);
        await kafka.limitBatches(small, 100_000);
        await retry(() => write(2, 5_000));
        await write(2, 5_000);
        for (const name of [topic, small]) await lengthsSeen(name).toEqual([10, 5_000]);
      });

      test.each(["lost before it is sent", "sent, and its answer lost"] as const)(
        "whose every request in turn is %s writes each number once, in this process and in the next",
        async (how) => {
          const topic = await newTopic(reader, 2);
          const expected: string[] = [];
          let number = 0;
          for (const isCrash of [false, true]) {
            const id = `task-${randomUUID()}`;
            let process = new Transactions(LIMITS);
            let cut = 0;
            for (let failing = 1; failing === 1 || cut === failing - 1; failing += 1) {
              number += 1;
              const batches = [0, 1].map((partition) => batch(topic, partition, `${number}`));
              const once = { transactionalId: id, sequenceNumber: number };
              const failed = process.write(
                failingCluster(how, failing, () => (cut = failing)),
                batches,
                once,
              );
              await failed.catch(() => {});
              if (isCrash) process = new Transactions(LIMITS);
              await process.write(newCluster(), batches, once);
              // Whoever lost its race with the broker asks once more.
              await process.write(newCluster(), batches, once);
              if (isCrash) process = new Transactions(LIMITS);
              expected.push(`${number}`);
            }
            // Take over, read, open, add, send, number, commit; who is known begins with the third.
            expect(cut).toBeGreaterThanOrEqual(isCrash ? 7 : 5);
          }
          for (const partition of [0, 1]) await seen(topic, partition).toEqual(expected);
          const consumed = await kafka.consumeAll(topic, expected.length * 2);
          expect([consumed.get(0), consumed.get(1)]).toEqual([expected, expected]);
        },
      );
    });

    describe("6: an end that Kafka has decided and lost", () => {
      /** A transaction whose end the coordinator does not write into the topic, and not to the group either, since it does not know that they belong to it. */
      async function loseEnd(
        topic: string,
        id: string,
        sequenceNumber: number,
        how: "commit" | "abort",
        where: "everywhere" | "in the topic",
      ) {
        const cluster = newCluster();
        const known = { topic: await newTopic(reader), partition: 0 };
        const at = { topic, partition: 0 };
        const identity = await retry(() => cluster.askCoordinator("transaction", id, initProducerId(id, 20_000)));
        await retry(() => cluster.askCoordinator("transaction", id, addPartitionsToTxn(id, identity, [known])));
        const writer = { transactionalId: id, ...identity, sequences: new Map<string, number>() };
        const rounds = cutIntoRounds([batch(topic, 0, `${sequenceNumber}`)], LIMITS.batchBytesMax);
        await retry(async () => {
          await kafka.verifyTransactions(false);
          writer.sequences.clear();
          await writeBatches(cluster, rounds, LIMITS.timeoutMs, new Map(), writer);
        });
        if (where === "in the topic")
          await retry(() => cluster.askCoordinator("transaction", id, addOffsetsToTxn(id, identity, id)));
        await cluster.askCoordinator("group", id, txnOffsetCommit(id, identity, id, at, sequenceNumber));
        await kafka.verifyTransactions(true);
        const end = how === "commit" ? commitTxn(id, identity) : initProducerId(id, 20_000);
        await (cluster.askCoordinator("transaction", id, end) as Promise<unknown>).catch(() => {});
        const state = async () => (await cluster.askCoordinator("transaction", id, describeTransaction(id)))?.state;
        await expect.poll(state).toBe(how === "commit" ? "CompleteCommit" : "CompleteAbort");
        const read = () => newCluster().askCoordinator("group", id, stableOffset(id, at));
        if (where === "in the topic") await retry(read);
        else await expect(read()).rejects.toMatchObject({ codeName: "UNSTABLE_OFFSET_COMMIT" });
      }

      test.each([
        ["commit", "everywhere"],
        ["commit", "in the topic"],
        ["abort", "everywhere"],
        ["abort", "in the topic"],
      ] as const)("is written by who comes next, even by two at once: %s, %s", async (how, where) => {
        const topic = await newTopic(reader);
        const id = `task-${randomUUID()}`;
        await newWriter(topic, 1, id)(1);
        await loseEnd(topic, id, 2, how, where);
        const [one, two] = [newWriter(topic, 1, id), newWriter(topic, 1, id)];
        await Promise.allSettled([one(2), two(2)]);
        await retry(() => one(2));
        // Fenced by the other, it may learn of that only now.
        await retry(() => one(3));
        await seen(topic).toEqual(["1", "2", "3"]);
        const { records } = await readAll(reader, topic);
        // What was committed is read where it stood: behind 1 and its end.
        expect(records[1]?.offset === 2).toBe(how === "commit");
      });

      test("does not keep back what was written for another number meanwhile", async () => {
        const topic = await newTopic(reader);
        const id = `task-${randomUUID()}`;
        await loseEnd(topic, id, 1, "commit", "everywhere");
        await newWriter(topic, 1, id)(2);
        await seen(topic).toEqual(["1", "2"]);
      });
    });

    test("control markers and aborted transactions are left out, and their offsets passed", async () => {
      const topic = await newTopic(reader);
      const id = `task-${randomUUID()}`;
      const write = newWriter(topic, 1, id);
      await write(1);
      await beginByHand(newCluster(), topic, id, 2);
      await newWriter(topic, 1, id)(2);
      // Markers are written after the answer to a commit.
      await seen(topic).toEqual(["1", "2"]);
      await reader.produce([batch(topic, 0, "plain")]);
      const { records, nextOffset } = await readAll(reader, topic);
      // 1 and its marker, the aborted 2 and its marker, 2 and its marker, plain.
      expect(records).toEqual([
        { offset: 0, value: "1" },
        { offset: 4, value: "2" },
        { offset: 6, value: "plain" },
      ]);
      expect(nextOffset).toBe(7);
      expect(await reader.offsets(topic)).toEqual([{ low: 0, high: 7 }]);
      for (const [from, values] of [
        [1, ["2", "plain"]],
        [3, ["2", "plain"]],
        [5, ["plain"]],
        [7, []],
      ] as const)
        expect((await readAll(reader, topic, 0, from)).records.map(({ value }) => value)).toEqual(values);
    });

    test("records of an open transaction are not seen, nor what stands behind them", async () => {
      const topic = await newTopic(reader);
      const commit = await beginByHand(newCluster(), topic, `task-${randomUUID()}`, 1);
      await reader.produce([batch(topic, 0, "behind")]);
      expect(await readAll(reader, topic)).toEqual({ records: [], nextOffset: 0 });
      expect(await reader.offsets(topic)).toEqual([{ low: 0, high: 2 }]);
      await commit();
      await seen(topic).toEqual(["1", "behind"]);
    });
  });
}

/** An open transaction with all that belongs into it but its end, made by hand. */
async function beginByHand(cluster: Cluster, topic: string, id: string, sequenceNumber: number) {
  const identity = await retry(() => cluster.askCoordinator("transaction", id, initProducerId(id, 20_000)));
  const writer = { transactionalId: id, ...identity, sequences: new Map<string, number>() };
  const position = { topic, partition: 0 };
  await retry(() => cluster.askCoordinator("transaction", id, addPartitionsToTxn(id, identity, [position])));
  const rounds = cutIntoRounds([batch(topic, 0, `${sequenceNumber}`)], LIMITS.batchBytesMax);
  await writeBatches(cluster, rounds, LIMITS.timeoutMs, new Map(), writer);
  await retry(() => cluster.askCoordinator("transaction", id, addOffsetsToTxn(id, identity, id)));
  await cluster.askCoordinator("group", id, txnOffsetCommit(id, identity, id, position, sequenceNumber));
  return () => cluster.askCoordinator("transaction", id, commitTxn(id, identity));
}

async function retry<T>(ask: () => Promise<T>): Promise<T> {
  for (let left = 100; ; left -= 1) {
    try {
      return await ask();
    } catch (error) {
      if (left === 0) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
