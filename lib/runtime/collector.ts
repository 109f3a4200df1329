/** Gathers what a batch sends: records for declared topics as bytes, elements and partial results for shuffles as columns. */

import { consumersOf } from "../operators/chain.ts";
import type { PreAggregate } from "../operators/partials.ts";
import { canPreAggregate, preAggregate } from "../operators/pre-aggregate.ts";
import type { Caller, Push } from "../operators/step.ts";
import { keyGroupOf, partitionOfGroup } from "../state/key-group.ts";
import { kafkaPartitionOf, murmur2 } from "../state/murmur2.ts";
import { ColumnBuilder, encodeColumn } from "../state/value-encoding.ts";
import { MillraceError } from "../stream/error.ts";
import { encodeKey } from "../stream/key.ts";
import type { KeyByNode, RouteTarget, SinkTarget, TopicTarget } from "../stream/node.ts";
import type { FunctionPlan, ShufflePlan } from "../stream/plan.ts";
import { listOf, quote } from "../stream/sentence.ts";
import type { AnyTopic, TopicRecord } from "../stream/topic.ts";
import { encodeUtf8 } from "../stream/utf8.ts";
import type { BundleColumns } from "../wire/bundle.ts";
import { compressJson } from "../wire/compress.ts";
import { identityBytesMax, identityHeader } from "../wire/identity.ts";
import { type OutgoingRecord, recordBytes } from "../wire/outgoing-record.ts";
import { ElementCollector } from "./element-collector.ts";
import type { RecordsBatch } from "./outbox.ts";
import { RowCollector } from "./row-collector.ts";
import type { TaskName } from "./task-name.ts";

/** What a bundle of a single element has beside it, at the most. */
const BUNDLE_BYTES_SPARE = 1_024;

/** Elements of one keyBy for one partition. */
type ElementBuffer = { keys: string[]; timestampsMs: number[]; values: ColumnBuilder };

/** One shuffle: per side, what was pushed. */
type ShuffleBuffer = {
  readonly plan: ShufflePlan;
  readonly sides: {
    readonly side: number;
    readonly elements: (ElementBuffer | undefined)[];
    /** Elements that go to all partitions. */
    toAll: ElementBuffer | undefined;
    readonly partials: PreAggregate | undefined;
  }[];
};

function newBuffer(): ElementBuffer {
  return { keys: [], timestampsMs: [], values: new ColumnBuilder() };
}

/** Outputs of a task between two commits. Emptied by `take…`. */
export class Collector {
  /** The largest record that the broker takes, in bytes. */
  readonly recordBytesMax: number;
  readonly rows: RowCollector;
  readonly elements: ElementCollector;
  readonly #identityBytes: number;
  readonly #task: string;
  readonly #taskHash: number;
  readonly #partition: number;
  readonly #commits: boolean;
  readonly #call: Caller;
  #records = new Map<string, OutgoingRecord[][]>();
  #ordinal = 0;
  #salt = 0;
  readonly #shuffles: ShuffleBuffer[];
  #careful = false;
  #recordBytes = 0;

