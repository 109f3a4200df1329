/** Topics that are there with other settings than they are declared with, on a real Kafka. */

import { afterAll, beforeAll, expect, test } from "vitest";
import { KafkaBroker } from "../../lib/kafka/kafka-broker.ts";
import { type KafkaServer, startKafka } from "../../tools/services/kafka.ts";

let kafka: KafkaServer;
let broker: KafkaBroker;

beforeAll(async () => {
  kafka = await startKafka();
  broker = new KafkaBroker({ brokers: [kafka.bootstrap] });
});
afterAll(async () => {
  await broker?.close();
  await kafka?.stop();
});

const spec = (compacted: boolean, retentionMs: number | undefined) => ({
  name: "orders",
  partitions: 1,
  compacted,
  retentionMs,
});

test("are refused with the command that changes them; what is as declared, or not declared, is taken", async () => {
  await broker.ensureTopics([spec(false, 3_600_000)]);
  await broker.checkSettings([spec(false, 3_600_000)]);
  await broker.checkSettings([spec(false, undefined)]);
  await expect(broker.checkSettings([spec(true, undefined)])).rejects.toThrow(
    'Topic "orders" is there with cleanup.policy=delete, and is declared with compact: change the declaration, or the topic with kafka-configs.sh --alter --topic orders --add-config cleanup.policy=compact.',
  );
  await expect(broker.checkSettings([spec(false, 60_000)])).rejects.toThrow(
    'Topic "orders" is there with retention.ms=3600000, and is declared with 60000',
  );
});
