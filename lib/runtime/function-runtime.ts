/** Carries out the invocations of an operator's functions in one execution environment: finds the tasks of an event and runs them side by side. */

import { MillraceError } from "../stream/error.ts";
import type { FunctionPlan } from "../stream/plan.ts";
import { decodeWatermark } from "../wire/bundle.ts";
import type { BatchResponse, KafkaEvent, TickEvent } from "../wire/lambda-event.ts";
import { readEvent } from "../wire/read-event.ts";
import type { Host } from "./host.ts";
import { Task, type TaskRequest } from "./task.ts";
import { type TaskName, toTaskName } from "./task-name.ts";

type TaskCall = { readonly topic: string; readonly partition: number; readonly request: TaskRequest };

export class FunctionRuntime {
  readonly #host: Host;
  readonly #tasks = new Map<string, Task>();
  readonly #generations = new Map<string, Promise<number>>();

  constructor(host: Host) {
    this.#host = host;
  }

  /**
   * Handles an event of one function of `operatorName`. Waits for all of its partitions, and throws where any failed: the event source mapping delivers
   * the whole batch again, and those that went through skip what they see twice.
   */
  async invoke(operatorName: string, event: KafkaEvent | TickEvent | string): Promise<BatchResponse> {
    if (typeof event !== "string" && event?.eventSource === "millrace:tick") return this.#tick(operatorName, event);
    return this.#runAll(
      operatorName,
      readEvent(event as KafkaEvent | string).map(({ topic, partition, records }) => ({
        topic,
        partition,
        request: { kind: "records", records },
      })),
    );
  }

  #tick(operatorName: string, event: TickEvent): Promise<BatchResponse> {
    const watermarkMs = event.watermark === undefined ? undefined : decodeWatermark(event.watermark);
    const request = { kind: "tick", watermarkMs } as const;
    return this.#runAll(
      operatorName,
      event.tasks.map(({ topic, partition }) => ({ topic, partition, request })),
    );
  }

  /** Nothing failed; or throws what failed first, and how many partitions failed besides. */
  async #runAll(operatorName: string, calls: readonly TaskCall[]): Promise<BatchResponse> {
    const results = await Promise.allSettled(
      calls.map(async ({ topic, partition, request }) =>
        this.#run(this.#planFor(operatorName, topic), topic, partition, request),
      ),
    );
    const reasons = results.flatMap((result) => (result.status === "rejected" ? [result.reason as unknown] : []));
    if (reasons.length === 0) return { batchItemFailures: [] };
    const [first] = reasons;
    if (reasons.length === 1) throw first;
    const message = first instanceof Error ? first.message : String(first);
    const others = reasons.length === 2 ? "1 more partition" : `${reasons.length - 1} more partitions`;
    throw new MillraceError(
      first instanceof MillraceError ? first.code : "author",
      `${message} (and ${others} of this batch failed)`,
      { cause: new AggregateError(reasons) },
    );
  }

  async #run(plan: FunctionPlan, topic: string, partition: number, request: TaskRequest): Promise<void> {
    const short = `${plan.name}/${topic}-${partition}`;
    let task = this.#tasks.get(short);
    if (task === undefined) {
      const name = await this.#nameOf(plan, topic, partition);
      task = this.#tasks.get(short) ?? new Task(this.#host, plan, name);
      this.#tasks.set(short, task);
    }
    await task.run(request);
  }

  async #nameOf(plan: FunctionPlan, topic: string, partition: number): Promise<TaskName> {
    const generation = plan.commits ? await this.#generationOf(plan.name) : 0;
    return toTaskName(this.#host.topology.application, plan.name, topic, partition, generation);
  }

  #generationOf(functionName: string): Promise<number> {
    let generation = this.#generations.get(functionName);
    if (generation === undefined) {
      generation = this.#host.stateLog.generationOf(functionName);
      this.#generations.set(functionName, generation);
      generation.catch(() => this.#generations.delete(functionName));
    }
    return generation;
  }

  /** The function of an operator that reads a topic: the topic tells. */
  #planFor(operatorName: string, topic: string): FunctionPlan {
    const plan = this.#host.topology.functions.find(
      (candidate) =>
        candidate.operator.operatorName === operatorName &&
        (candidate.shuffle?.name === topic || candidate.sources.some((source) => source.topic.topicName === topic)),
    );
    if (plan === undefined)
      throw new MillraceError(
        "topology",
        `Operator ${operatorName} was invoked with records of topic ${topic}, which it does not read: its event source mapping is wired to another function's topic.`,
      );
    return plan;
  }
}
