/**
 * An operator in an execution environment of Lambda: its events, those of the queue of wake-ups among them, and what is sent and written before an
 * invocation ends. After that the environment may be frozen, so nothing goes on behind it.
 */

import { randomUUID } from "node:crypto";
import type { Broker } from "../kafka/broker.ts";
import { FunctionRuntime } from "../runtime/function-runtime.ts";
import { type InvocationContext, remainingOf } from "../runtime/operator-handler.ts";
import type { TaskReport } from "../runtime/report.ts";
import type { SettingsSource } from "../runtime/settings-source.ts";
import type { StateLog } from "../state-log/state-log.ts";
import type { OperatorDefinition } from "../stream/operator-definition.ts";
import type { Topology } from "../stream/plan.ts";
import { buildTopology, partitionsOf } from "../stream/topology.ts";
import type { TableStore } from "../tables/table-store.ts";
import type { BatchResponse, FunctionEvent, TickEvent } from "../wire/lambda-event.ts";
import type { LambdaSettings } from "./lambda-settings.ts";
import { ESSENTIAL_METRICS, type Invocation, logLines, METRICS, metricLines } from "./metrics.ts";
import { renameTopics, type TopicNames, topicNames, withTopicNames } from "./prefixed-topics.ts";
import { timedStateLog } from "./timed-state-log.ts";
import { isQueueEvent, ticksOf, type WakeUp, wakeUpsIn } from "./wake-up.ts";
import { Wishes } from "./wishes.ts";

type Remaining = ReturnType<typeof remainingOf>;

export type LambdaPorts = {
  readonly broker: Broker;
  readonly stateLog: StateLog;
  /** undefined: the operator writes no tables. */
  readonly tables?: TableStore;
  /** undefined: nobody wakes this function. */
  readonly queue: { send(wakeUps: readonly WakeUp[], nowMs: number): Promise<void> } | undefined;
  readonly now: () => number;
  /** Where declared settings and secrets come from. */
  readonly settings: SettingsSource;
  /** A line of the function's log. */
  readonly write: (line: string) => void;
};

export class LambdaRuntime {
  readonly #operatorName: string;
  readonly #application: string;
  readonly #metrics: readonly string[];
  readonly #ports: LambdaPorts;
  readonly #names: TopicNames;
  readonly #wishes = new Wishes();
  readonly #runtime: FunctionRuntime;
  #reports: TaskReport[] = [];
  /** The longest since the last report. */
  #commitMs = 0;

  constructor(definition: OperatorDefinition, settings: LambdaSettings, ports: LambdaPorts) {
    const { application, writtenElsewhere, topicPrefix = "" } = settings;
    const topology = buildTopology(application, [definition], partitionsOf, writtenElsewhere);
    this.#operatorName = definition.operatorName;
    this.#application = application;
    this.#metrics = settings.metrics === "all" ? Object.keys(METRICS) : ESSENTIAL_METRICS;
    this.#ports = ports;
    this.#names = topicNames(topicPrefix, externalTopicsOf(topology));
    this.#runtime = new FunctionRuntime({
      topology,
      stateLog: timedStateLog(ports.stateLog, ports.now, (ms) => {
        this.#commitMs = Math.max(this.#commitMs, ms);
      }),
      ...(ports.tables !== undefined && { tables: ports.tables }),
      broker: topicPrefix === "" ? ports.broker : withTopicNames(ports.broker, this.#names),
      now: ports.now,
      newAttemptId: randomUUID,
      wake: (functionName, topic, partition, atMs, sequenceNumber) =>
        this.#wishes.set({ functionName, topic, partition }, atMs, sequenceNumber),
      report: (report) => void this.#reports.push(report),
      strict: false,
      settings: ports.settings,
    });
  }

  /** Handles an event. Rejects where it must be delivered again; what was committed is reported, and wishes are sent, all the same. */
  async handle(event: unknown, context?: InvocationContext): Promise<BatchResponse> {
    const requestId = context?.awsRequestId;
    const remainingMs = remainingOf(context);
    try {
      return isQueueEvent(event)
        ? await this.#wake(wakeUpsIn(event), remainingMs)
        : await this.#invoke(event as FunctionEvent, remainingMs);
    } finally {
      await this.#sendWishes();
      this.#report({
        application: this.#application,
        requestId,
        commitMs: this.#commitMs,
        metrics: this.#metrics,
        nowMs: this.#ports.now(),
      });
    }
  }

  #invoke(event: FunctionEvent | string, remainingMs: Remaining): Promise<BatchResponse> {
    const isPlain = typeof event === "string" || event?.eventSource === "millrace:tick" || event?.records === undefined;
    return this.#runtime.invoke(this.#operatorName, isPlain ? event : renameTopics(event, this.#names), remainingMs);
  }

  /** Ticks what is due; what is too far away for one message goes round again. */
  async #wake(wakeUps: readonly WakeUp[], remainingMs: Remaining): Promise<BatchResponse> {
    const nowMs = this.#ports.now();
    this.#wishes.forget(wakeUps);
    for (const wakeUp of wakeUps) if (wakeUp.atMs > nowMs) this.#wishes.sendOn(wakeUp);
    await Promise.all(
      ticksOf(wakeUps.filter(({ atMs }) => atMs <= nowMs)).map((tick) => this.#tick(tick, remainingMs)),
    );
    return { batchItemFailures: [] };
  }

  #tick(tick: TickEvent, remainingMs: Remaining): Promise<BatchResponse> {
    return this.#runtime.invoke(this.#operatorName, tick, remainingMs);
  }

  async #sendWishes(): Promise<void> {
    const { queue, now, write } = this.#ports;
    const nowMs = now();
    const wakeUps = this.#wishes.take(nowMs);
    if (queue === undefined || wakeUps.length === 0) return;
    try {
      await queue.send(wakeUps, nowMs);
    } catch (error) {
      // What was committed stands, and the schedule wakes the tasks: later than they wished.
      this.#wishes.forget(wakeUps);
      write(
        JSON.stringify({ level: "WARN", message: `Wake-ups could not be sent: ${(error as Error).message}`, wakeUps }),
      );
    }
  }

  #report(invocation: Invocation): void {
    const reports = this.#reports;
    this.#reports = [];
    this.#commitMs = 0;
    for (const line of [...logLines(reports, invocation), ...metricLines(reports, invocation)]) this.#ports.write(line);
  }
}

function externalTopicsOf({ topics }: Topology): string[] {
  return topics.filter(({ external }) => external).map(({ name }) => name);
}
