/** Passes records on as one would with kafkajs alone, without any guarantee. Started as a process of its own by latency.ts. */

import { Kafka, logLevel, Partitioners } from "kafkajs";
import { inputOf, outputOf } from "./latency-pipelines.ts";
import { sideOf, takePart } from "./words-side.ts";

const { kafka: broker, round } = sideOf(process.argv.slice(2));
const number = Number(round.split(":")[1]);
const output = outputOf("plain", number).topicName;

await takePart(async () => {
  const kafka = new Kafka({ brokers: [broker], logLevel: logLevel.ERROR });
  // As soon as there is a byte.
  const consumer = kafka.consumer({ groupId: `latency-${number}`, minBytes: 1, maxWaitTimeInMs: 100 });
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
  await Promise.all([consumer.connect(), producer.connect()]);
  await consumer.subscribe({ topic: inputOf("plain", number).topicName, fromBeginning: true });
  const joined = new Promise((resolve) => consumer.on(consumer.events.GROUP_JOIN, resolve));
  await consumer.run({
    async eachBatch({ batch }) {
      const messages = batch.messages.map(({ key, value }) => ({
        key,
        value: JSON.stringify(JSON.parse(String(value))),
      }));
      await producer.send({ topic: output, messages });
    },
  });
  await joined;
  return {
    async begin() {},
    async end() {
      await Promise.all([consumer.disconnect(), producer.disconnect()]);
    },
  };
});
