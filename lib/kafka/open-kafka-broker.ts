/** A broker over Apache Kafka for users of the library; the client is loaded when one is opened. */

import type { Broker } from "./broker.ts";
import type { KafkaSettings } from "./kafka-settings.ts";

/**
 * A broker over Apache Kafka 2.5 or later (3.6 for exactlyOnce topics), such as Amazon MSK. It connects with the first call, and every call ends by its
 * deadline: it throws a MillraceError "kafka" with a sentence where Kafka cannot be reached, refuses, or does not answer. Close it in the end.
 *
 * ```ts
 * await openKafkaBroker({ brokers: ["b-1.shop.a1b2c3.c2.kafka.eu-west-1.amazonaws.com:9098"], login: { kind: "iam" } })
 * await openKafkaBroker({ brokers, tls: { ca: readFileSync("ca.pem", "utf8") }, login: { kind: "scram-sha-512", username, password } })
 * await openKafkaBroker() // as KAFKA_BOOTSTRAP_SERVERS and the MILLRACE_KAFKA_… variables say, or the file that MILLRACE_KAFKA_SETTINGS names
 * ```
 */
export async function openKafkaBroker(settings?: KafkaSettings): Promise<Broker> {
  const { KafkaBroker } = await import("./kafka-broker.ts");
  const { readKafkaSettings } = await import("./read-kafka-settings.ts");
  return new KafkaBroker(settings ?? readKafkaSettings());
}