  constructor(plan: FunctionPlan, { full, partition }: TaskName, recordBytesMax: number, call: Caller) {
    this.recordBytesMax = recordBytesMax;
    this.#identityBytes = identityBytesMax(full);
    this.#task = full;
    this.#taskHash = murmur2(full);
    this.#partition = partition;
    this.#commits = plan.commits;
    this.#call = call;
    this.rows = new RowCollector(full, call);
    this.elements = new ElementCollector(call);
    const consumers = consumersOf(plan.operator.sinks);
    this.#shuffles = plan.shuffleOutputs.map(({ shuffle, keyBys }) => ({
      plan: shuffle,
      sides: keyBys.map((keyBy) => {
        const [reader, ...others] = consumers.get(keyBy) ?? [];
        const merges = reader?.kind === "window" && others.length === 0 && canPreAggregate(reader);
        return {
          side: shuffle.sides.indexOf(keyBy),
          elements: new Array<ElementBuffer | undefined>(shuffle.partitions),
          toAll: undefined,
          partials: merges ? preAggregate(reader, call) : undefined,
        };
      }),
    }));
  }

  /** Set while a batch is looked at element by element, to find the one that is too large for a bundle. */
  set careful(careful: boolean) {
    this.#careful = careful;
    for (const { sides } of this.#shuffles)
      for (const { partials } of sides)
        if (partials !== undefined)
          partials.check = careful ? (key, accumulator) => this.#checkSize(key, accumulator) : undefined;
  }

  /**
   * Starts a commit, or an input record of a task without a log: `salt` is its number, or the record's offset. Where outputs without a key go
   * depends on it and their order (O4), and without a log it is part of their identity.
   */
  startUnit(salt: number): void {
    this.#salt = salt;
    this.#ordinal = 0;
  }

  /** Takes what a sink writes. */
  sink(target: SinkTarget, partitionsOf: (topicName: string) => number): Push {
    switch (target.kind) {
      case "topic":
        return this.#topic(target, partitionsOf(target.topic.topicName));
      case "route":
        return this.#route(target, partitionsOf);
      case "table":
        return this.rows.into(target.table);
      case "outside":
        return this.elements.into(target.sink);
      default:
        return target satisfies never;
    }
  }

  #topic({ topic, toRecord }: TopicTarget, partitions: number): Push {
    const step = `to topic ${topic.topicName}`;
    return (value, key, timestampMs) => {
      this.#call.step = step;
      this.#write(topic, partitions, toRecord(value, key, timestampMs));
    };
  }

  #route({ routes, select }: RouteTarget, partitionsOf: (topicName: string) => number): Push {
    const pushes = new Map(
      [...routes].map(([name, target]) => [name, this.#topic(target, partitionsOf(target.topic.topicName))]),
    );
    return (value, key, timestampMs) => {
      this.#call.step = "route";
      const name = select(value) as unknown;
      const push = pushes.get(name as string);
      if (push === undefined)
        throw new MillraceError(
          "author",
          `route() has no topic for ${JSON.stringify(name)}, but for ${listOf([...routes.keys()].map(quote))}.`,
        );
      push(value, key, timestampMs);
    };
  }

  /** Takes late elements for a topic. */
  late(topic: AnyTopic, partitions: number): Push {
    const step = `lateTo topic ${topic.topicName}`;
    return (value, key, timestampMs) => {
      this.#call.step = step;
      const written = topic.keyFormat === undefined ? null : key;
      this.#write(topic, partitions, { key: written, value, timestampMs, headers: undefined });
    };
  }

  /** Takes what a keyBy sends through its shuffle. */
  shuffle(node: KeyByNode): Push {
    for (const { plan, sides } of this.#shuffles) {
      const side = sides.find(({ side }) => plan.sides[side] === node);
      if (side === undefined) continue;
      if (side.partials !== undefined) return side.partials.push;
      const { partitions, maxParallelism } = plan;
      const ofTask = this.#partition % partitions;
      const partitionOf = (encoded: string) =>
        node.sends === "by-task"
          ? ofTask
          : partitionOfGroup(keyGroupOf(encoded, maxParallelism), partitions, maxParallelism);
      return (value, key, timestampMs) => {
        const encoded = encodeKey(key);
        if (this.#careful) this.#checkSize(encoded, value);
        const buffer =
          node.sends === "to-all"
            ? (side.toAll ??= newBuffer())
            : (side.elements[partitionOf(encoded)] ??= newBuffer());
        // First what can throw, so that the columns stay equally long.
        buffer.values.push(value);
        buffer.keys.push(encoded);
        buffer.timestampsMs.push(timestampMs);
      };
    }
    throw new Error("A keyBy writes to a shuffle that its function does not feed.");
  }

  /** Adds a record whose bytes are made already: a dead letter. */
  add(topic: string, partition: number, partitions: number, record: OutgoingRecord): void {
    this.#add(topic, partition, partitions, record, recordBytes(record));
  }

  #add(topic: string, partition: number, partitions: number, record: OutgoingRecord, bytes: number): void {
    let topicRecords = this.#records.get(topic);
    if (topicRecords === undefined) {
      topicRecords = Array.from({ length: partitions }, () => []);
      this.#records.set(topic, topicRecords);
    }
    const identified = this.#commits
      ? record
      : { ...record, headers: [identityHeader(this.#task, this.#salt, this.#ordinal), ...record.headers] };
    (topicRecords[partition] as OutgoingRecord[]).push(identified);
    this.#recordBytes += bytes;
    this.#ordinal++;
  }

  /** The records for declared topics and dead letters, by topic and partition. */
  takeRecords(): RecordsBatch[] {
    const batches: RecordsBatch[] = [];
    for (const [topic, partitions] of this.#records) {
      for (const [partition, records] of partitions.entries())
        if (records.length > 0) batches.push({ kind: this.#commits ? "records" : "sealed", topic, partition, records });
    }
    this.#records = new Map();
    this.#recordBytes = 0;
    return batches;
  }

  /** Of the records, rows and elements for sinks that wait to be taken; what crosses a shuffle is not among them. */
  get bytes(): number {
    return this.#recordBytes + this.rows.bytes + this.elements.bytes;
  }

  /** The columns for each partition of each shuffle. */
  takeShuffles(): { readonly plan: ShufflePlan; readonly columns: BundleColumns[][] }[] {
    return this.#shuffles.map(({ plan, sides }) => {
      const columns: BundleColumns[][] = Array.from({ length: plan.partitions }, () => []);
      for (const one of sides) {
        const { side, elements, partials, toAll } = one;
        for (let partition = 0; partition < plan.partitions; partition++) {
          const buffer = toAll ?? elements[partition];
          if (buffer !== undefined)
            columns[partition]?.push({ kind: "elements", side, origin: plan.origins[side], ...buffer });
        }
        elements.fill(undefined);
        one.toAll = undefined;
        const split =
          partials?.take(plan.partitions, (key) =>
            partitionOfGroup(keyGroupOf(key, plan.maxParallelism), plan.partitions, plan.maxParallelism),
          ) ?? [];
        for (const [partition, windows] of split.entries())
          if (windows.length > 0)
            columns[partition]?.push({
              kind: "partials",
              side,
              origin: plan.origins[side],
              shape: partials?.shape,
              windows,
            });
      }
      return { plan, columns };
    });
  }

  #write(topic: AnyTopic, partitions: number, { key, value, timestampMs, headers }: TopicRecord): void {
    // Here, where it is one element's mistake: in the commit it would stop the partition for good.
    if (!Number.isSafeInteger(timestampMs))
      throw new MillraceError(
        "format",
        `The record for topic ${topic.topicName} has the timestamp ${timestampMs}, which is too large for a number of epoch milliseconds.`,
      );
    const record: OutgoingRecord = {
      key: topic.keyFormat === undefined || key === null || key === undefined ? null : topic.keyFormat.encode(key),
      value: value === null && topic.compacted ? null : topic.valueFormat.encode(value),
      // Kafka has no times before 1970, and a negative one means that there is none.
      timestampMs: Math.max(0, timestampMs),
      headers:
        headers === undefined ? [] : Object.entries(headers).map(([name, text]) => [name, encodeUtf8(text)] as const),
    };
    const bytes = recordBytes(record);
    if (bytes + this.#identityBytes > this.recordBytesMax)
      throw new MillraceError(
        "format",
        `The record for topic ${topic.topicName} has ${bytes + this.#identityBytes} bytes with its identity; the broker takes at most ${this.recordBytesMax}.`,
      );
    const partition =
      record.key === null ? this.#partitionWithoutKey(partitions) : kafkaPartitionOf(record.key, partitions);
    this.#add(topic.topicName, partition, partitions, record, bytes);
  }

  #partitionWithoutKey(partitions: number): number {
    const mixed = Math.imul(this.#taskHash ^ Math.imul(this.#salt, 0x9e3779b1) ^ this.#ordinal, 0x85ebca6b);
    return ((mixed ^ (mixed >>> 15)) >>> 0) % partitions;
  }

  #checkSize(key: string, value: unknown): void {
    // As it will be sent: what is large and repeats itself may fit all the same.
    const bytes = compressJson([key, encodeColumn([value])]).length;
    if (bytes + BUNDLE_BYTES_SPARE > this.recordBytesMax)
      throw new MillraceError(
        "format",
        `An element of ${bytes} compressed bytes does not fit into a bundle; the broker takes at most ${this.recordBytesMax}.`,
      );
  }
}
