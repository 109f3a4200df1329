/** The event source mapping on a real Kafka: it polls, and keeps its position in a consumer group, as Lambda's does. */

import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { KafkaBroker } from "../../lib/kafka/kafka-broker.ts";
import { EventSourceMapping } from "../../lib/local/event-source-mapping.ts";
import type { EventSourceMappingOptions } from "../../lib/local/mapping-options.ts";
import type { KafkaEvent } from "../../lib/wire/lambda-event.ts";
import { type KafkaServer, startKafka } from "../../tools/services/kafka.ts";
import { batch, newTopic, strangerAt } from "./kafka-world.ts";

let kafka: KafkaServer;
let broker: KafkaBroker;
beforeAll(async () => {
  kafka = await startKafka();
  broker = new KafkaBroker({ brokers: [kafka.bootstrap], callTimeoutMs: 4_000 });
});
afterAll(async () => {
  await broker?.close();
  await kafka?.stop();
});

/** A mapping that runs until stopped, and the values that its handler was given, by partition. */
function run(topic: string, consumerGroup: string, options: Partial<EventSourceMappingOptions> = {}) {
  const seen: Record<number, string[]> = {};
  const problems: unknown[] = [];
  const stopping = new AbortController();
  const mapping = new EventSourceMapping({
    broker,
    topic,
    consumerGroup,
    batchWindowMs: 0,
    pollIntervalMs: 20,
    backoffMaxMs: 200,
    function: {
      name: "function",
      handler: (event: KafkaEvent) => {
        for (const records of Object.values(event.records))
          for (const { partition, value } of records)
            (seen[partition] ??= []).push(Buffer.from(value ?? "", "base64").toString());
      },
    },
    observe: (notice) => {
      if (notice.kind === "broker-failed") problems.push(notice.error);
    },
    ...options,
  });
  const running = mapping.run(stopping.signal);
  return {
    mapping,
    seen,
    problems,
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

async function groupOffsets(groupId: string, topic: string): Promise<string[]> {
  const admin = strangerAt(kafka.bootstrap).admin();
  await admin.connect();
  const [found] = await admin.fetchOffsets({ groupId, topics: [topic] });
  await admin.disconnect();
  return (found?.partitions ?? []).toSorted((a, b) => a.partition - b.partition).map(({ offset }) => offset);
}

test("a mapping delivers all partitions, commits its group's offsets, and another goes on there", async () => {
  const topic = await newTopic(broker, 3);
  const group = `group-${randomUUID()}`;
  for (let i = 0; i < 30; i += 1) await broker.produce([batch(topic, i % 3, `${i}`)]);
  const first = run(topic, group);
  await expect.poll(() => first.mapping.isCaughtUp()).toBe(true);
  await first.stop();
  expect(Object.values(first.seen).map((values) => values.length)).toEqual([10, 10, 10]);
  expect(first.seen[1]).toEqual(["1", "4", "7", "10", "13", "16", "19", "22", "25", "28"]);
  expect(await groupOffsets(group, topic)).toEqual(["10", "10", "10"]);

  await broker.produce([batch(topic, 1, "later")]);
  const second = run(topic, group);
  await expect.poll(() => second.seen).toEqual({ 1: ["later"] });
  await second.stop();
  expect(await groupOffsets(group, topic)).toEqual(["10", "11", "10"]);
});

test("a mapping passes control markers: it is caught up behind the last one", async () => {
  const topic = await newTopic(broker);
  const group = `group-${randomUUID()}`;
  for (let n = 1; n <= 3; n += 1)
    await broker.produceExactlyOnce([batch(topic, 0, `${n}`)], { transactionalId: `t-${group}`, sequenceNumber: n });
  const running = run(topic, group, { batchSize: 2 });
  await expect.poll(() => running.mapping.isCaughtUp()).toBe(true);
  await running.stop();
  expect(running.seen).toEqual({ 0: ["1", "2", "3"] });
  expect(await groupOffsets(group, topic)).toEqual(["6"]);
});

test("a mapping survives a Kafka that is killed and comes back: nothing is left out", async () => {
  const topic = await newTopic(broker, 2);
  const running = run(topic, `group-${randomUUID()}`, { batchSize: 10 });
  const write = async (from: number, to: number) => {
    for (let i = from; i < to; i += 1)
      for (let isDone = false; !isDone; )
        isDone = await broker.produce([batch(topic, i % 2, `${i}`)]).then(
          () => true,
          () => false,
        );
  };
  await write(0, 50);
  const [writing] = [write(50, 100), await kafka.kill()];
  await expect.poll(() => running.problems.length, { timeout: 20_000 }).toBeGreaterThan(0);
  await kafka.restart();
  await writing;
  await expect.poll(() => running.mapping.isCaughtUp().catch(() => false), { timeout: 20_000 }).toBe(true);
  await running.stop();
  for (const problem of running.problems) expect(problem).toMatchObject({ name: "MillraceError", code: "kafka" });
  for (const partition of [0, 1]) {
    const expected = Array.from({ length: 50 }, (_, i) => `${i * 2 + partition}`);
    expect([...new Set(running.seen[partition])]).toEqual(expected);
  }
});

test("a topic that is not there yet is waited for", async () => {
  const topic = `later-${randomUUID()}`;
  const running = run(topic, `group-${randomUUID()}`);
  await expect.poll(() => running.problems.length).toBeGreaterThan(0);
  expect(String(running.problems[0])).toContain(`Topic "${topic}" does not exist`);
  await broker.ensureTopics([{ name: topic, partitions: 1, compacted: false, retentionMs: undefined }]);
  await broker.produce([batch(topic, 0, "a")]);
  await expect.poll(() => running.seen, { timeout: 5_000 }).toEqual({ 0: ["a"] });
  await running.stop();
});
