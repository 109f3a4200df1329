/** One production task over a log and a broker in memory, with what its log is asked to write in view. */

import type { Broker } from "../../lib/kafka/broker.ts";
import { newHost } from "../../lib/local/host.ts";
import { MemoryBroker } from "../../lib/local/memory-broker.ts";
import { type OpenTask, openTask } from "../../lib/runtime/open-task.ts";
import type { Operator } from "../../lib/runtime/operator-handler.ts";
import { Task } from "../../lib/runtime/task.ts";
import { type TaskName, toTaskName } from "../../lib/runtime/task-name.ts";
import { MemoryStateLog } from "../../lib/state-log/memory-state-log.ts";
import { type Chunk, type LogEntry, RING_SLOTS, type StateLog } from "../../lib/state-log/state-log.ts";
import type { FunctionPlan } from "../../lib/stream/plan.ts";
import { buildTopology } from "../../lib/stream/topology.ts";
import type { RecordColumns } from "../../lib/wire/record-columns.ts";

export type Sent = { readonly key: string; readonly value: unknown; readonly timestampMs: number };

/** What was written since the last look. */
export type Written = { entries: LogEntry[]; chunks: Chunk[] };

export class OneTask {
  readonly broker: Broker = new MemoryBroker();
  readonly #store = new MemoryStateLog();
  readonly #topology;
  readonly #plan: FunctionPlan;
  readonly #name: TaskName;
  readonly #slots = new Map<number, LogEntry>();
  readonly #tasks: Task[] = [];
  #offset = 0;
  #records: RecordColumns | undefined;
  /** What was asked of `host.wake`, as `atMs@commit`. */
  readonly wishes: string[] = [];
  /** Set: the next entry is stored, and its writer dies before he hears of it. */
  diesAtNextPut = false;
  /** How long an invocation lasts. */
  remainingMs: number | undefined;
  nowMs = 0;
  written: Written = { entries: [], chunks: [] };

  /** `environments`: how many tasks with warm caches of their own there are. */
  constructor(operator: Operator, environments = 1) {
    this.#topology = buildTopology("test", [operator.definition], () => 1);
    this.#plan = this.#topology.functions[0] as FunctionPlan;
    const topic = this.#plan.sources[0]?.topic.topicName as string;
    this.#name = toTaskName("test", this.#plan.name, topic, 0, 0);
    for (let i = 0; i < environments; i++) this.#tasks.push(this.#newTask());
  }

  async begin(): Promise<this> {
    await this.broker.ensureTopics(this.#topology.topics);
    return this;
  }

  /** One batch for one environment: one commit. */
  async send(sent: readonly Sent[], environment = 0): Promise<void> {
    const { topic } = this.#name;
    const encoder = new TextEncoder();
    const records = sent.map(({ key, value, timestampMs }) => ({
      key: encoder.encode(key),
      value: encoder.encode(JSON.stringify(value)),
      timestampMs,
      headers: [],
    }));
    await this.broker.produce([{ topic, partition: 0, records }]);
    const limits = { bytesMax: 64 * 1024 * 1024, recordsMax: sent.length };
    const fetched = await this.broker.fetch(topic, 0, this.#offset, limits);
    this.#offset = fetched.nextOffset;
    this.#records = fetched.records;
    await this.sendAgain(environment);
  }

  /** Delivers the last batch again. */
  async sendAgain(environment = 0): Promise<void> {
    const { remainingMs } = this;
    await (this.#tasks[environment] as Task).run(
      { kind: "records", records: this.#records as RecordColumns },
      remainingMs === undefined ? undefined : () => remainingMs,
    );
  }

  async tick(watermarkMs?: number, environment = 0): Promise<void> {
    await (this.#tasks[environment] as Task).run({ kind: "tick", watermarkMs });
  }

  /** An environment forgets everything. */
  restart(environment = 0): void {
    this.#tasks[environment] = this.#newTask();
  }

  /** The task as its log alone has it. */
  open(): Promise<OpenTask> {
    return openTask(this.#store, this.#plan, this.#name, this.broker.recordBytesMax);
  }

  /** The cells in the log: `table namespace key` → value as text. */
  async cells(): Promise<Map<string, string>> {
    const cells = new Map<string, string>();
    for (const [name, table] of (await this.open()).state.tables())
      for (const namespace of table.namespaces())
        table.forEach(namespace, (key, value) =>
          cells.set(`${name.split("/").at(-1)} ${namespace} ${key}`, JSON.stringify(value)),
        );
    return cells;
  }

  takeWritten(): Written {
    const { written } = this;
    this.written = { entries: [], chunks: [] };
    return written;
  }

  #newTask(): Task {
    const log = this.#store;
    const observed: StateLog = {
      putEntry: async (task, entry) => {
        const overwritten = this.#slots.get(entry.sequenceNumber % RING_SLOTS);
        const result = await log.putEntry(task, entry);
        if (result.kind === "stored") {
          if (overwritten !== undefined && overwritten.sequenceNumber > entry.base)
            throw new Error(
              `L6: ${entry.sequenceNumber} on base ${entry.base} overwrote ${overwritten.sequenceNumber}`,
            );
          this.#slots.set(entry.sequenceNumber % RING_SLOTS, entry);
          this.written.entries.push(entry);
        }
        if (this.diesAtNextPut) {
          this.diesAtNextPut = false;
          throw new Error("The environment died here.");
        }
        return result;
      },
      putChunk: (task, chunk) => {
        this.written.chunks.push(chunk);
        return log.putChunk(task, chunk);
      },
      readEntries: (task) => log.readEntries(task),
      readSlot: (task, n) => log.readSlot(task, n),
      readChunks: (task) => log.readChunks(task),
      generationOf: (name) => log.generationOf(name),
      allotGeneration: (name, after) => log.allotGeneration(name, after),
      tasks: () => log.tasks(),
      close: () => log.close(),
    };
    const host = newHost({
      topology: this.#topology,
      broker: this.broker,
      stateLog: observed,
      now: () => this.nowMs,
      wake: (_function, _topic, _partition, atMs, sequenceNumber) => this.wishes.push(`${atMs}@${sequenceNumber}`),
      report: () => {},
    });
    return new Task(host, this.#plan, this.#name);
  }
}
