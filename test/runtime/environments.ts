/** Execution environments over one broker and one state log, for tests of the commit protocol: each with its own cache, and with ports that can be made to fail. */

import type { InvocationContext, Operator } from "millrace";
import type { Broker } from "../../lib/kafka/broker.ts";
import { writeEvent } from "../../lib/local/event-json.ts";
import { newHost } from "../../lib/local/host.ts";
import { MemoryBroker, type MemoryBrokerOptions } from "../../lib/local/memory-broker.ts";
import { readTopic, type TopicElement } from "../../lib/local/read-topic.ts";
import { COMMIT_LIMITS } from "../../lib/runtime/commit-limits.ts";
import { HOST } from "../../lib/runtime/host.ts";
import type { TaskReport } from "../../lib/runtime/report.ts";
import { MemoryStateLog } from "../../lib/state-log/memory-state-log.ts";
import type { StateLog } from "../../lib/state-log/state-log.ts";
import type { FunctionPlan, Topology } from "../../lib/stream/plan.ts";
import { buildTopology } from "../../lib/stream/topology.ts";
import { MemoryTableStore } from "../../lib/tables/memory-table-store.ts";
import type { TableStore } from "../../lib/tables/table-store.ts";
import type { KafkaEvent, TickEvent } from "../../lib/wire/lambda-event.ts";
import type { Header } from "../../lib/wire/record-columns.ts";

/** Ports that replace single methods of the real ones. */
export type Changes = {
  readonly broker?: Partial<Broker>;
  readonly stateLog?: Partial<StateLog>;
  readonly tables?: Partial<TableStore>;
};

/** One execution environment. */
export type Environment = {
  /** Invokes the function that reads `topic` with its records `from` to `to` (exclusive; default: all there are). */
  deliver(topic: string, from: number, to?: number, partition?: number): Promise<unknown>;
  tick(topic: string, watermark?: number | "end", partition?: number): Promise<unknown>;
  /** Invokes it with any event. */
  invoke(topic: string, event: KafkaEvent | TickEvent | string): Promise<unknown>;
};

export type GivenInput = {
  readonly key?: string;
  readonly value: string | null;
  readonly timestampMs?: number;
  readonly headers?: readonly Header[];
};

export class World {
  broker: MemoryBroker;
  readonly log: MemoryStateLog;
  readonly tables = new MemoryTableStore();
  readonly topology: Topology;
  readonly reports: TaskReport[] = [];
  /** The times at which tasks asked to be woken, by function; null: they took it back. */
  readonly wakes: (readonly [functionName: string, atMs: number | null])[] = [];
  nowMs = Date.UTC(2100, 0, 1);
  /** Smaller than in production, where a test says so. */
  commitLimits = COMMIT_LIMITS;
  readonly #operators: readonly Operator[];
  readonly #options: MemoryBrokerOptions;

  /** `before`: a world of other code, whose topics and log this one goes on with. */
  constructor(operators: readonly Operator[], options: MemoryBrokerOptions = {}, before?: World) {
    this.log = before?.log ?? new MemoryStateLog();
    this.#operators = operators;
    this.#options = options;
    this.topology = buildTopology(
      "test",
      operators.map(({ definition }) => definition),
      () => 1,
    );
    this.broker = before?.broker ?? new MemoryBroker(options);
  }

