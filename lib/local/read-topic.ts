/** Reads topics back for people: records decoded by their topic's formats, identities beside them. */

import type { Broker } from "../kafka/broker.ts";
import type { AnyTopic } from "../stream/topic.ts";
import { type Identity, identityOf } from "../wire/identity.ts";
import { decodeValues } from "../wire/read-values.ts";
import { type Header, headersAt, keyBytesAt, valueBytesAt } from "../wire/record-columns.ts";

/** A record as it was read. */
export type TopicElement<K = unknown, V = unknown> = {
  readonly partition: number;
  readonly offset: number;
  readonly timestampMs: number;
  /** Decoded by the topic's format; the bytes where there is none or they do not fit it. */
  readonly key: K;
  readonly value: V;
  readonly headers: readonly Header[];
  /** Which output of which commit it is, where Millrace wrote it. */
  readonly identity: Identity | undefined;
};

/** The formats of a topic, as far as they are known. */
export type ReadableTopic = Pick<AnyTopic, "topicName"> & Partial<Pick<AnyTopic, "keyFormat" | "valueFormat">>;

const FETCH_LIMITS = { bytesMax: 8 * 1024 * 1024, recordsMax: 10_000 };

/** All records of a topic up to its present end, by partition and offset. `from` gives where each partition begins; default its first offset. */
export async function readTopic(
  broker: Broker,
  topic: ReadableTopic,
  from: ReadonlyMap<number, number> = new Map(),
): Promise<TopicElement[]> {
  const elements: TopicElement[] = [];
  for (const [partition, { low, high }] of (await broker.offsets(topic.topicName)).entries()) {
    for (let at = Math.max(low, from.get(partition) ?? low); at < high; ) {
      const { records, nextOffset } = await broker.fetch(topic.topicName, partition, at, FETCH_LIMITS);
      const values = topic.valueFormat === undefined ? undefined : decodeValues(records, topic.valueFormat, true);
      for (let i = 0; i < records.count; i++) {
        const headers = headersAt(records, i);
        elements.push({
          partition,
          offset: records.offsets[i] as number,
          timestampMs: records.timestampsMs[i] as number,
          key: decoded(keyBytesAt(records, i), topic.keyFormat),
          value: values === undefined || values.problems.has(i) ? valueBytesAt(records, i) : values.values[i],
          headers,
          get identity() {
            return identityOf(headers);
          },
        });
      }
      if (nextOffset <= at) break;
      at = nextOffset;
    }
  }
  return elements;
}

function decoded(bytes: Uint8Array | null, format: AnyTopic["valueFormat"] | undefined): unknown {
  if (bytes === null || format === undefined) return bytes;
  try {
    return format.decode(bytes);
  } catch {
    return bytes;
  }
}

/** Each record once: a repeat has the same identity. */
export function onlyFirst<T extends TopicElement>(records: readonly T[]): T[] {
  const seen = new Set<string>();
  return records.filter(({ identity }) => {
    if (identity === undefined) return true;
    const name = JSON.stringify(identity);
    return !seen.has(name) && seen.add(name) !== undefined;
  });
}
