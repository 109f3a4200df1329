/** A real Kafka as the suites over Kafka itself use it. */

import { Cluster } from "../../lib/kafka/cluster.ts";
import { KafkaBroker } from "../../lib/kafka/kafka-broker.ts";
import type { KafkaServer } from "../../tools/services/kafka.ts";
import type { KafkaUnderTest } from "../contracts/kafka-server.ts";
import { consumeAll, strangerAt } from "./kafka-world.ts";

const CONFIG_OF_TOPIC = 2;
const CONFIG_OF_BROKER = 4;

export function apacheKafka(server: KafkaServer): KafkaUnderTest {
  const open: (() => unknown)[] = [];
  return {
    newBroker() {
      const broker = new KafkaBroker({ brokers: [server.bootstrap] });
      open.push(() => broker.close());
      return broker;
    },
    newCluster() {
      const cluster = new Cluster({ brokers: [server.bootstrap] });
      open.push(() => cluster.discard("the test is over"));
      return cluster;
    },
    consumeAll: (topic, count) => consumeAll(server.bootstrap, topic, count),
    async limitBatches(topic, bytesMax) {
      const configEntries = [{ name: "max.message.bytes", value: `${bytesMax}` }];
      const admin = strangerAt(server.bootstrap).admin();
      await admin.connect();
      if (!(await admin.createTopics({ topics: [{ topic, configEntries }], waitForLeaders: false })))
        await admin.alterConfigs({
          validateOnly: false,
          resources: [{ type: CONFIG_OF_TOPIC, name: topic, configEntries }],
        });
      await admin.disconnect();
    },
    async verifyTransactions(isOn) {
      const admin = strangerAt(server.bootstrap).admin();
      await admin.connect();
      const configEntries = [{ name: "transaction.partition.verification.enable", value: `${isOn}` }];
      await admin.alterConfigs({
        validateOnly: false,
        resources: [{ type: CONFIG_OF_BROKER, name: "1", configEntries }],
      });
      await admin.disconnect();
    },
    async close() {
      for (const close of open) await close();
    },
  };
}