  /** Creates the topics; again, after `broker` was thrown away. */
  async createTopics(): Promise<this> {
    this.broker = new MemoryBroker(this.#options);
    await this.broker.ensureTopics(
      this.topology.topics.map(({ name, partitions }) => ({
        name,
        partitions,
        compacted: false,
        retentionMs: undefined,
      })),
    );
    return this;
  }

  async write(topic: string, ...inputs: readonly GivenInput[]): Promise<void> {
    const utf8 = (text: string) => new TextEncoder().encode(text);
    const records = inputs.map(({ key, value, timestampMs = 1_000, headers = [] }) => ({
      key: key === undefined ? null : utf8(key),
      value: value === null ? null : utf8(value),
      timestampMs,
      headers,
    }));
    await this.broker.produce([{ topic, partition: 0, records }]);
  }

  environment(changes: Changes = {}): Environment {
    const host = newHost({
      topology: this.topology,
      broker: brokerOver(this.broker, changes.broker),
      stateLog: stateLogOver(this.log, changes.stateLog),
      tables: tablesOver(this.tables, changes.tables),
      now: () => this.nowMs,
      wake: (functionName, _topic, _partition, atMs) => this.wakes.push([functionName, atMs]),
      report: (report) => this.reports.push(report),
      commitLimits: this.commitLimits,
    });
    const invoke = async (topic: string, event: KafkaEvent | TickEvent | string) => {
      const plan = this.planOf(topic);
      const operator = this.#operators.find(({ definition }) => definition === plan.operator) as Operator;
      const context: InvocationContext = {
        awsRequestId: "t",
        functionName: plan.name,
        getRemainingTimeInMillis: () => 1e6,
      };
      return operator(event, Object.assign(context, { [HOST]: host }));
    };
    return {
      invoke,
      deliver: async (topic, from, to = Number.MAX_SAFE_INTEGER, partition = 0) => {
        const limits = { bytesMax: 1e9, recordsMax: to - from };
        const { records, nextOffset } = await this.broker.fetch(topic, partition, from, limits);
        let count = records.count;
        while (count > 0 && (records.offsets[count - 1] as number) >= to) count--;
        const origin = { eventSource: "aws:kafka", bootstrapServers: "b", topic } as const;
        return invoke(topic, writeEvent(origin, [{ partition, columns: records, from: 0, to: count, nextOffset }]));
      },
      tick: (topic, watermark, partition = 0) =>
        invoke(topic, {
          eventSource: "millrace:tick",
          functionName: this.planOf(topic).name,
          tasks: [{ topic, partition }],
          ...(watermark !== undefined && { watermark }),
        }),
    };
  }

  /** Everything in a topic, repeats included. */
  async read(topic: string): Promise<TopicElement<Uint8Array, Uint8Array>[]> {
    return (await readTopic(this.broker, { topicName: topic })) as TopicElement<Uint8Array, Uint8Array>[];
  }

  /** The values in a topic as text, repeats included. */
  async texts(topic: string): Promise<string[]> {
    return (await this.read(topic)).map(({ value }) => new TextDecoder().decode(value));
  }

  /** The newest sequence number of the task that reads a topic. */
  async head(topic: string): Promise<number> {
    const tasks = await this.log.tasks();
    return tasks.find(({ task }) => task.includes(`/${topic}-0/`))?.sequenceNumber ?? 0;
  }

  planOf(topic: string): FunctionPlan {
    const plan = this.topology.functions.find(
      ({ shuffle, sources }) => shuffle?.name === topic || sources.some((source) => source.topic.topicName === topic),
    );
    if (plan === undefined) throw new Error(`No function reads ${topic}.`);
    return plan;
  }
}

function brokerOver(inner: Broker, changes: Partial<Broker> = {}): Broker {
  return {
    recordBytesMax: inner.recordBytesMax,
    produce: (batches) => inner.produce(batches),
    prepareExactlyOnce: (partitions, once) => inner.prepareExactlyOnce(partitions, once),
    produceExactlyOnce: (batches, once) => inner.produceExactlyOnce(batches, once),
    fetch: (topic, partition, offset, limits) => inner.fetch(topic, partition, offset, limits),
    offsets: (topic) => inner.offsets(topic),
    offsetRange: (topic, partition) => inner.offsetRange(topic, partition),
    topics: () => inner.topics(),
    ensureTopics: (topics) => inner.ensureTopics(topics),
    committedOffset: (group, topic, partition) => inner.committedOffset(group, topic, partition),
    commitOffset: (group, topic, partition, offset) => inner.commitOffset(group, topic, partition, offset),
    close: () => inner.close(),
    ...changes,
  };
}

function tablesOver(inner: TableStore, changes: Partial<TableStore> = {}): TableStore {
  return {
    put: (...put) => inner.put(...put),
    ensureTables: (tables) => inner.ensureTables(tables),
    read: (table, nowMs) => inner.read(table, nowMs),
    close: () => inner.close(),
    ...changes,
  };
}

function stateLogOver(inner: StateLog, changes: Partial<StateLog> = {}): StateLog {
  return {
    putEntry: (task, entry) => inner.putEntry(task, entry),
    readEntries: (task) => inner.readEntries(task),
    readSlot: (task, sequenceNumber) => inner.readSlot(task, sequenceNumber),
    putChunk: (task, chunk) => inner.putChunk(task, chunk),
    readChunks: (task) => inner.readChunks(task),
    generationOf: (functionName) => inner.generationOf(functionName),
    allotGeneration: (functionName, after) => inner.allotGeneration(functionName, after),
    tasks: () => inner.tasks(),
    close: () => inner.close(),
    ...changes,
  };
}
