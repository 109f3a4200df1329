/**
 * Several environments of one application over one log and one broker, every call of theirs at the mercy of a scheduler: calls wait, are lost, lose their
 * replies, or take effect long after their caller gave up; invocations time out and go on, are delivered twice and in other pieces, and crash.
 *
 * Beneath the network an observer checks what no writer may ever do (L1, L2, L5, L9, O2, O5).
 */

import { createHash, randomUUID } from "node:crypto";
import type fc from "fast-check";
import type { Broker, OutgoingBatch } from "../../lib/kafka/broker.ts";
import { writeEvent } from "../../lib/local/event-json.ts";
import { newHost } from "../../lib/local/host.ts";
import { MemoryBroker } from "../../lib/local/memory-broker.ts";
import { tickEvent } from "../../lib/local/tick.ts";
import { HOST, type Host } from "../../lib/runtime/host.ts";
import type { Operator } from "../../lib/runtime/operator-handler.ts";
import { decodeOutbox, toSend } from "../../lib/runtime/outbox.ts";
import { createRandom, type Random } from "../../lib/simulation/random.ts";
import { MemoryStateLog } from "../../lib/state-log/memory-state-log.ts";
import type { LogEntry, StateLog } from "../../lib/state-log/state-log.ts";
import { type ErrorCode, MillraceError } from "../../lib/stream/error.ts";
import type { FunctionPlan, Topology } from "../../lib/stream/plan.ts";
import { buildTopology } from "../../lib/stream/topology.ts";
import type { TickEvent } from "../../lib/wire/lambda-event.ts";

export type RaceOptions = {
  readonly operators: readonly Operator[];
  readonly environments: number;
  readonly seed: number;
  /** Of a call to go wrong, and of an invocation to be given up, repeated or crashed. */
  readonly faults: { readonly calls: number; readonly invocations: number };
  readonly batchSizeMax: number;
  /** Breaks a rule, to see that somebody notices. */
  readonly mutate?: (host: Host) => Host;
};

type Environment = { host: Host; isDead: boolean; readonly acknowledged: Set<string> };

/** What a retry answers; anything else that is thrown is a mistake of ours. */
const RETRIED: readonly ErrorCode[] = ["kafka", "state-store", "conflict"];

/** More than any race needs. */
const INVOCATIONS_MAX = 5_000;

class Crash extends Error {}

export class RaceWorld {
  readonly broker = new MemoryBroker();
  readonly log = new MemoryStateLog();
  readonly topology: Topology;
  readonly broken: string[] = [];
  /** Entries per task, as they were stored. */
  readonly committed = new Map<string, LogEntry[]>();
  readonly counts = { invocations: 0, faults: 0, lost: 0, repeats: 0 };
  readonly #options: RaceOptions;
  readonly #scheduler: fc.Scheduler;
  readonly #random: Random;
  readonly #environments: Environment[] = [];
  /** What may be sent: the bytes of a commit's outputs → the commit. */
  readonly #sendable = new Map<string, { task: string; sequenceNumber: number }>();
  readonly #sent = new Set<string>();
  readonly #acknowledged = new Set<string>();
  readonly #idle = new Map<string, boolean>();
  #wakeAll: (() => void)[] = [];
  /** How often anything was written: whoever found nothing before it must look again. */
  #appends = 0;
  #isOver = false;
  #nowMs = 0;

  constructor(options: RaceOptions, scheduler: fc.Scheduler) {
    this.#options = options;
    this.#scheduler = scheduler;
    this.#random = createRandom(options.seed);
    this.topology = buildTopology(
      "race",
      options.operators.map(({ definition }) => definition),
    );
    for (let i = 0; i < options.environments; i++) this.#environments.push(this.#newEnvironment());
  }

