/**
 * The test driver: operators on topics in memory, in virtual time, through the same events, commits and outboxes as everywhere else.
 */

import { COMMIT_LIMITS } from "../runtime/commit-limits.ts";
import { type DeadLetter, isOfOperator, toDeadLetter } from "../runtime/dead-letter.ts";
import { HOST, type Host } from "../runtime/host.ts";
import type { Operator } from "../runtime/operator-handler.ts";
import type { TaskReport } from "../runtime/report.ts";
import { machineSettings } from "../runtime/settings-source.ts";
import { kafkaPartitionOf } from "../state/murmur2.ts";
import { MemoryStateLog } from "../state-log/memory-state-log.ts";
import type { StateLog } from "../state-log/state-log.ts";
import { type AsyncCall, type AsyncFunction, type AsyncSpec, toAsyncSpec } from "../stream/async-function.ts";
import type { Duration } from "../stream/duration.ts";
import { MillraceError } from "../stream/error.ts";
import type { FunctionPlan, Topology } from "../stream/plan.ts";
import type { Uses } from "../stream/settings.ts";
import type { OutsideSink, SinkElement } from "../stream/sink.ts";
import type { AnyTopic, Topic } from "../stream/topic.ts";
import { buildTopology, partitionsOf } from "../stream/topology.ts";
import { MemoryTableStore } from "../tables/memory-table-store.ts";
import type { TableStore } from "../tables/table-store.ts";
import type { BatchResponse, RedriveEvent, RedriveOutcome, RedriveResponse, TickEvent } from "../wire/lambda-event.ts";
import type { OutgoingRecord } from "../wire/outgoing-record.ts";
import { writeEvent } from "./event-json.ts";
import { newHost } from "./host.ts";
import { MemoryBroker } from "./memory-broker.ts";
import { isPlaced, type Placed } from "./placed.ts";
import { readKeyedState, type StateCell } from "./read-state.ts";
import { readTable } from "./read-table.ts";
import { onlyFirst, readTopic, type TopicElement } from "./read-topic.ts";
import { redrive } from "./redrive.ts";
import { SinkRecorder, type SinkWrite } from "./sink-recorder.ts";
import type { TestDriverOptions } from "./test-driver-options.ts";
import { sourceTasksOf, type TaskPlace, tickEvent, topicsReadBy } from "./tick.ts";

const START_MS = Date.UTC(2100, 0, 1);

/** An end that is never reached in practice: a topology whose functions feed each other is refused. */
const ROUNDS_MAX = 1_000_000;

/** Wires operators by their topics. Throws a MillraceError "topology" where they do not fit together. */
export async function testDriver(
  operators: Operator | readonly Operator[],
  options: TestDriverOptions = {},
): Promise<TestDriver> {
  const list = Array.isArray(operators) ? (operators as readonly Operator[]) : [operators as Operator];
  const { partitions = 1 } = options;
  const counts = partitions === "declared" ? partitionsOf : () => partitions;
  const topology = buildTopology(
    "test",
    list.map((operator) => operator.definition),
    counts,
  );
  const charged = options.charged === true ? await import("./charged-stores.ts") : undefined;
  const stores =
    charged === undefined
      ? { log: new MemoryStateLog(), tables: new MemoryTableStore() }
      : { log: new charged.ChargedStores(Date.now).newStateLog(), tables: new charged.ChargedTableStore() };
  const driver = new TestDriver(topology, list, options, stores);
  await driver.begin();
  return driver;
}

/** Operators under test, wired by their topics: send elements, move the time, read what comes out. Made by `testDriver`. */
export class TestDriver implements AsyncDisposable {
  readonly #topology: Topology;
  readonly #operators: ReadonlyMap<string, Operator>;
  readonly #options: TestDriverOptions;
  readonly #broker = new MemoryBroker();
  readonly #log: StateLog;
  readonly #tables: TableStore;
  readonly #positions = new Map<string, number>();
  readonly #wakes = new Map<string, { plan: FunctionPlan; task: TaskPlace; atMs: number }>();
  readonly #reports: TaskReport[] = [];
  readonly #invocations = new Map<string, number>();
  readonly #sinks = new SinkRecorder();
  readonly #replaced = new Map<AsyncSpec, (value: unknown, call: unknown) => unknown>();
  #nowMs: number;
  #host: Host;

