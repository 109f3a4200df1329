/**
 * An event source mapping at its worst: all that Lambda's documentation allows, and no more. Batches are cut anywhere and again after every failure; partitions
 * are put together as they come; what succeeded is delivered again, from any place before, also while it is under way.
 *
 * Of a partition no record is delivered before those below it were, or were being delivered, unless the mapping's own offset jumped ahead.
 */

import type { FunctionPlan } from "../stream/plan.ts";
import type { Chance } from "./chance.ts";
import type { SimulatedKafka } from "./simulated-kafka.ts";
import type { Timeline } from "./timeline.ts";

type Partition = {
  readonly partition: number;
  position: number;
  /** Where it would stand if it had never jumped. */
  left: number | undefined;
  isInFlight: boolean;
  failures: number;
  notBeforeMs: number;
  /** Changes when it begins again: what was under way before says nothing about it. */
  epoch: number;
};

export type Delivery = {
  readonly plan: FunctionPlan;
  readonly event: string;
  readonly topic: string;
  /** The last offset of each partition that is in it. */
  readonly ends: ReadonlyMap<number, number>;
};

export type MappingOptions = {
  readonly plan: FunctionPlan;
  readonly topic: string;
  readonly partitions: number;
  readonly kafka: SimulatedKafka;
  readonly chance: Chance;
  readonly timeline: Timeline;
  readonly batchSizeMax: number;
  /** Which isolation Lambda's pollers have is documented nowhere. */
  readonly isolation: "committed" | "uncommitted";
  /** Ends with whether the invocation succeeded. */
  readonly invoke: (delivery: Delivery) => Promise<boolean>;
};

const POLL_MS_MAX = 40;
const BACKOFF_MS = { first: 50, max: 2_000 };

export class SimulatedMapping {
  readonly plan: FunctionPlan;
  readonly topic: string;
  readonly partitions: number;
  readonly #options: MappingOptions;
  readonly #partitions: Partition[];
  #isPolling = false;

  constructor(options: MappingOptions) {
    this.plan = options.plan;
    this.topic = options.topic;
    this.partitions = options.partitions;
    this.#options = options;
    this.#partitions = Array.from({ length: options.partitions }, (_, partition) => ({
      partition,
      position: 0,
      left: undefined,
      isInFlight: false,
      failures: 0,
      notBeforeMs: 0,
      epoch: 0,
    }));
  }

  /** Looks for records soon. */
  poll(ms = this.#options.chance.draw.below(POLL_MS_MAX)): void {
    if (this.#isPolling) return;
    this.#isPolling = true;
    this.#options.timeline.after(ms, () => {
      this.#isPolling = false;
      this.#deliver();
    });
  }

  /** Begins again at the first record. */
  rewind(): void {
    for (const partition of this.#partitions) restart(partition, 0);
    this.poll();
  }

  /** Goes back to what was left out, which nothing behind it may ever have told of. */
  goBack(): void {
    for (const partition of this.#partitions) if (partition.left !== undefined) restart(partition, partition.left);
    this.poll();
  }

  isCaughtUp(): boolean {
    return this.#partitions.every(
      ({ partition, position, isInFlight }) => !isInFlight && position >= this.#endOf(partition),
    );
  }

  #endOf(partition: number): number {
    const { kafka, isolation } = this.#options;
    return isolation === "committed"
      ? kafka.lastStableOffset(this.topic, partition)
      : kafka.endOffset(this.topic, partition);
  }

  #deliver(): void {
    const { chance, timeline } = this.#options;
    const nowMs = timeline.now();
    const ready = this.#partitions.filter(
      (partition) => !partition.isInFlight && partition.position < this.#endOf(partition.partition),
    );
    const due = ready.filter(({ notBeforeMs }) => notBeforeMs <= nowMs);
    // Some of them, in any company.
    const taken = due.filter((_, i) => chance.isOver || i === due.length - 1 || chance.draw.occurs(0.6));
    if (taken.length > 0) void this.#deliverFrom(taken);
    if (ready.length > taken.length) this.poll();
  }

  async #deliverFrom(taken: readonly Partition[]): Promise<void> {
    const { chance, plan, invoke } = this.#options;
    const batch = taken.map((partition) => {
      if (plan.commits && chance.occurs("jumped-ahead")) this.#jump(partition);
      return { partition, epoch: partition.epoch, ...this.#read(partition, partition.position) };
    });
    for (const { partition } of batch) partition.isInFlight = true;
    const records = batch.filter(({ records }) => records.length > 0);
    let succeeded = true;
    if (records.length > 0) {
      const event = this.#eventOf(records.map(({ partition, records }) => [partition.partition, records]));
      const ends = new Map(
        records.map(({ partition, records }) => [partition.partition, records.at(-1)?.offset ?? -1]),
      );
      const delivery = { plan, event, topic: this.topic, ends };
      // A poller that was given up, and does not know it yet.
      if (chance.occurs("overlapping")) void invoke(delivery);
      succeeded = await invoke(delivery);
    }
    for (const { partition, epoch, next } of batch)
      if (partition.epoch === epoch) this.#end(partition, next, succeeded);
    this.poll();
  }

  #end(partition: Partition, next: number, succeeded: boolean): void {
    const { chance, timeline } = this.#options;
    partition.isInFlight = false;
    if (!succeeded) {
      partition.failures += 1;
      const backoffMs = Math.min(BACKOFF_MS.max, BACKOFF_MS.first * 2 ** (partition.failures - 1));
      partition.notBeforeMs = timeline.now() + chance.draw.below(backoffMs);
    } else {
      partition.failures = 0;
      if (chance.occurs("redelivered")) return;
      partition.position = Math.max(partition.position, next);
      if (chance.occurs("rewound")) partition.position = chance.draw.below(partition.position + 1);
    }
  }

  #jump(partition: Partition): void {
    partition.left ??= partition.position;
    partition.position = Math.min(
      this.#endOf(partition.partition),
      partition.position + this.#options.chance.draw.between(1, 3),
    );
  }

  #read({ partition }: Partition, from: number) {
    const { kafka, chance, isolation, batchSizeMax } = this.#options;
    const found = kafka.read(this.topic, partition, from, { isolation });
    const records = chance.isOver ? found : found.slice(0, chance.draw.between(1, batchSizeMax));
    const last = records.at(-1);
    // Behind the last record, or the end where only markers are left.
    const next = last === undefined ? this.#endOf(partition) : last.offset + 1;
    return { records, next };
  }

  /** The event as AWS documents it, written by plain means. https://docs.aws.amazon.com/lambda/latest/dg/with-msk.html */
  #eventOf(partitions: readonly (readonly [number, ReturnType<SimulatedKafka["read"]>])[]): string {
    const base64 = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64");
    return JSON.stringify({
      eventSource: "SelfManagedKafka",
      bootstrapServers: "simulated:9092",
      records: Object.fromEntries(
        partitions.map(([partition, records]) => [
          `${this.topic}-${partition}`,
          records.map(({ offset, timestampMs, key, value, headers }) => ({
            topic: this.topic,
            partition,
            offset,
            timestamp: timestampMs,
            timestampType: "CREATE_TIME",
            ...(key === null ? {} : { key: base64(key) }),
            value: value === null ? null : base64(value),
            headers: headers.map(([name, bytes]) => ({ [name]: [...new Int8Array(bytes)] })),
          })),
        ]),
      ),
    });
  }
}

/** Goes on elsewhere; what is under way is forgotten. */
function restart(partition: Partition, position: number): void {
  partition.position = position;
  partition.left = undefined;
  partition.isInFlight = false;
  partition.epoch += 1;
}
