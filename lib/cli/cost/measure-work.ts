/** Runs an application's functions over sample records in virtual time, at a rate, with the batches that Lambda would make, and counts what is paid for. */

import { pollersFor, RECORD_OWN_BYTES } from "../../cost/assumed.ts";
import type { FunctionWork, Work } from "../../cost/work.ts";
import type { Slice } from "../../local/batching.ts";
import { ChargedStores } from "../../local/charged-stores.ts";
import { writeEvent } from "../../local/event-json.ts";
import { MemoryBroker } from "../../local/memory-broker.ts";
import { topicsReadBy } from "../../local/tick.ts";
import { kafkaPartitionOf } from "../../state/murmur2.ts";
import type { FunctionPlan, Topology } from "../../stream/plan.ts";
import { type OutgoingRecord, recordBytes } from "../../wire/outgoing-record.ts";
import type { RecordColumns } from "../../wire/record-columns.ts";
import type { Sample } from "./sample.ts";
import { type FunctionSize, VirtualFunction } from "./virtual-function.ts";

export type MeasureOptions = {
  readonly topology: Topology;
  readonly sample: Sample;
  readonly sizeOf: (plan: FunctionPlan) => FunctionSize;
  readonly recordsPerSecond: number;
  /** Of virtual time, after those that warm up. */
  readonly seconds: number;
  readonly onProgress?: (share: number) => void;
};

/** Time goes in steps, in which what is due is done. */
const STEP_MS = 10;
const MINUTE_MS = 60_000;
/** Before anything is counted, so that rings have gone round, caches are warm and what runs often is compiled. */
const WARM_UP_SHARE = 0.5;
/** More takes too long to wait for; where batches are full, more of them cost the same. */
const RECORDS_MAX = 1_000_000;
/** Of one event: what becomes 6 MB in base64, with all that stands around it. */
const EVENT_BYTES_MAX = 3_000_000;
/** Of a sample: what its records are like is known after so many. */
const RECORDS_LOOKED_AT = 100;

/** What was done, and over how many seconds of virtual time it was counted: fewer where that would be too many records, or the sample has ended. */
export type Measured = { readonly work: Work; readonly seconds: number };

export async function measureWork(options: MeasureOptions): Promise<Measured> {
  const { sample, recordsPerSecond, onProgress = () => {} } = options;
  const seconds = Math.min(options.seconds, RECORDS_MAX / recordsPerSecond / (1 + WARM_UP_SHARE));
  const steps = Math.ceil((seconds * 1_000) / STEP_MS);
  const warmUp = Math.ceil(steps * WARM_UP_SHARE);
  const world = await openWorld(options);
  for (const { fn } of world.mappings) await fn.tick();
  let counted = { records: 0, steps: 0 };
  for (let step = 0; step < warmUp + steps; step += 1) {
    if (step === warmUp) {
      world.takeWork();
      counted = { records: 0, steps: 0 };
    }
    world.nowMs += STEP_MS;
    const wanted = Math.floor((recordsPerSecond * (step + 1) * STEP_MS) / 1_000);
    const records = await world.produce(wanted - world.produced);
    counted = { records: counted.records + records, steps: counted.steps + 1 };
    await world.deliver();
    if (step % 100 === 0) onProgress(step / (warmUp + steps));
    if (sample.hasEnded()) break;
  }
  return {
    work: {
      inputRecords: counted.records,
      stateBytes: world.stores.stateBytes(),
      functions: world.takeWork(),
    },
    seconds: (counted.steps * STEP_MS) / 1_000,
  };
}

/** The partitions of a topic that are read together, for one function. */
type Mapping = {
  readonly fn: VirtualFunction;
  readonly topic: string;
  readonly pollers: readonly Poller[];
};
type Poller = { readonly partitions: readonly number[]; sinceMs: number | undefined; busyUntilMs: number };

async function openWorld(options: MeasureOptions): Promise<World> {
  const world = new World(options);
  await world.open();
  return world;
}

class World {
  /** Begins after what is recorded, and with a minute, so that windows end at the same records each time. */
  nowMs = Math.ceil(Date.now() / MINUTE_MS) * MINUTE_MS;
  produced = 0;
  mappings: readonly Mapping[] = [];
  readonly stores = new ChargedStores(() => this.nowMs);
  readonly #options: MeasureOptions;
  readonly #broker = new MemoryBroker();
  readonly #positions = new Map<string, number>();
  readonly #partitions: ReadonlyMap<string, number>;
  #functions: readonly VirtualFunction[] = [];

  constructor(options: MeasureOptions) {
    this.#options = options;
    this.#partitions = new Map(options.topology.topics.map(({ name, partitions }) => [name, partitions]));
  }

