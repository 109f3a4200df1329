/**
 * Counts the words as one would with kafkajs alone: a consumer, a Map of Maps, a producer, and no guarantee: what was counted is gone with the process, and
 * offsets are committed whether or not it was sent. Started as a process of its own by words.ts.
 */

import { Kafka, logLevel, Partitioners } from "kafkajs";
import { BATCH_LINES, LATE_MS, LINES_TOPIC, PARTITIONS, resultsOf, WINDOW_MS, wordsOf } from "./words-input.ts";
import { sideOf, takePart } from "./words-side.ts";

const { kafka: broker, round, batchBytes } = sideOf(process.argv.slice(2));
const { topicName } = resultsOf(round);

await takePart(async () => {
  const kafka = new Kafka({ brokers: [broker], logLevel: logLevel.ERROR });
  const consumer = kafka.consumer({ groupId: `plain-${round}`, maxBytesPerPartition: batchBytes });
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
  await Promise.all([consumer.connect(), producer.connect()]);
  await consumer.subscribe({ topic: LINES_TOPIC, fromBeginning: true });

  const windows = new Map<number, Map<string, number>>();
  const times = new Array<number>(PARTITIONS).fill(Number.NEGATIVE_INFINITY);
  const count = (line: string, timestampMs: number) => {
    const startMs = timestampMs - (timestampMs % WINDOW_MS);
    let counts = windows.get(startMs);
    if (counts === undefined) windows.set(startMs, (counts = new Map()));
    for (const word of wordsOf(line)) counts.set(word, (counts.get(word) ?? 0) + 1);
  };
  const takeClosed = (): { key: string; value: string }[] => {
    const watermarkMs = Math.min(...times) - LATE_MS;
    const messages = [];
    for (const [startMs, counts] of windows) {
      if (startMs + WINDOW_MS > watermarkMs) continue;
      windows.delete(startMs);
      for (const [word, count] of counts)
        messages.push({ key: word, value: JSON.stringify({ word, count, windowStartMs: startMs }) });
    }
    return messages;
  };

  let begin = () => {};
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    throw payload.error;
  });
  const assigned = new Promise((resolve) => consumer.on(consumer.events.GROUP_JOIN, resolve));
  await consumer.run({
    partitionsConsumedConcurrently: PARTITIONS,
    async eachBatch({ batch }) {
      await begun;
      let newestMs = times[batch.partition] as number;
      for (const { value, timestamp } of batch.messages) {
        const timestampMs = Number(timestamp);
        newestMs = Math.max(newestMs, timestampMs);
        count(String(value), timestampMs);
      }
      times[batch.partition] = newestMs;
      const messages = takeClosed();
      for (let from = 0; from < messages.length; from += BATCH_LINES)
        await producer.send({ topic: topicName, messages: messages.slice(from, from + BATCH_LINES) });
    },
  });
  await assigned;
  return {
    begin: async () => begin(),
    async end() {
      await Promise.all([consumer.disconnect(), producer.disconnect()]);
    },
  };
});
