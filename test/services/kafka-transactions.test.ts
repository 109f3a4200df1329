/** Exactly once on a real Kafka: what is so on any, and what only a server that is killed shows. */

import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type KafkaServer, startKafka } from "../../tools/services/kafka.ts";
import type { KafkaUnderTest } from "../contracts/kafka-server.ts";
import { testTransactions } from "../contracts/transactions.contract.ts";
import { apacheKafka } from "./apache-kafka.ts";
import { batch, newTopic, valuesOf } from "./kafka-world.ts";

let server: KafkaServer;
let kafka: KafkaUnderTest;

beforeAll(async () => {
  server = await startKafka();
  kafka = apacheKafka(server);
});
afterAll(async () => {
  await kafka?.close();
  await server?.stop();
});

testTransactions("Apache Kafka", async () => apacheKafka(server));

test("3: a writer writes the same while others read and write, and Kafka is killed", async () => {
  const reader = kafka.newBroker();
  const topic = await newTopic(reader, 2);
  const ids = [0, 1].map((partition) => ({ partition, id: `task-${randomUUID()}` }));
  let isDown = false;
  const writing = ids.map(async ({ partition, id }) => {
    let broker = kafka.newBroker();
    for (let n = 1; n <= 60; n += 1) {
      const write = () =>
        broker.produceExactlyOnce([batch(topic, partition, `${n}`)], { transactionalId: id, sequenceNumber: n });
      for (let done = false; !done; ) {
        try {
          await write();
          done = true;
        } catch (error) {
          expect(error).toMatchObject({ name: "MillraceError", code: "kafka" });
          if (!isDown) await new Promise((resolve) => setTimeout(resolve, 50));
        }
      }
      if (n % 20 === 0) broker = kafka.newBroker();
    }
  });
  await new Promise((resolve) => setTimeout(resolve, 150));
  isDown = true;
  await server.kill();
  await server.restart();
  isDown = false;
  await Promise.all(writing);
  const all = Array.from({ length: 60 }, (_, i) => `${i + 1}`);
  for (const { partition } of ids) expect(await valuesOf(reader, topic, partition)).toEqual(all);
});