  /** Runs until everything is read, with ticks in between, then ends the input, and lets what is late land. */
  async run(ticks: number, safeWatermark: (topic: string, partition: number, position: number) => number) {
    const positions = new Map<string, number>();
    const loops: Promise<void>[] = [];
    for (const plan of this.topology.functions)
      for (const topic of topicsOf(plan))
        for (let partition = 0; partition < (await this.broker.offsets(topic)).length; partition++)
          loops.push(this.#deliverAll(plan, topic, partition, positions));
    this.broker.onAppend(() => {
      this.#appends++;
      for (const name of this.#idle.keys()) this.#idle.set(name, false);
      this.#wake();
    });
    const sources = this.topology.functions.flatMap((plan) =>
      plan.sources
        .filter((source) => !source.writtenByMillrace)
        .flatMap(({ topic: { topicName }, partitions }) =>
          Array.from({ length: partitions }, (_, partition) => ({ plan, topic: topicName, partition })),
        ),
    );
    const whole = async () => {
      for (let i = 0; i < ticks && !this.#isOver; i++) {
        await this.#travel("tick");
        const { plan, topic, partition } = sources[this.#below(sources.length)] as (typeof sources)[number];
        const position = positions.get(`${plan.name}/${topic}-${partition}`) ?? 0;
        await this.#invokeOnce(
          plan,
          tickEvent(plan, [{ topic, partition }], safeWatermark(topic, partition, position)),
        );
      }
      await this.#quiet();
      for (const { plan, topic, partition } of sources) {
        const end = tickEvent(plan, [{ topic, partition }], Number.POSITIVE_INFINITY);
        while (!this.#isOver && !(await this.#invokeOnce(plan, end)));
      }
      await this.#quiet();
      this.#isOver = true;
      this.#wake();
      await Promise.all(loops);
    };
    await this.#scheduler.waitFor(whole());
    await this.#scheduler.waitIdle();
  }

  /** Delivers one partition, in order, until the race is over. */
  async #deliverAll(plan: FunctionPlan, topic: string, partition: number, positions: Map<string, number>) {
    const name = `${plan.name}/${topic}-${partition}`;
    for (let position = 0; !this.#isOver; ) {
      const limits = { bytesMax: 1 << 20, recordsMax: 1 + this.#below(this.#options.batchSizeMax) };
      const appends = this.#appends;
      const { records, nextOffset } = await this.broker.fetch(topic, partition, position, limits);
      if (appends !== this.#appends) continue;
      this.#idle.set(name, records.count === 0);
      if (records.count === 0) {
        await new Promise<void>((resolve) => {
          this.#wakeAll.push(resolve);
          if (this.#isOver) resolve();
          if ([...this.#idle.values()].every(Boolean)) this.#wake();
        });
        continue;
      }
      const origin = { eventSource: "aws:kafka", bootstrapServers: "race", topic } as const;
      const event = writeEvent(origin, [{ partition, columns: records, from: 0, to: records.count, nextOffset }]);
      // Whatever fails is delivered again, perhaps in other pieces.
      if (!(await this.#invokeOnce(plan, event))) continue;
      if (this.#occurs(this.#options.faults.invocations)) continue;
      position = nextOffset;
      positions.set(name, position);
    }
  }

  /** Ends when nobody has anything to read. */
  async #quiet(): Promise<void> {
    while (!this.#isOver && (this.#idle.size === 0 || ![...this.#idle.values()].every(Boolean)))
      await new Promise<void>((resolve) => this.#wakeAll.push(resolve));
  }

  /** Invokes in some environment. False: it failed or nobody waits for it any more. */
  async #invokeOnce(plan: FunctionPlan, event: string | TickEvent): Promise<boolean> {
    const i = this.#below(this.#environments.length);
    if ((this.#environments[i] as Environment).isDead || this.#occurs(this.#options.faults.invocations / 4)) {
      (this.#environments[i] as Environment).isDead = true;
      this.#environments[i] = this.#newEnvironment();
    }
    const { host } = this.#environments[i] as Environment;
    const operator = this.#options.operators.find(({ definition }) => definition === plan.operator) as Operator;
    const context = { awsRequestId: "", functionName: plan.name, getRemainingTimeInMillis: () => 1, [HOST]: host };
    if (++this.counts.invocations > INVOCATIONS_MAX) this.#note("the race does not end");
    const running = operator(event, context).then(
      () => true,
      (error: unknown) => {
        if (error instanceof Crash || (error instanceof MillraceError && RETRIED.includes(error.code))) return false;
        this.#note(String(error instanceof Error ? error.stack : error));
        return false;
      },
    );
    if (!this.#occurs(this.#options.faults.invocations)) return running;
    // A time-out: it goes on as a zombie, and the next ones get other environments or this one.
    this.counts.faults++;
    await this.#travel("time-out");
    if (this.#occurs(0.5)) this.#environments[i] = this.#newEnvironment();
    return false;
  }

  #newEnvironment(): Environment {
    const environment = { isDead: false, acknowledged: new Set<string>() } as Environment;
    const host = newHost({
      topology: this.topology,
      broker: this.#brokerOf(environment),
      stateLog: this.#logOf(environment),
      now: () => ++this.#nowMs,
      wake: () => {},
      report: () => {},
    });
    const fresh = { ...host, newAttemptId: () => `${this.#below(1e9)}-${randomUUID()}` };
    environment.host = this.#options.mutate?.(fresh) ?? fresh;
    return environment;
  }

  #logOf(environment: Environment): StateLog {
    const { log } = this;
    const read = <T>(label: string, work: () => Promise<T>) =>
      this.#call(environment, label, "state-store", work, true);
    const write = <T>(label: string, work: () => Promise<T>) =>
      this.#call(environment, label, "state-store", work, false);
    return {
      putEntry: (task, entry) => {
        const previous = this.committed.get(task)?.[entry.sequenceNumber - 2];
        if (previous !== undefined && previous.outputs.length > 0) {
          const id = `${task}:${previous.sequenceNumber}`;
          if (!environment.acknowledged.has(id))
            this.#note(`L9: ${entry.sequenceNumber} of ${task} was put by who does not know ${id} to be settled`);
        }
        return write(`put ${task} ${entry.sequenceNumber}`, async () => {
          const result = await log.putEntry(task, entry);
          if (result.kind === "stored") this.#noteCommit(task, entry);
          else this.counts.lost++;
          return result;
        });
      },
      // Each half of the slots as of a moment of its own.
      readEntries: async (task) => {
        const even = await read(`read even ${task}`, () => log.readEntries(task));
        const odd = await read(`read odd ${task}`, () => log.readEntries(task));
        return [
          ...even.filter(({ sequenceNumber }) => sequenceNumber % 2 === 0),
          ...odd.filter(({ sequenceNumber }) => sequenceNumber % 2 === 1),
        ];
      },
      readSlot: (task, n) => read(`read slot ${task}`, () => log.readSlot(task, n)),
      putChunk: (task, chunk) => write(`chunk ${task}`, () => log.putChunk(task, chunk)),
      readChunks: (task) => read(`read chunks ${task}`, () => log.readChunks(task)),
      generationOf: (name) => log.generationOf(name),
      allotGeneration: (name, after) => log.allotGeneration(name, after),
      tasks: () => log.tasks(),
      close: () => Promise.resolve(),
    };
  }

  #brokerOf(environment: Environment): Broker {
    const { broker } = this;
    const emit = async <T>(batches: readonly OutgoingBatch[], send: () => Promise<T>): Promise<T> => {
      const commit = this.#sendable.get(textOf(batches));
      // What is no commit's, byte by byte, is nobody's to send; so a repeat is identical too.
      if (commit === undefined) this.#note(`L5, O2: sent what no commit holds: ${textOf(batches).slice(0, 200)}`);
      else this.#checkOrder(commit);
      const id = commit === undefined ? "" : `${commit.task}:${commit.sequenceNumber}`;
      if (this.#sent.has(id)) this.counts.repeats++;
      this.#sent.add(id);
      const sent = await this.#call(environment, `send ${id}`, "kafka", send, false);
      this.#acknowledged.add(id);
      environment.acknowledged.add(id);
      return sent;
    };
    return {
      recordBytesMax: broker.recordBytesMax,
      produce: (batches) => emit(batches, () => broker.produce(batches)),
      prepareExactlyOnce: () => broker.prepareExactlyOnce(),
      produceExactlyOnce: (batches, once) => emit(batches, () => broker.produceExactlyOnce(batches, once)),
      fetch: (topic, partition, offset, limits) =>
        this.#call(environment, "fetch", "kafka", () => broker.fetch(topic, partition, offset, limits), true),
      offsets: (topic) => this.#call(environment, "offsets", "kafka", () => broker.offsets(topic), true),
      offsetRange: (topic, partition) =>
        this.#call(environment, "offsets", "kafka", () => broker.offsetRange(topic, partition), true),
      topics: () => broker.topics(),
      ensureTopics: (topics) => broker.ensureTopics(topics),
      committedOffset: (group, topic, partition) => broker.committedOffset(group, topic, partition),
      commitOffset: (group, topic, partition, offset) => broker.commitOffset(group, topic, partition, offset),
      close: () => Promise.resolve(),
    };
  }

  /** Remembers what must not be; the race ends there. */
  #note(sentence: string): void {
    this.broken.push(sentence);
    this.#isOver = true;
    this.#wake();
  }

  #noteCommit(task: string, entry: LogEntry): void {
    const { sequenceNumber } = entry;
    const entries = this.committed.get(task) ?? [];
    this.committed.set(task, entries);
    if (sequenceNumber !== entries.length + 1) this.#note(`L2: ${task} stored ${sequenceNumber} again`);
    if (entry.previousAttemptId !== (entries.at(-1)?.attemptId ?? ""))
      this.#note(`L1: ${sequenceNumber} of ${task} does not follow`);
    entries.push(entry);
    if (entry.outputs.length > 0)
      this.#sendable.set(textOf(toSend(decodeOutbox(entry.outputs), task, sequenceNumber)), { task, sequenceNumber });
  }

  #checkOrder({ task, sequenceNumber }: { task: string; sequenceNumber: number }): void {
    const previous = this.committed.get(task)?.[sequenceNumber - 2];
    if (
      previous !== undefined &&
      previous.outputs.length > 0 &&
      !this.#acknowledged.has(`${task}:${sequenceNumber - 1}`)
    )
      this.#note(`O5: ${task} sent ${sequenceNumber} before the one before was acknowledged`);
  }

  async #call<T>(environment: Environment, label: string, code: ErrorCode, work: () => Promise<T>, reads: boolean) {
    const survive = () => {
      if (environment.isDead) throw new Crash(label);
    };
    survive();
    const fails = this.#occurs(this.#options.faults.calls);
    const kind = fails ? this.#below(reads ? 2 : 4) : -1;
    if (fails) this.counts.faults++;
    if (kind === 2) {
      // Takes effect when its caller has given up.
      void this.#travel(`${label}, late`)
        .then(() => this.#travel(label))
        .then(work)
        .catch((error: unknown) => this.#note(String(error)));
      await this.#travel(`${label} timed out`);
      throw new MillraceError(code, "no answer in time");
    }
    await this.#travel(label);
    survive();
    if (kind === 0) throw new MillraceError(code, "request lost");
    const result = await work();
    if (kind === 3) environment.isDead = true;
    await this.#travel(`${label} answered`);
    survive();
    if (kind === 1) throw new MillraceError(code, "reply lost");
    return result;
  }

  #travel(label: string): Promise<void> {
    return this.#scheduler.schedule(Promise.resolve(), label);
  }

  #wake(): void {
    const waiting = this.#wakeAll;
    this.#wakeAll = [];
    for (const wake of waiting) wake();
  }

  #below(n: number): number {
    return Math.floor(this.#random() * n);
  }

  #occurs(probability: number): boolean {
    return this.#random() < probability;
  }
}

function topicsOf(plan: FunctionPlan): string[] {
  return plan.shuffle === undefined ? plan.sources.map(({ topic }) => topic.topicName) : [plan.shuffle.name];
}

/** All bytes of a sending. */
function textOf(batches: readonly OutgoingBatch[]): string {
  const hash = createHash("sha1");
  for (const { topic, partition, records } of batches)
    for (const { key, value, timestampMs, headers } of records) {
      hash.update(JSON.stringify([topic, partition, timestampMs, key?.length, value?.length, headers.length]));
      if (key !== null) hash.update(key);
      if (value !== null) hash.update(value);
      for (const [name, bytes] of headers) hash.update(name).update(bytes);
    }
  return hash.digest("hex");
}
