/** The production client on the simulated Kafka does what it does on every broker, and that Kafka answers as Apache Kafka does. */

import { KafkaBroker } from "../../lib/kafka/kafka-broker.ts";
import { realOutside } from "../../lib/kafka/kafka-outside.ts";
import { PERFECT_NETWORK } from "../../lib/simulation/network.ts";
import { SimulatedKafka } from "../../lib/simulation/simulated-kafka.ts";
import { simulatedOutside } from "../../lib/simulation/simulated-outside.ts";
import { testBroker } from "../contracts/broker.contract.ts";
import { testEnds } from "../contracts/kafka-ends.contract.ts";
import { testRequests } from "../contracts/kafka-requests.contract.ts";
import { testTransactions } from "../contracts/transactions.contract.ts";
import { kafkaInMemory } from "./kafka-in-memory.ts";

testBroker("Kafka broker on the simulated Kafka", async () => {
  const kafka = new SimulatedKafka({ now: () => Date.now(), later: (_, work) => queueMicrotask(work) });
  return new KafkaBroker({ brokers: kafka.addresses }, simulatedOutside(kafka, PERFECT_NETWORK, realOutside));
});

testRequests("The simulated Kafka", async () => kafkaInMemory());
testTransactions("The simulated Kafka", async () => kafkaInMemory());
testEnds("The simulated Kafka", async () => kafkaInMemory());
