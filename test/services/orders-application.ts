/** An application on real servers, what it says while it runs, what waiting costs it, and whether its results are right. */

import { json, type Operator, operator, stream, text, topic } from "millrace";
import { expect } from "vitest";
import { ProblemLog } from "../../lib/cli/problem-log.ts";
import type { Broker } from "../../lib/kafka/broker.ts";
import { KafkaBroker } from "../../lib/kafka/kafka-broker.ts";
import type { Application } from "../../lib/local/application.ts";
import { type LocalRuntime, startLocalRuntime } from "../../lib/local/local-runtime.ts";
import { readTopic, type TopicElement } from "../../lib/local/read-topic.ts";
import type { Workspace } from "../../lib/local/workspace.ts";
import { openDynamoDbStateLog } from "../../lib/state-log/dynamodb-state-log.ts";
import { buildTopology } from "../../lib/stream/topology.ts";

export const PARTITIONS = 2;
const KINDS = 5;
/** Of the time that passes, for an application of seven tasks that wait. A busy loop takes all of it. */
const CPU_SHARE_MAX = 0.4;
/** Each task, mapping and wake-up may say its own sentence, again every five seconds. */
const SENTENCES_PER_SECOND_MAX = 8;
const CALL_MS = 4_000;
export const AWHILE = { timeout: 30_000, interval: 50 };

/** One operator of two functions with logs, whose results are written exactly once, and one function without a log. Shuffles are named by operators. */
function newApplication(name: string) {
  const orders = topic(`${name}-orders`, { value: text(), partitions: PARTITIONS });
  const counts = topic(`${name}-counts`, { key: text(), value: json<number>(), partitions: 1, exactlyOnce: true });
  const copies = topic(`${name}-copies`, { value: text(), partitions: 1 });
  const operators: Operator[] = [
    operator(
      `${name}-count`,
      stream(orders)
        .keyBy((order) => order)
        .count()
        .to(counts.from(({ value }) => value)),
    ),
    operator(
      `${name}-copy`,
      stream(orders)
        .map((order) => order.toUpperCase())
        .to(copies),
    ),
  ];
  const topology = buildTopology(
    name,
    operators.map(({ definition }) => definition),
  );
  const application: Application = { name, folder: ".", operators, topology };
  return { application, counts, copies };
}

/** An application that runs, and what it says as the command line says it. */
export class OrdersApplication {
  readonly said: { readonly atMs: number; readonly sentence: string }[] = [];
  readonly #problems = new ProblemLog((sentence) => this.said.push({ atMs: Date.now(), sentence }));
  readonly #made: ReturnType<typeof newApplication>;
  readonly workspace: Workspace;
  #runtime: LocalRuntime | undefined;
  #sent = 0;

  private constructor(made: ReturnType<typeof newApplication>, workspace: Workspace) {
    this.#made = made;
    this.workspace = workspace;
  }

  static async start(name: string, kafka: string, dynamodb: string): Promise<OrdersApplication> {
    const made = newApplication(name);
    // As `openServices` does it, but that nobody waits for long.
    const broker = new KafkaBroker({ brokers: [kafka], callTimeoutMs: CALL_MS });
    await broker.ensureTopics(made.application.topology.topics);
    const timeouts = { connectMs: 1_000, requestMs: CALL_MS / 2, silenceMs: CALL_MS / 2, callMs: CALL_MS };
    const table = `millrace-${name}`;
    const stateLog = await openDynamoDbStateLog({ endpoint: dynamodb, table, create: true, timeouts });
    const workspace = {
      broker,
      stateLog,
      async close() {
        await broker.close();
        await stateLog.close();
      },
    };
    const running = new OrdersApplication(made, workspace);
    await running.start();
    return running;
  }

  async start(): Promise<void> {
    this.#runtime = await startLocalRuntime({
      application: this.#made.application,
      workspace: this.workspace,
      onProblem: (sentence) => this.#problems.add(sentence),
    });
  }

  async stop(): Promise<void> {
    await this.#runtime?.stop();
    this.#runtime = undefined;
  }

  get broker(): Broker {
    return this.workspace.broker;
  }

  topic(name: string): string {
    return `${this.#made.application.name}-${name}`;
  }

  /** Writes orders, however long it takes; what was in doubt is written again only where it is not there. */
  async order(count: number): Promise<void> {
    for (const end = this.#sent + count; this.#sent < end; this.#sent += 1) {
      const value = new TextEncoder().encode(`w${this.#sent % KINDS}`);
      const record = { key: null, value, timestampMs: Date.now(), headers: [] };
      await this.broker.produce([
        { topic: this.topic("orders"), partition: this.#sent % PARTITIONS, records: [record] },
      ]);
    }
  }

  /** The counts of each kind as they were written, and how many orders were copied, repeats of the same left out. */
  async results(): Promise<{ counts: Record<string, number[]>; copies: number }> {
    const counts: Record<string, number[]> = {};
    for (const { key, value } of await readTopic(this.broker, this.#made.counts))
      (counts[key as string] ??= []).push(value as number);
    return { counts, copies: new Set((await this.copied()).map(({ identity }) => JSON.stringify(identity))).size };
  }

  copied(): Promise<readonly TopicElement[]> {
    return readTopic(this.broker, this.#made.copies);
  }

  /** Waits until every order is counted once and copied. */
  async isRight(): Promise<void> {
    const expected: Record<string, number[]> = {};
    for (let i = 0; i < this.#sent; i += 1) {
      const all = (expected[`w${i % KINDS}`] ??= []);
      all.push(all.length + 1);
    }
    await expect.poll(() => this.results().catch(String), AWHILE).toEqual({ counts: expected, copies: this.#sent });
  }

  /** Waits until it says something of this form, in so many milliseconds from now on at least, and looks at what waiting costs. */
  async says(forms: readonly RegExp[], atLeastMs = 1_500): Promise<void> {
    const from = this.said.length;
    const startedMs = Date.now();
    const cpu = process.cpuUsage();
    await new Promise((resolve) => setTimeout(resolve, atLeastMs));
    const sentences = () => this.said.slice(from).map(({ sentence }) => sentence);
    for (const form of forms) await expect.poll(() => sentences().join("\n"), AWHILE).toMatch(form);
    const { user, system } = process.cpuUsage(cpu);
    const tookMs = Date.now() - startedMs;
    expect((user + system) / 1_000 / tookMs, "share of a processor").toBeLessThan(CPU_SHARE_MAX);
    const perSecond = Map.groupBy(this.said.slice(from), ({ atMs }) => Math.floor((atMs - startedMs) / 1_000));
    for (const [second, said] of perSecond)
      expect(said.length, `second ${second}:\n${sentences().join("\n")}`).toBeLessThanOrEqual(SENTENCES_PER_SECOND_MAX);
  }
}