  /** Use `testDriver`. */
  constructor(
    topology: Topology,
    operators: readonly Operator[],
    options: TestDriverOptions,
    { log, tables }: { readonly log: StateLog; readonly tables: TableStore },
  ) {
    this.#topology = topology;
    this.#log = log;
    this.#tables = tables;
    this.#operators = new Map(operators.map((operator) => [operator.operatorName, operator]));
    this.#options = options;
    this.#nowMs = options.startMs ?? START_MS;
    this.#host = this.#newHost();
  }

  /** Use `testDriver`. */
  async begin(): Promise<void> {
    await this.#broker.ensureTopics(
      this.#topology.topics.map(({ name, partitions, compacted, retentionMs }) => ({
        name,
        partitions,
        compacted,
        retentionMs,
      })),
    );
    await this.#tickSources(undefined);
  }

  /**
   * Writes elements to a topic, encoded by its formats, and runs the operators until nothing is left to read. All elements of one call are one batch, as far as
   * `batchSize` allows. Without `at` an element has the clock's time as its timestamp.
   */
  async send<In, KeyIn>(
    topic: Topic<In, unknown, KeyIn, unknown>,
    ...elements: readonly (In | Placed<In>)[]
  ): Promise<void> {
    const declared = this.#declared(topic);
    await this.#produce(
      topic.topicName,
      elements.map((element) => {
        const {
          value,
          timestampMs = this.#nowMs,
          key = null,
          partition,
          headers = {},
        } = isPlaced(element) ? element : { value: element };
        const keyBytes = key === null || declared.keyFormat === undefined ? null : declared.keyFormat.encode(key);
        return {
          partition,
          record: {
            key: keyBytes,
            value: value === null ? null : declared.valueFormat.encode(value),
            timestampMs,
            headers: Object.entries(headers).map(([name, text]) => [name, new TextEncoder().encode(text)] as const),
          },
        };
      }),
    );
  }

  /** Writes bytes that no format made, as a stranger would. `record` replaces what a good record has. */
  async sendBroken(
    topic: AnyTopic,
    value: Uint8Array | string | null,
    record: Partial<OutgoingRecord> = {},
  ): Promise<void> {
    const bytes = typeof value === "string" ? new TextEncoder().encode(value) : value;
    await this.#produce(topic.topicName, [
      { partition: undefined, record: { key: null, value: bytes, timestampMs: this.#nowMs, headers: [], ...record } },
    ]);
  }

  /** Raises the watermark of every source to at least this; `Infinity` is the end of the input. */
  async advanceWatermark(toMs: number): Promise<void> {
    await this.#tickSources(toMs);
  }

  /** Moves the clock on, and wakes each task at the time it asked for. */
  async advanceClock(by: Duration | number): Promise<void> {
    const untilMs = this.#nowMs + by;
    for (let round = 0; round < ROUNDS_MAX; round++) {
      const next = [...this.#wakes].filter(([, wake]) => wake.atMs <= untilMs).sort((a, b) => a[1].atMs - b[1].atMs)[0];
      if (next === undefined) break;
      const [name, { plan, task, atMs }] = next;
      this.#wakes.delete(name);
      this.#nowMs = Math.max(this.#nowMs, atMs);
      await this.#invoke(plan, tickEvent(plan, [task]));
      await this.#drain();
    }
    this.#nowMs = untilMs;
  }

  /** Forgets everything but topics and logs, as a new execution environment does. */
  async restart(): Promise<void> {
    this.#host = this.#newHost();
  }

  /**
   * The values in a topic, in order of partition and offset, each once: what a Millrace operator that reads the topic would count. After a restart
   * the topic itself may hold outputs a second time, with the same identity; `readRecords` shows these too.
   */
  async read<Out>(topic: Topic<never, Out, never, unknown>): Promise<Out[]> {
    return onlyFirst(await this.readRecords(topic)).map((record) => record.value);
  }

  /** The records of a topic, decoded, repeats included. */
  async readRecords<Out, KeyOut>(topic: Topic<never, Out, never, KeyOut>): Promise<TopicElement<KeyOut, Out>[]> {
    return (await readTopic(this.#broker, this.#declared(topic))) as TopicElement<KeyOut, Out>[];
  }

  /** The rows of a table as the clock stands, sorted by their key, which is among their attributes; without those that were deleted or have expired. */
  async readTable(table: { readonly tableName: string }): Promise<Record<string, unknown>[]> {
    const plan = this.#topology.tables.find(({ name }) => name === table.tableName);
    if (plan === undefined)
      throw new MillraceError("usage", `No operator of this driver writes table ${table.tableName}.`);
    const rows = await readTable(this.#tables, plan, this.#nowMs);
    return rows.map(({ key, attributes }) => ({ ...key, ...attributes }));
  }

  /** The dead letters of an operator, each once, with their original bytes and the reason. */
  async deadLetters(operator: Operator): Promise<DeadLetter[]> {
    return (await this.#letterRecords(operator)).map(toDeadLetter);
  }

  /**
   * Processes the dead letters of an operator again, all or those that `which` chooses, and runs the operators until nothing is left to read. Says what became of
   * each: one that was redriven before is left out, and one that fails again is a new dead letter.
   */
  async redrive(operator: Operator, which: (letter: DeadLetter) => boolean = () => true): Promise<RedriveOutcome[]> {
    const outcomes: RedriveOutcome[] = [];
    await redrive(
      (await this.#letterRecords(operator)).filter((record) => which(toDeadLetter(record))),
      {
        topology: this.#topology,
        invoke: async (plan, event) => (await this.#invoke(plan, event)) as RedriveResponse,
        onBatch: (batch) => outcomes.push(...batch),
      },
    );
    await this.#drain();
    return outcomes;
  }

  async #letterRecords(operator: Operator): Promise<TopicElement<Uint8Array | null, Uint8Array | null>[]> {
    const plan = this.#topology.functions.find((candidate) => candidate.operator === operator.definition);
    if (plan === undefined)
      throw new MillraceError("usage", `The test driver does not run operator ${operator.operatorName}.`);
    const records = onlyFirst(await readTopic(this.#broker, { topicName: plan.deadLetterTopic }));
    // Others may have theirs in the same topic.
    return (records as TopicElement<Uint8Array | null, Uint8Array | null>[]).filter((record) =>
      isOfOperator(toDeadLetter(record), operator.operatorName),
    );
  }

  /** The cells of keyed state of an operator, or of one key. */
  async state(operator: Operator, key?: unknown): Promise<StateCell[]> {
    const plans = this.#topology.functions.filter((plan) => plan.operator === operator.definition);
    return (await Promise.all(plans.map((plan) => readKeyedState(this.#log, this.#topology, plan, key)))).flat();
  }

  /** Every commit so far: counters of late elements, dead letters, duplicates, what authors logged and counted. */
  get reports(): readonly TaskReport[] {
    return this.#reports;
  }

  /** How often each function was called so far, by batches and by ticks. */
  get invocations(): ReadonlyMap<string, number> {
    return this.#invocations;
  }

  /** Late elements that were dropped or sent to their topic. */
  get late(): number {
    return this.#reports.reduce((sum, report) => sum + report.late, 0);
  }

  /**
   * Calls `plain` instead of an asynchronous function from here on, in every step that uses it: nothing is opened, and its settings and secrets are not needed. What
   * it returns or throws is the answer; order, time-out, retries and cache stay. Environments begin anew.
   */
  replace<T, R, U extends Uses, C>(
    fn: AsyncFunction<T, R, U, C>,
    plain: (value: T, call: Omit<AsyncCall<unknown>, "client">) => R | PromiseLike<R>,
  ): void {
    this.#replaced.set(toAsyncSpec(fn, "replace"), plain as (value: unknown, call: unknown) => unknown);
    this.#host = this.#newHost();
  }

  /**
   * Gives elements to `write` instead of a sink's own function from here on: nothing is opened, and its settings and secrets are not needed. Without `write` all are
   * taken. What fails in it fails the call of the driver that ran into it; the next one settles. Environments begin anew.
   */
  replaceSink<T, K>(sink: OutsideSink<T, K>, write: SinkWrite<T, K> = async () => {}): void {
    this.#sinks.replace(sink, write);
    this.#host = this.#newHost();
  }

  /** The elements that a sink took, each once; not those that it refused. */
  written<T, K>(sink: OutsideSink<T, K>): SinkElement<T, K>[] {
    return this.#sinks.takenBy(sink);
  }

  /** The clock, epoch milliseconds. */
  get nowMs(): number {
    return this.#nowMs;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#broker.close();
    await this.#log.close();
  }

  #newHost(): Host {
    const { resultsPerCommit } = this.#options;
    return newHost({
      topology: this.#topology,
      broker: this.#broker,
      stateLog: this.#log,
      tables: this.#tables,
      now: () => this.#nowMs,
      wake: (functionName, topic, partition, atMs) => {
        const plan = this.#topology.functions.find(({ name }) => name === functionName) as FunctionPlan;
        const task = `${functionName}/${topic}-${partition}`;
        if (atMs === null) this.#wakes.delete(task);
        else this.#wakes.set(task, { plan, task: { topic, partition }, atMs });
      },
      report: (report) => this.#reports.push(report),
      strict: this.#options.strict ?? true,
      replaced: this.#replaced,
      ...this.#sinks.hooks,
      settings: machineSettings({ ...process.env, ...this.#options.environment }),
      ...(resultsPerCommit !== undefined && {
        commitLimits: { ...COMMIT_LIMITS, resultsMax: resultsPerCommit },
      }),
    });
  }

  async #produce(
    topic: string,
    records: readonly { partition: number | undefined; record: OutgoingRecord }[],
  ): Promise<void> {
    const count = this.#topology.topics.find(({ name }) => name === topic)?.partitions ?? 1;
    const byPartition = new Map<number, OutgoingRecord[]>();
    for (const [i, { partition, record }] of records.entries()) {
      const target = partition ?? (record.key === null ? i % count : kafkaPartitionOf(record.key, count));
      byPartition.set(target, [...(byPartition.get(target) ?? []), record]);
    }
    await this.#broker.produce([...byPartition].map(([partition, batch]) => ({ topic, partition, records: batch })));
    await this.#drain();
  }

  async #tickSources(watermarkMs: number | undefined): Promise<void> {
    for (const plan of this.#topology.functions) {
      const tasks = sourceTasksOf(plan);
      if (!plan.commits || tasks.length === 0) continue;
      await this.#invoke(plan, tickEvent(plan, tasks, watermarkMs));
      await this.#drain();
    }
  }

  /** Delivers what can be read, function by function in the order of the data, until nothing is left. */
  async #drain(): Promise<void> {
    for (let round = 0; round < ROUNDS_MAX; round++) {
      let read = false;
      for (const plan of this.#topology.functions) {
        for (const { topic } of topicsReadBy(plan)) read = (await this.#deliver(plan, topic)) || read;
      }
      if (!read) return;
    }
  }

  async #deliver(plan: FunctionPlan, topic: string): Promise<boolean> {
    const ranges = await this.#broker.offsets(topic);
    const slices = [];
    for (const [partition, { high }] of ranges.entries()) {
      const position = this.#positions.get(`${plan.name}/${topic}-${partition}`) ?? 0;
      if (position >= high) continue;
      const { records, nextOffset } = await this.#broker.fetch(topic, partition, position, {
        bytesMax: 64 * 1024 * 1024,
        recordsMax: this.#options.batchSize ?? 1_000,
      });
      slices.push({ partition, columns: records, from: 0, to: records.count, nextOffset });
    }
    if (slices.length === 0) return false;
    await this.#invoke(plan, writeEvent({ eventSource: "aws:kafka", bootstrapServers: "memory", topic }, slices));
    for (const { partition, nextOffset } of slices)
      this.#positions.set(`${plan.name}/${topic}-${partition}`, nextOffset);
    return true;
  }

  async #invoke(plan: FunctionPlan, event: string | TickEvent | RedriveEvent): Promise<BatchResponse> {
    const operator = this.#operators.get(plan.operator.operatorName) as Operator;
    this.#invocations.set(plan.name, (this.#invocations.get(plan.name) ?? 0) + 1);
    const context = {
      awsRequestId: "test",
      functionName: plan.name,
      getRemainingTimeInMillis: () => 60_000,
      [HOST]: this.#host,
    };
    const response = await operator(event, context);
    if (this.#options.restartAfterEveryBatch === true) await this.restart();
    return response;
  }

  #declared(topic: { readonly topicName: string }): AnyTopic {
    const declared = this.#topology.topics.find(({ name }) => name === topic.topicName)?.declared;
    if (declared !== undefined) return declared;
    throw new MillraceError("usage", `No operator of this driver reads or writes topic ${topic.topicName}.`);
  }
}