  async open(): Promise<void> {
    const { topology, sizeOf, sample, recordsPerSecond } = this.#options;
    await this.#broker.ensureTopics(topology.topics);
    const bytesPerSecond = sample.recordBytes(RECORDS_LOOKED_AT) * recordsPerSecond;
    const world = { topology, broker: this.#broker, stores: this.stores, now: () => this.nowMs };
    this.#functions = topology.functions.map((plan) => new VirtualFunction(plan, sizeOf(plan), world));
    this.mappings = this.#functions.flatMap((fn) =>
      topicsReadBy(fn.plan).map(({ topic }) => {
        const partitions = this.#partitions.get(topic) as number;
        // What crosses a shuffle is less than what goes in, or about as much.
        const count = pollersFor(bytesPerSecond, partitions);
        const pollers = Array.from({ length: count }, (_, poller) => ({
          partitions: Array.from({ length: partitions }, (_, p) => p).filter((p) => p % count === poller),
          sinceMs: undefined,
          busyUntilMs: 0,
        }));
        return { fn, topic, pollers };
      }),
    );
  }

  takeWork(): readonly FunctionWork[] {
    return this.#functions.map((fn) => fn.takeWork());
  }

  /** Writes the next records of the sample; returns how many it still had. */
  async produce(count: number): Promise<number> {
    const batches = new Map<string, { topic: string; partition: number; records: OutgoingRecord[] }>();
    let written = 0;
    for (; written < count; written += 1) {
      const next = this.#options.sample.next(this.nowMs);
      if (next === undefined) break;
      const { topic, record } = next;
      const partitions = this.#partitions.get(topic) as number;
      const partition = record.key === null ? this.produced % partitions : kafkaPartitionOf(record.key, partitions);
      const batch = batches.get(`${topic}-${partition}`) ?? { topic, partition, records: [] };
      batches.set(`${topic}-${partition}`, batch);
      batch.records.push(record);
      this.produced += 1;
    }
    if (batches.size > 0) await this.#broker.produce([...batches.values()]);
    return written;
  }

  /** Invokes what is due, in the order of the data. */
  async deliver(): Promise<void> {
    for (const fn of this.#functions) await fn.wake();
    for (const mapping of this.mappings)
      for (const poller of mapping.pollers) {
        // What one batch leaves may be due at once.
        while (await this.#deliver(mapping, poller));
      }
  }

  async #deliver({ fn, topic }: Mapping, poller: Poller): Promise<boolean> {
    if (poller.busyUntilMs > this.nowMs) return false;
    const { maxRecords, windowSeconds } = fn.size;
    const ranges = await this.#broker.offsets(topic);
    const positionOf = (partition: number) => this.#positions.get(`${fn.plan.name}/${topic}-${partition}`) ?? 0;
    const waiting = poller.partitions.reduce((sum, p) => sum + (ranges[p]?.high ?? 0) - positionOf(p), 0);
    if (waiting === 0) return false;
    poller.sinceMs ??= this.nowMs;
    if (waiting < maxRecords && poller.sinceMs + windowSeconds * 1_000 > this.nowMs) return false;
    const slices: Slice[] = [];
    let room = maxRecords;
    let bytes = 0;
    for (const partition of poller.partitions) {
      const position = positionOf(partition);
      if (room === 0 || bytes >= EVENT_BYTES_MAX || position >= (ranges[partition]?.high ?? 0)) continue;
      const limits = { bytesMax: EVENT_BYTES_MAX - bytes, recordsMax: room };
      const { records, nextOffset } = await this.#broker.fetch(topic, partition, position, limits);
      slices.push({ partition, columns: records, from: 0, to: records.count, nextOffset });
      room -= records.count;
      bytes += bytesOf(records);
      this.#positions.set(`${fn.plan.name}/${topic}-${partition}`, nextOffset);
    }
    const text = writeEvent({ eventSource: "aws:kafka", bootstrapServers: "memory", topic }, slices);
    poller.busyUntilMs = this.nowMs + (await fn.invoke(text, maxRecords - room, bytes));
    poller.sinceMs = undefined;
    return room === 0;
  }
}

function bytesOf({ count, keyStart, keyEnd, valueStart, valueEnd, headers }: RecordColumns): number {
  let bytes = count * RECORD_OWN_BYTES;
  for (let i = 0; i < count; i += 1) {
    bytes += lengthOf(keyStart, keyEnd, i) + lengthOf(valueStart, valueEnd, i);
    bytes += recordBytes({ key: null, value: null, timestampMs: -1, headers: headers?.[i] ?? [] });
  }
  return bytes;
}

function lengthOf(starts: Int32Array, ends: Int32Array, i: number): number {
  const start = starts[i] as number;
  return start < 0 ? 0 : (ends[i] as number) - start;
}
