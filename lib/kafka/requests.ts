/**
 * The requests that Millrace sends to Kafka, each in one version that every broker from 2.5 to 4.x knows. They go over kafkajs's connections, but not
 * through its producer: that one replaces a timestamp of 0, and reports success after a failed send in a transaction.
 *
 * An answer with an error code throws KafkaCodeError, so that nobody can forget to look.
 */

import type { Buffer } from "node:buffer";
import { throwOnCode } from "./kafka-code-error.ts";
import type { ProtocolReader } from "./protocol-reader.ts";
import type { ProtocolWriter } from "./protocol-writer.ts";

/** A request and how its answer is read. */
export type KafkaRequest<T> = {
  readonly key: number;
  readonly version: number;
  readonly name: string;
  /** Flexible versions have tagged fields in the header too. */
  readonly flexible?: boolean;
  readonly write: (to: ProtocolWriter) => void;
  readonly read: (from: ProtocolReader) => T;
};

export type TopicPartition = { readonly topic: string; readonly partition: number };

export type NodeAddress = { readonly nodeId: number; readonly host: string; readonly port: number };
export type TopicMetadata = {
  readonly topic: string;
  readonly code: number;
  readonly isInternal: boolean;
  /** Node of the leader by partition; −1 where there is none now. */
  readonly leaders: readonly number[];
};
export type ClusterMetadata = {
  readonly nodes: readonly NodeAddress[];
  readonly controllerId: number;
  readonly topics: readonly TopicMetadata[];
};

export const API_SASL_AUTHENTICATE = 36;

/** The versions a broker knows, by request. */
export function apiVersions(): KafkaRequest<Map<number, { minVersion: number; maxVersion: number }>> {
  return {
    key: 18,
    version: 0,
    name: "ApiVersions",
    write: () => {},
    read: (from) => {
      throwOnCode(from.int16(), "ApiVersions");
      return new Map(from.array(() => [from.int16(), { minVersion: from.int16(), maxVersion: from.int16() }] as const));
    },
  };
}

/** Of all topics where none are named. Errors are per topic, in `code`. */
export function metadata(topics: readonly string[] | undefined): KafkaRequest<ClusterMetadata> {
  return {
    key: 3,
    version: 5,
    name: "Metadata",
    write: (to) => {
      if (topics === undefined) to.int32(-1);
      else to.array(topics, (topic) => to.string(topic));
      // Never creates a topic by asking for it.
      to.boolean(false);
    },
    read: (from) => {
      from.int32();
      const nodes = from.array(() => {
        const node = { nodeId: from.int32(), host: from.string(), port: from.int32() };
        from.string();
        return node;
      });
      from.string();
      const controllerId = from.int32();
      const found = from.array(() => {
        const head = { code: from.int16(), topic: from.string(), isInternal: from.int8() !== 0 };
        const leaders: number[] = [];
        from.array(() => {
          from.int16();
          const partition = from.int32();
          leaders[partition] = from.int32();
          for (let i = 0; i < 3; i += 1) from.array(() => from.int32());
        });
        return { ...head, leaders };
      });
      return { nodes, controllerId, topics: found };
    },
  };
}

/** Where a consumer group or a transactional id is kept. */
export function findCoordinator(kind: "group" | "transaction", id: string): KafkaRequest<NodeAddress> {
  return {
    key: 10,
    version: 1,
    name: "FindCoordinator",
    write: (to) => to.string(id).int8(kind === "group" ? 0 : 1),
    read: (from) => {
      from.int32();
      throwOnCode(from.int16(), "FindCoordinator");
      from.string();
      return { nodeId: from.int32(), host: from.string(), port: from.int32() };
    },
  };
}

/** The first or the end offset of partitions of a topic; open transactions count as there. */
export function listOffsets(
  topic: string,
  partitions: readonly number[],
  which: "first" | "end",
): KafkaRequest<Map<number, number>> {
  return {
    key: 2,
    version: 2,
    name: "ListOffsets",
    write: (to) =>
      to
        .int32(-1)
        .int8(0)
        .array([topic], (name) =>
          to.string(name).array(partitions, (partition) => to.int32(partition).int64(which === "first" ? -2 : -1)),
        ),
    read: (from) => {
      from.int32();
      const found = new Map<number, number>();
      from.array(() => {
        from.string();
        from.array(() => {
          const partition = from.int32();
          throwOnCode(from.int16(), "ListOffsets");
          from.int64();
          found.set(partition, from.int64());
        });
      });
      return found;
    },
  };
}

export type TopicToCreate = {
  readonly name: string;
  readonly partitions: number;
  readonly replicationFactor: number;
  readonly settings: readonly (readonly [name: string, value: string])[];
};

/** The code and the broker's reason per topic. */
export function createTopics(
  topics: readonly TopicToCreate[],
  timeoutMs: number,
): KafkaRequest<{ topic: string; code: number; reason: string }[]> {
  return {
    key: 19,
    version: 4,
    name: "CreateTopics",
    write: (to) =>
      to
        .array(topics, ({ name, partitions, replicationFactor, settings }) =>
          to
            .string(name)
            .int32(partitions)
            .int16(replicationFactor)
            .array([], () => {})
            .array(settings, ([setting, value]) => to.string(setting).string(value)),
        )
        .int32(timeoutMs)
        .boolean(false),
    read: (from) => {
      from.int32();
      return from.array(() => ({ topic: from.string(), code: from.int16(), reason: from.string() }));
    },
  };
}

