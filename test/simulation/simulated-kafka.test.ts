/** The production client on the simulated Kafka does what it does on every broker. */

import { KafkaBroker } from "../../lib/kafka/kafka-broker.ts";
import { realOutside } from "../../lib/kafka/kafka-outside.ts";
import { PERFECT_NETWORK } from "../../lib/simulation/network.ts";
import { SimulatedKafka } from "../../lib/simulation/simulated-kafka.ts";
import { simulatedOutside } from "../../lib/simulation/simulated-outside.ts";
import { testBroker } from "../contracts/broker.contract.ts";

testBroker("Kafka broker on the simulated Kafka", async () => {
  const kafka = new SimulatedKafka({ now: () => Date.now(), later: (_, work) => queueMicrotask(work) });
  return new KafkaBroker({ brokers: kafka.addresses }, simulatedOutside(kafka, PERFECT_NETWORK, realOutside));
});
