/** The broker over a real Apache Kafka: it does what every broker does. */

import { afterAll, beforeAll } from "vitest";
import { KafkaBroker } from "../../lib/kafka/kafka-broker.ts";
import { type KafkaServer, startKafka } from "../../tools/services/kafka.ts";
import { testBroker } from "../contracts/broker.contract.ts";

let kafka: KafkaServer;
beforeAll(async () => {
  kafka = await startKafka();
});
afterAll(() => kafka?.stop());

testBroker("Kafka broker", async () => new KafkaBroker({ brokers: [kafka.bootstrap] }));