export type Acknowledgement = TopicPartition & {
  readonly code: number /** Of the first record. */;
  readonly baseOffset: number;
};

/** Encoded batches, at most one per partition. A code of 0 says that all replicas have it; what is left out of the answer is not acknowledged. */
export function produce(
  transactionalId: string | null,
  batches: readonly (TopicPartition & { readonly bytes: Buffer })[],
  timeoutMs: number,
): KafkaRequest<readonly Acknowledgement[]> {
  const ALL_REPLICAS = -1;
  return {
    key: 0,
    version: 7,
    name: "Produce",
    write: (to) =>
      to
        .string(transactionalId)
        .int16(ALL_REPLICAS)
        .int32(timeoutMs)
        .array(byTopic(batches), ([topic, ofTopic]) =>
          to
            .string(topic)
            .array(ofTopic, ({ partition, bytes }) => to.int32(partition).int32(bytes.length).bytes(bytes)),
        ),
    read: (from) =>
      from
        .array(() => {
          const topic = from.string();
          return from.array(() => {
            const acknowledgement = { topic, partition: from.int32(), code: from.int16(), baseOffset: from.int64() };
            for (let i = 0; i < 2; i += 1) from.int64();
            return acknowledgement;
          });
        })
        .flat(),
  };
}

export type Fetched = {
  readonly highOffset: number;
  readonly lastStableOffset: number;
  readonly aborted: readonly { readonly producerId: number; readonly firstOffset: number }[];
  readonly batches: Buffer;
};

/** Batches of one partition as they lie in the log, without what is in open transactions. */
export function fetchBatches(
  { topic, partition }: TopicPartition,
  offset: number,
  bytesMax: number,
  waitMs: number,
): KafkaRequest<Fetched> {
  const READ_COMMITTED = 1;
  return {
    key: 1,
    version: 11,
    name: "Fetch",
    write: (to) =>
      to
        .int32(-1)
        .int32(waitMs)
        .int32(1)
        .int32(bytesMax)
        .int8(READ_COMMITTED)
        .int32(0)
        .int32(-1)
        .array([topic], (name) =>
          to
            .string(name)
            .array([partition], (number) => to.int32(number).int32(-1).int64(offset).int64(-1).int32(bytesMax)),
        )
        .array([], () => {})
        .string(""),
    read: (from) => {
      from.int32();
      throwOnCode(from.int16(), "Fetch");
      from.int32();
      const found = from.array(() => {
        from.string();
        return from.array((): Fetched => {
          from.int32();
          throwOnCode(from.int16(), "Fetch", { topic, partition });
          const highOffset = from.int64();
          const lastStableOffset = from.int64();
          from.int64();
          const aborted = from.array(() => ({ producerId: from.int64(), firstOffset: from.int64() }));
          from.int32();
          return { highOffset, lastStableOffset, aborted, batches: from.bytes() };
        });
      });
      const [only] = found.flat();
      if (only === undefined) return throwOnCode(-1, "Fetch") as never;
      return only;
    },
  };
}

/** A group's committed offset. Throws UNSTABLE_OFFSET_COMMIT while a transaction that writes it is open or its end not yet applied. */
export function stableOffset(group: string, { topic, partition }: TopicPartition): KafkaRequest<number | undefined> {
  return {
    key: 9,
    version: 7,
    name: "OffsetFetch",
    flexible: true,
    write: (to) =>
      to
        .compactString(group)
        .compactArray([topic], (name) =>
          to
            .compactString(name)
            .compactArray([partition], (number) => to.int32(number))
            .noTags(),
        )
        .boolean(true)
        .noTags(),
    read: (from) => {
      from.int32();
      let found = -1;
      from.compactArray(() => {
        from.compactString();
        from.compactArray(() => {
          from.int32();
          found = from.int64();
          from.int32();
          from.compactString();
          throwOnCode(from.int16(), "OffsetFetch");
          from.skipTags();
        });
        from.skipTags();
      });
      throwOnCode(from.int16(), "OffsetFetch");
      return found < 0 ? undefined : found;
    },
  };
}

/** Commits a group's offset as a consumer without members does. */
export function commitOffset(group: string, { topic, partition }: TopicPartition, offset: number): KafkaRequest<void> {
  return {
    key: 8,
    version: 3,
    name: "OffsetCommit",
    write: (to) =>
      to
        .string(group)
        .int32(-1)
        .string("")
        .int64(-1)
        .array([topic], (name) =>
          to.string(name).array([partition], (number) => to.int32(number).int64(offset).string("")),
        ),
    read: (from) => {
      from.int32();
      readCodesByPartition(from, "OffsetCommit");
    },
  };
}

/** Reads codes by topic and partition, and throws the first that is one. */
export function readCodesByPartition(from: ProtocolReader, request: string): void {
  from.array(() => {
    const topic = from.string();
    from.array(() => {
      const partition = from.int32();
      throwOnCode(from.int16(), request, { topic, partition });
    });
  });
}

/** By topic, since a topic that stands in a request twice counts once. */
export function byTopic<T extends TopicPartition>(items: readonly T[]): (readonly [topic: string, items: T[]])[] {
  return [...Map.groupBy(items, ({ topic }) => topic)];
}
