/** One function of an application as Lambda would run it, in virtual time: the runtime that is deployed, stores that charge, and everything counted that is paid for. */

import { computeMs, LOG_LINE_BYTES, PLATFORM_LOG_BYTES, RECORD_OWN_BYTES, waitMs } from "../../cost/assumed.ts";
import type { FunctionWork } from "../../cost/work.ts";
import type { Broker, OutgoingBatch } from "../../kafka/broker.ts";
import { LambdaRuntime } from "../../lambda/lambda-runtime.ts";
import { delaySecondsOf, encodeWakeUp, type QueueEvent, type WakeUp } from "../../lambda/wake-up.ts";
import { type ChargedStores, ChargedTableStore } from "../../local/charged-stores.ts";
import { placesOf, tickEvent } from "../../local/tick.ts";
import { machineSettings } from "../../runtime/settings-source.ts";
import type { StateLog, StoreUnits } from "../../state-log/state-log.ts";
import { needsClock } from "../../stream/needs-clock.ts";
import type { FunctionPlan, Topology } from "../../stream/plan.ts";
import { recordBytes } from "../../wire/outgoing-record.ts";

/** How a function is deployed, as far as it is paid for. */
export type FunctionSize = { readonly memoryMb: number; readonly maxRecords: number; readonly windowSeconds: number };

type Message = { readonly atMs: number; readonly body: string };

/** As many as SQS gives at once. */
const MESSAGES_MAX = 10;
/** More than any invocation here takes. */
const REMAINING_MS = 60_000;

export class VirtualFunction {
  readonly plan: FunctionPlan;
  readonly size: FunctionSize;
  readonly #now: () => number;
  readonly #stateLog: StateLog & { readonly units: StoreUnits };
  readonly #tables = new ChargedTableStore();
  readonly #runtime: LambdaRuntime;
  #messages: Message[] = [];
  #work: FunctionWork;

  constructor(
    plan: FunctionPlan,
    size: FunctionSize,
    world: { readonly topology: Topology; readonly broker: Broker; readonly stores: ChargedStores; now(): number },
  ) {
    this.plan = plan;
    this.size = size;
    this.#now = () => world.now();
    this.#work = nothingOf(plan, size);
    this.#stateLog = world.stores.newStateLog();
    const settings = {
      application: world.topology.application,
      table: "",
      writtenElsewhere: plan.sources.flatMap(({ topic, writtenByMillrace }) =>
        writtenByMillrace ? topic.topicName : [],
      ),
    };
    this.#runtime = new LambdaRuntime(plan.operator, settings, {
      broker: this.#counting(world.broker),
      stateLog: this.#stateLog,
      tables: this.#tables,
      queue: needsClock(plan) ? { send: async (wakeUps, nowMs) => this.#send(wakeUps, nowMs) } : undefined,
      now: this.#now,
      settings: machineSettings(process.env),
      write: (line) => this.#log(line),
    });
  }

  /** What it has done since it was last asked. */
  takeWork(): FunctionWork {
    const work = this.#work;
    this.#work = nothingOf(this.plan, this.size);
    return work;
  }

  /** Invokes with an event's text; returns for how many milliseconds of virtual time it is busy. */
  async invoke(eventText: string, records: number, bytes: number): Promise<number> {
    this.#add({ records, bytesRead: bytes });
    return this.#run(() => JSON.parse(eventText));
  }

  /** The tick of its schedule. */
  async tick(): Promise<void> {
    await this.#run(() => tickEvent(this.plan, placesOf(this.plan)));
  }

  /** Brings it the wake-ups that are due. */
  async wake(): Promise<void> {
    const nowMs = this.#now();
    const due = this.#messages.filter(({ atMs }) => atMs <= nowMs);
    if (due.length === 0) return;
    this.#messages = this.#messages.filter(({ atMs }) => atMs > nowMs);
    for (let from = 0; from < due.length; from += MESSAGES_MAX) {
      const bodies = due.slice(from, from + MESSAGES_MAX);
      const event: QueueEvent = { Records: bodies.map(({ body }) => ({ eventSource: "aws:sqs", body })) };
      // Received, and deleted.
      this.#add({ queueRequests: 2 });
      await this.#run(() => event);
    }
  }

  async #run(event: () => unknown): Promise<number> {
    const before = { ...this.#units(), written: this.#work.bytesWritten };
    const cpu = process.cpuUsage();
    await this.#runtime.handle(event(), {
      awsRequestId: "00000000-0000-4000-8000-000000000000",
      functionName: this.plan.name,
      getRemainingTimeInMillis: () => REMAINING_MS,
    });
    const { user, system } = process.cpuUsage(cpu);
    const after = { ...this.#units(), written: this.#work.bytesWritten };
    const waits = waitMs({
      committed: after.write > before.write,
      sent: after.written > before.written,
      read: after.read > before.read,
    });
    this.#add({
      invocations: 1,
      milliseconds: waits + computeMs((user + system) / 1_000, this.size.memoryMb),
      writeUnits: after.write - before.write,
      readUnits: after.read - before.read,
      logBytes: PLATFORM_LOG_BYTES,
    });
    return waits;
  }

  #units(): { readonly read: number; readonly write: number } {
    const { read, write } = this.#stateLog.units;
    const rows = this.#tables.units;
    return { read: read + rows.read, write: write + rows.write };
  }

  #send(wakeUps: readonly WakeUp[], nowMs: number): void {
    this.#add({ queueRequests: Math.ceil(wakeUps.length / MESSAGES_MAX) });
    for (const wakeUp of wakeUps)
      this.#messages.push({ atMs: nowMs + delaySecondsOf(wakeUp, nowMs) * 1_000, body: encodeWakeUp(wakeUp) });
  }

  #log(line: string): void {
    const { Commits = 0, tasks = [] } = JSON.parse(line) as { Commits?: number; tasks?: { cells: number }[] };
    const cells = tasks.reduce((sum, task) => sum + task.cells, 0);
    this.#add({ logBytes: Buffer.byteLength(line) + LOG_LINE_BYTES, commits: Commits, cells });
  }

  /** The broker, with what this function writes counted. */
  #counting(broker: Broker): Broker {
    const count = (batches: readonly OutgoingBatch[]) => {
      for (const { records } of batches)
        for (const record of records) this.#add({ bytesWritten: recordBytes(record) + RECORD_OWN_BYTES });
    };
    return new Proxy(broker, {
      get: (target, name: keyof Broker) => {
        const value = target[name];
        if (typeof value !== "function") return value;
        if (name !== "produce" && name !== "produceExactlyOnce") return value.bind(target);
        return (batches: readonly OutgoingBatch[], ...rest: never[]) => {
          count(batches);
          return (value as (...args: unknown[]) => Promise<void>).call(target, batches, ...rest);
        };
      },
    });
  }

  #add(numbers: Partial<Omit<FunctionWork, "name" | "memoryMb">>): void {
    const sums = Object.entries(numbers).map(([key, value]) => [key, this.#work[key as "records"] + value]);
    this.#work = { ...this.#work, ...Object.fromEntries(sums) };
  }
}

function nothingOf({ name }: FunctionPlan, { memoryMb }: FunctionSize): FunctionWork {
  return {
    name,
    memoryMb,
    records: 0,
    invocations: 0,
    milliseconds: 0,
    commits: 0,
    cells: 0,
    writeUnits: 0,
    readUnits: 0,
    bytesRead: 0,
    bytesWritten: 0,
    logBytes: 0,
    queueRequests: 0,
  };
}
