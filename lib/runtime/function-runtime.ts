/** Carries out the invocations of an operator's functions in one execution environment: finds the tasks of an event and runs them side by side. */

import { MillraceError } from "../stream/error.ts";
import type { FunctionPlan } from "../stream/plan.ts";
import { decodeWatermark } from "../wire/bundle.ts";
import type {
  BatchResponse,
  FunctionEvent,
  KafkaEvent,
  RedriveEvent,
  RedriveOutcome,
  RedriveResponse,
  TickEvent,
} from "../wire/lambda-event.ts";
import { readEvent } from "../wire/read-event.ts";
import { headersAt, keyBytesAt, valueBytesAt } from "../wire/record-columns.ts";
import { type DeadLetter, toDeadLetter } from "./dead-letter.ts";
import type { TaskRequest } from "./find-input.ts";
import type { Host } from "./host.ts";
import { functionOf, toRedriving, whyForeign } from "./redrive.ts";
import { Task } from "./task.ts";
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
   * the whole batch again, and those that went through skip what they see twice. `remainingMs`: until the invocation is given up; calls to the outside end before.
   */
  async invoke(
    operatorName: string,
    event: FunctionEvent | string,
    remainingMs?: () => number,
  ): Promise<BatchResponse> {
    if (typeof event !== "string" && event?.eventSource === "millrace:tick")
      return this.#tick(operatorName, event, remainingMs);
    if (typeof event !== "string" && event?.eventSource === "millrace:redrive")
      return this.#redrive(operatorName, event, remainingMs);
    return this.#runAll(
      operatorName,
      remainingMs,
      readEvent(event as KafkaEvent | string).map(({ topic, partition, records }) => ({
        topic,
        partition,
        request: { kind: "records", records },
      })),
    );
  }

  #tick(operatorName: string, event: TickEvent, remainingMs?: () => number): Promise<BatchResponse> {
    const watermarkMs = event.watermark === undefined ? undefined : decodeWatermark(event.watermark);
    const request = { kind: "tick", watermarkMs } as const;
    return this.#runAll(
      operatorName,
      remainingMs,
      event.tasks.map(({ topic, partition }) => ({ topic, partition, request })),
    );
  }

  /** Every dead letter goes to the task that set it aside; what is of none is said. */
  async #redrive(operatorName: string, event: RedriveEvent, remainingMs?: () => number): Promise<RedriveResponse> {
    const { topology } = this.#host;
    const plan = functionOf(topology.functions, operatorName, event.functionName);
    const generation = await this.#generationFor(plan);
    const impossible: RedriveOutcome[] = [];
    const byTask = new Map<string, DeadLetter[]>();
    const letters = readEvent(event).flatMap(({ records }) =>
      Array.from({ length: records.count }, (_, i) =>
        toDeadLetter({
          key: keyBytesAt(records, i),
          value: valueBytesAt(records, i),
          headers: headersAt(records, i),
          timestampMs: records.timestampsMs[i] as number,
        }),
      ),
    );
    for (const letter of letters) {
      const reason = whyForeign(topology.application, plan, generation, letter);
      if (reason !== undefined) impossible.push({ id: letter.id, outcome: "impossible", reason });
      else {
        const place = `${letter.topic}-${letter.partition}`;
        const others = byTask.get(place) ?? [];
        byTask.set(place, others);
        others.push(letter);
      }
    }
    const outcomes = await allOf(
      [...byTask.values()].map(async (own) => {
        const { topic, partition } = own[0] as DeadLetter;
        return (await this.#redriving(plan, topic, partition)).redrive(own, remainingMs);
      }),
    );
    return { batchItemFailures: [], outcomes: [...impossible, ...outcomes.flat()] };
  }

  async #runAll(
    operatorName: string,
    remainingMs: (() => number) | undefined,
    calls: readonly TaskCall[],
  ): Promise<BatchResponse> {
    await allOf(
      calls.map(async ({ topic, partition, request }) =>
        this.#run(this.#planFor(operatorName, topic), topic, partition, request, remainingMs),
      ),
    );
    return { batchItemFailures: [] };
  }

  async #run(
    plan: FunctionPlan,
    topic: string,
    partition: number,
    request: TaskRequest,
    remainingMs: (() => number) | undefined,
  ): Promise<void> {
    // Time means nothing to a task without a log; its redrives may owe what they committed.
    if (!plan.commits && request.kind === "tick") await (await this.#redriving(plan, topic, partition)).redrive([]);
    else await (await this.#taskOf(plan, topic, partition)).run(request, remainingMs);
  }

  async #taskOf(plan: FunctionPlan, topic: string, partition: number): Promise<Task> {
    return this.#keep(plan, await this.#nameOf(plan, topic, partition));
  }

  async #redriving(plan: FunctionPlan, topic: string, partition: number): Promise<Task> {
    const redriving = toRedriving(plan, await this.#nameOf(plan, topic, partition));
    return this.#keep(redriving.plan, redriving.name);
  }

  #keep(plan: FunctionPlan, name: TaskName): Task {
    const task = this.#tasks.get(name.full) ?? new Task(this.#host, plan, name);
    this.#tasks.set(name.full, task);
    return task;
  }

  async #nameOf(plan: FunctionPlan, topic: string, partition: number): Promise<TaskName> {
    const generation = await this.#generationFor(plan);
    return toTaskName(this.#host.topology.application, plan.name, topic, partition, generation);
  }

  async #generationFor(plan: FunctionPlan): Promise<number> {
    return plan.commits ? this.#generationOf(plan.name) : 0;
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

/** What all of them gave; or throws what failed first, and how many partitions failed besides. */
async function allOf<T>(calls: readonly Promise<T>[]): Promise<T[]> {
  const results = await Promise.allSettled(calls);
  const reasons = results.flatMap((result) => (result.status === "rejected" ? [result.reason as unknown] : []));
  if (reasons.length === 0) return results.map((result) => (result as PromiseFulfilledResult<T>).value);
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
