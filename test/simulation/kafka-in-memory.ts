/** The simulated Kafka as the suites over Kafka itself use it: over a perfect network, in real time, with all that it does later done a moment later. */

import { Cluster } from "../../lib/kafka/cluster.ts";
import { KafkaBroker } from "../../lib/kafka/kafka-broker.ts";
import { realOutside } from "../../lib/kafka/kafka-outside.ts";
import { PERFECT_NETWORK } from "../../lib/simulation/network.ts";
import { SimulatedKafka } from "../../lib/simulation/simulated-kafka.ts";
import { simulatedOutside } from "../../lib/simulation/simulated-outside.ts";
import type { KafkaUnderTest } from "../contracts/kafka-server.ts";

export function kafkaInMemory(laterMs = 3): KafkaUnderTest & { readonly kafka: SimulatedKafka } {
  const kafka = new SimulatedKafka({ now: () => Date.now(), later: (_, work) => setTimeout(work, laterMs) });
  const settings = { brokers: kafka.addresses };
  const outside = simulatedOutside(kafka, PERFECT_NETWORK, realOutside);
  return {
    kafka,
    newBroker: () => new KafkaBroker(settings, outside),
    newCluster: () => new Cluster(settings, outside),
    async consumeAll(topic) {
      const found = new Map<number, string[]>();
      const { partitions = 0 } = kafka.topics().find(({ name }) => name === topic) ?? {};
      for (let partition = 0; partition < partitions; partition += 1) {
        const records = kafka.read(topic, partition, 0, { isolation: "committed" });
        found.set(
          partition,
          records.map(({ value }) => String(value)),
        );
      }
      return found;
    },
    async limitBatches(topic, batchBytesMax) {
      if (kafka.topics().some(({ name }) => name === topic)) kafka.limit(topic, { batchBytesMax });
      else kafka.createTopic(topic, 1, { batchBytesMax });
    },
    verifyTransactions: async (isOn) => kafka.verifyTransactions(isOn),
    close: async () => {},
  };
}
