/** A broker in memory, virtual time and a handler that remembers: what tests of the event source mapping stand on. */

import { EventSourceMapping } from "../../lib/local/event-source-mapping.ts";
import type { EventSourceMappingOptions, MappingNotice } from "../../lib/local/mapping-options.ts";
import { MemoryBroker } from "../../lib/local/memory-broker.ts";
import { VirtualClock } from "../../lib/simulation/virtual-clock.ts";
import type { KafkaEvent } from "../../lib/wire/lambda-event.ts";

export const START_MS = 1_700_000_000_000;

/** One invocation: per partition the values it had. */
export type Seen = {
  readonly atMs: number;
  readonly values: Readonly<Record<string, readonly string[]>>;
  readonly event: KafkaEvent;
};

type Behaviour = (seen: Seen, context: { getRemainingTimeInMillis(): number }) => unknown;

/** `behaviour` is what the handler does; `run` starts the mapping, `stop` ends it. */
export async function newWorld(
  options: Partial<EventSourceMappingOptions> & {
    readonly partitions?: number;
    readonly controlMarkers?: boolean;
  } = {},
  behaviour: Behaviour = () => undefined,
) {
  const { partitions = 1, controlMarkers = false, ...mappingOptions } = options;
  const clock = new VirtualClock(START_MS);
  const broker = new MemoryBroker({ controlMarkers });
  await broker.ensureTopics([
    { name: "in", partitions, compacted: false, retentionMs: undefined },
    { name: "failed", partitions: 1, compacted: false, retentionMs: undefined },
  ]);
  const seen: Seen[] = [];
  const notices: MappingNotice[] = [];
  const newMapping = (changed: Partial<EventSourceMappingOptions> = {}) =>
    new EventSourceMapping({
      broker,
      topic: "in",
      consumerGroup: "group",
      clock,
      batchWindowMs: 0,
      observe: (notice) => notices.push(notice),
      function: {
        name: "function",
        handler: (event: KafkaEvent, context: { getRemainingTimeInMillis(): number }) => {
          const one = { atMs: clock.now() - START_MS, values: valuesOf(event), event };
          seen.push(one);
          return behaviour(one, context);
        },
      },
      ...mappingOptions,
      ...changed,
    });
  return {
    clock,
    broker,
    seen,
    notices,
    newMapping,
    async produce(partition: number, ...values: string[]): Promise<void> {
      const records = values.map((value) => ({
        key: null,
        value: Buffer.from(value),
        timestampMs: clock.now(),
        headers: [],
      }));
      await broker.produce([{ topic: "in", partition, records }]);
    },
    /** Runs a mapping until the condition holds, by default until it has caught up. */
    async runUntil(
      mapping: EventSourceMapping,
      condition: () => boolean | Promise<boolean> = () => mapping.isCaughtUp(),
    ) {
      const stop = new AbortController();
      const running = mapping.run(stop.signal);
      const held = await clock.runUntil(condition);
      stop.abort();
      let hasEnded = false;
      void running.catch(() => {}).then(() => (hasEnded = true));
      await clock.runUntil(() => hasEnded);
      await running;
      if (!held) throw new Error("The condition did not come to hold.");
    },
    committed: async () => {
      const all = Array.from({ length: partitions }, (_, partition) =>
        broker.committedOffset("group", "in", partition),
      );
      return Promise.all(all);
    },
  };
}

function valuesOf(event: KafkaEvent): Record<string, string[]> {
  return Object.fromEntries(
    Object.entries(event.records).map(([partition, records]) => [
      partition,
      records.map(({ value }) => Buffer.from(value ?? "", "base64").toString()),
    ]),
  );
}

/** "a0" … "a9" */
export function numbered(prefix: string, count: number, from = 0): string[] {
  return Array.from({ length: count }, (_, i) => `${prefix}${from + i}`);
}

/** A promise that never ends, for handlers that hang. */
export function forever(): Promise<never> {
  return new Promise(() => {});
}

/** The same broker with some of its calls replaced, or left out. */
export function withCalls(
  broker: MemoryBroker,
  calls: Readonly<Record<string, unknown>>,
): EventSourceMappingOptions["broker"] {
  return new Proxy(broker, {
    get(target, name) {
      if (Object.hasOwn(calls, name)) return calls[name as string];
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
}
