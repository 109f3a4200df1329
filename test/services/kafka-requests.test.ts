/** Apache Kafka answers as the suite says, by which the simulated one is measured. */

import { afterAll, beforeAll } from "vitest";
import { type KafkaServer, startKafka } from "../../tools/services/kafka.ts";
import { testEnds } from "../contracts/kafka-ends.contract.ts";
import { testRequests } from "../contracts/kafka-requests.contract.ts";
import { apacheKafka } from "./apache-kafka.ts";

let server: KafkaServer;
beforeAll(async () => {
  server = await startKafka();
});
afterAll(() => server?.stop());

testRequests("Apache Kafka", async () => apacheKafka(server));
testEnds("Apache Kafka", async () => apacheKafka(server));
