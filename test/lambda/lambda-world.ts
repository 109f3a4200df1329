/** Deployed functions without Lambda: their runtimes over a broker and a log in memory, a queue of wake-ups, and a clock that stands still. */

import { LambdaRuntime } from "../../lib/lambda/lambda-runtime.ts";
import type { LambdaSettings } from "../../lib/lambda/lambda-settings.ts";
import { delaySecondsOf, encodeWakeUp, type QueueEvent, type WakeUp } from "../../lib/lambda/wake-up.ts";
import type { Slice } from "../../lib/local/batching.ts";
import { writeEvent } from "../../lib/local/event-json.ts";
import { MemoryBroker } from "../../lib/local/memory-broker.ts";
import type { Operator } from "../../lib/runtime/operator-handler.ts";
import { machineSettings } from "../../lib/runtime/settings-source.ts";
import { MemoryStateLog } from "../../lib/state-log/memory-state-log.ts";

export type Message = { readonly body: string; readonly delayS: number };

export class LambdaWorld {
  readonly broker = new MemoryBroker();
  readonly stateLog = new MemoryStateLog();
  nowMs = Date.UTC(2026, 0, 1);
  messages: Message[] = [];
  /** Of the function. */
  variables: Readonly<Record<string, string>> = {};
  /** Of each invocation. */
  remainingMs = 60_000;
  lines: string[] = [];
  queueFails = false;
  readonly #positions = new Map<string, number>();

  /** A new execution environment of an operator's functions. */
  environment({ definition }: Operator, settings: Partial<LambdaSettings> = {}): LambdaRuntime {
    const all = { application: "shop", table: "shop", writtenElsewhere: [], ...settings };
    return new LambdaRuntime(definition, all, {
      broker: this.broker,
      stateLog: this.stateLog,
      queue: { send: (wakeUps, nowMs) => this.#send(wakeUps, nowMs) },
      now: () => this.nowMs,
      write: (line) => void this.lines.push(line),
      settings: machineSettings(this.variables),
    });
  }

  async #send(wakeUps: readonly WakeUp[], nowMs: number): Promise<void> {
    if (this.queueFails) throw new Error("the queue is away");
    for (const wakeUp of wakeUps)
      this.messages.push({ body: encodeWakeUp(wakeUp), delayS: delaySecondsOf(wakeUp, nowMs) });
  }

  async produce(topic: string, partition: number, values: readonly string[]): Promise<void> {
    const records = values.map((value) => ({
      key: null,
      value: new TextEncoder().encode(value),
      timestampMs: this.nowMs,
      headers: [],
    }));
    await this.broker.produce([{ topic, partition, records }]);
  }

  /** Invokes with everything new in a topic of Kafka's, as an event source mapping does; `again`: with everything. */
  async deliver(runtime: LambdaRuntime, topic: string, again = false): Promise<number> {
    const slices: Slice[] = [];
    for (const [partition, { high }] of (await this.broker.offsets(topic)).entries()) {
      const from = again ? 0 : (this.#positions.get(`${topic}-${partition}`) ?? 0);
      if (from >= high) continue;
      const limits = { bytesMax: 10_000_000, recordsMax: 10_000 };
      const { records, nextOffset } = await this.broker.fetch(topic, partition, from, limits);
      this.#positions.set(`${topic}-${partition}`, nextOffset);
      slices.push({ partition, columns: records, from: 0, to: records.count, nextOffset });
    }
    if (slices.length === 0) return 0;
    const origin = { eventSource: "aws:kafka", bootstrapServers: "b-1:9098", topic } as const;
    await runtime.handle(JSON.parse(writeEvent(origin, slices)), {
      awsRequestId: "request-1",
      functionName: "shop",
      getRemainingTimeInMillis: () => this.remainingMs,
    });
    return slices.length;
  }

  /** Lets the time pass until the next messages arrive, and invokes with them. */
  async wake(runtime: LambdaRuntime): Promise<void> {
    const { messages } = this;
    this.messages = [];
    this.nowMs += Math.max(0, ...messages.map(({ delayS }) => delayS)) * 1_000;
    await runtime.handle(queueEvent(messages.map(({ body }) => body)));
  }

  async read(topic: string): Promise<unknown[]> {
    const values: unknown[] = [];
    for (const partition of (await this.broker.offsets(topic)).keys()) {
      const { records } = await this.broker.fetch(topic, partition, 0, { bytesMax: 10_000_000, recordsMax: 10_000 });
      for (let i = 0; i < records.count; i++)
        values.push(
          JSON.parse(Buffer.from(records.bytes.subarray(records.valueStart[i], records.valueEnd[i])).toString()),
        );
    }
    return values;
  }
}

export function queueEvent(bodies: readonly string[]): QueueEvent {
  return { Records: bodies.map((body) => ({ eventSource: "aws:sqs", body })) };
}
