/** Carries out the invocations of an operator's functions in one execution environment: finds the tasks of an event and runs them side by side. */

import { MillraceError } from "../stream/error.ts";
import type { FunctionPlan } from "../stream/plan.ts";
import { decodeWatermark } from "../wire/bundle.ts";
import type { BatchResponse, KafkaEvent, TickEvent } from "../wire/lambda-event.ts";
import { readEvent } from "../wire/read-event.ts";
import type { Host } from "./host.ts";
import type { TaskName } from "./open-task.ts";
import { Task, type TaskRequest } from "./task.ts";

export class FunctionRuntime {
  readonly #host: Host;
  readonly #tasks = new Map<string, Task>();
  readonly #generations = new Map<string, Promise<number>>();

  constructor(host: Host) {
    this.#host = host;
  }

  /**
   * Handles an event of one function of `operatorName`. Returns what failed per partition, if the rest of the batch may stand, and throws where
   * everything failed: the event source mapping delivers again.
   */
  async invoke(operatorName: string, event: KafkaEvent | TickEvent | string): Promise<BatchResponse> {
    if (typeof event !== "string" && event?.eventSource === "millrace:tick") return this.#tick(operatorName, event);
    const inputs = readEvent(event as KafkaEvent | string);
    const results = await Promise.allSettled(
      inputs.map(async ({ topic, partition, records }) =>
        this.#run(this.#planFor(operatorName, topic), topic, partition, { kind: "records", records }),
      ),
    );
    const failures = results.flatMap((result, i) =>
      result.status === "rejected"
        ? [{ input: inputs[i] as (typeof inputs)[number], reason: result.reason as unknown }]
        : [],
    );
    if (failures.length > 0) throwFirst(failures.map(({ reason }) => reason));
    return { batchItemFailures: [] };
  }

  async #tick(operatorName: string, event: TickEvent): Promise<BatchResponse> {
    const watermarkMs = event.watermark === undefined ? undefined : decodeWatermark(event.watermark);
    const results = await Promise.allSettled(
      event.tasks.map(({ topic, partition }) =>
        this.#run(this.#planFor(operatorName, topic), topic, partition, { kind: "tick", watermarkMs }),
      ),
    );
    const failures = results.filter((result) => result.status === "rejected");
    if (failures.length > 0) throwFirst(failures.map((failure) => failure.reason as unknown));
    return { batchItemFailures: [] };
  }

  async #run(plan: FunctionPlan, topic: string, partition: number, request: TaskRequest): Promise<void> {
    const short = `${plan.name}/${topic}-${partition}`;
    let task = this.#tasks.get(short);
    if (task === undefined) {
      const name = await this.#nameOf(plan, topic, partition, short);
      task = this.#tasks.get(short) ?? new Task(this.#host, plan, name);
      this.#tasks.set(short, task);
    }
    await task.run(request);
  }

  async #nameOf(plan: FunctionPlan, topic: string, partition: number, short: string): Promise<TaskName> {
    const generation = plan.commits ? await this.#generationOf(plan.name) : 0;
    return {
      functionName: plan.name,
      topic,
      partition,
      generation,
      short,
      full: `${this.#host.topology.application}/${short}/${generation}`,
    };
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

/** Whole-batch retry: partitions that went through skip what they see again. */
function throwFirst(reasons: readonly unknown[]): never {
  if (reasons.length === 1) throw reasons[0];
  const [first] = reasons;
  const message = first instanceof Error ? first.message : String(first);
  const code = first instanceof MillraceError ? first.code : "author";
  throw new MillraceError(code, `${message} (and ${reasons.length - 1} more partitions of this batch failed)`, {
    cause: new AggregateError(reasons),
  });
}
