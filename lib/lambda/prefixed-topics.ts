/** The names of topics in Kafka: an application's own have its prefix there and nowhere else, so that several applications share a cluster. */

import type { Broker, ExactlyOnce } from "../kafka/broker.ts";
import type { KafkaEvent } from "../wire/lambda-event.ts";

export type TopicNames = { readonly toKafka: (topic: string) => string; readonly fromKafka: (name: string) => string };

/** `external`: somebody else's topics, which have no prefix. */
export function topicNames(prefix: string, external: Iterable<string>): TopicNames {
  const others = new Set(external);
  return {
    toKafka: (topic) => (others.has(topic) ? topic : prefix + topic),
    fromKafka: (name) => (!others.has(name) && name.startsWith(prefix) ? name.slice(prefix.length) : name),
  };
}

/** The broker as the engine knows it. */
export function withTopicNames(broker: Broker, { toKafka, fromKafka }: TopicNames): Broker {
  const renamed = <Named extends { readonly topic: string }>(all: readonly Named[]) =>
    all.map((one) => ({ ...one, topic: toKafka(one.topic) }));
  return {
    recordBytesMax: broker.recordBytesMax,
    produce: (batches) => broker.produce(renamed(batches)),
    prepareExactlyOnce: (partitions, once) => broker.prepareExactlyOnce(renamed(partitions), inKafka(once, toKafka)),
    produceExactlyOnce: (batches, once) => broker.produceExactlyOnce(renamed(batches), inKafka(once, toKafka)),
    fetch: (topic, ...where) => broker.fetch(toKafka(topic), ...where),
    offsets: (topic) => broker.offsets(toKafka(topic)),
    offsetRange: (topic, partition) => broker.offsetRange(toKafka(topic), partition),
    topics: async () => (await broker.topics()).map((topic) => ({ ...topic, name: fromKafka(topic.name) })),
    ensureTopics: (topics) => broker.ensureTopics(topics.map((topic) => ({ ...topic, name: toKafka(topic.name) }))),
    committedOffset: (group, topic, partition) => broker.committedOffset(group, toKafka(topic), partition),
    commitOffset: (group, topic, partition, offset) => broker.commitOffset(group, toKafka(topic), partition, offset),
    close: () => broker.close(),
  };
}

function inKafka({ offsetAt, topics, ...rest }: ExactlyOnce, toKafka: TopicNames["toKafka"]): ExactlyOnce {
  return {
    ...rest,
    ...(offsetAt !== undefined && { offsetAt: { ...offsetAt, topic: toKafka(offsetAt.topic) } }),
    ...(topics !== undefined && { topics: topics.map(toKafka) }),
  };
}

/** Lambda's event with the names that the engine knows. */
export function renameTopics<E extends Pick<KafkaEvent, "records">>(event: E, { fromKafka }: TopicNames): E {
  const records = Object.entries(event.records).map(([place, list]) => [
    fromKafka(place),
    list.map((record) => ({ ...record, topic: fromKafka(record.topic) })),
  ]);
  return { ...event, records: Object.fromEntries(records) };
}
