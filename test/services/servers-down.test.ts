/**
 * What `millrace run` does on real servers that are away, silent, refusing, or without what they had: it says so in a sentence and not in a flood, waits
 * without being busy, leaves nothing out, and goes on by itself.
 */

import { json, type Operator, operator, stream, text, topic } from "millrace";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { main } from "../../lib/cli/main.ts";
import { ProblemLog } from "../../lib/cli/problem-log.ts";
import type { Broker } from "../../lib/kafka/broker.ts";
import { KafkaBroker } from "../../lib/kafka/kafka-broker.ts";
import type { Application } from "../../lib/local/application.ts";
import { type LocalRuntime, startLocalRuntime } from "../../lib/local/local-runtime.ts";
import { readTopic, type TopicElement } from "../../lib/local/read-topic.ts";
import type { Workspace } from "../../lib/local/workspace.ts";
import { openDynamoDbStateLog } from "../../lib/state-log/dynamodb-state-log.ts";
import { buildTopology } from "../../lib/stream/topology.ts";
import { type DynamoDbLocal, startDynamoDbLocal } from "../../tools/services/dynamodb-local.ts";
import { freePorts } from "../../tools/services/free-ports.ts";
import { type KafkaServer, startKafka } from "../../tools/services/kafka.ts";
import { TestTerminal } from "../cli/test-terminal.ts";
import { strangerAt } from "./kafka-world.ts";
import { LossyProxy, THROTTLED } from "./lossy-proxy.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
const PARTITIONS = 2;
const KINDS = 5;
/** Of the time that passes, for an application of seven tasks that wait. A busy loop takes all of it. */
const CPU_SHARE_MAX = 0.4;
/** Each task, mapping and wake-up may say its own sentence, again every five seconds. */
const SENTENCES_PER_SECOND_MAX = 8;
const CALL_MS = 4_000;
const SLOW_MS = 200;
const AWHILE = { timeout: 30_000, interval: 50 };

let kafka: KafkaServer;
let dynamodb: DynamoDbLocal;
let proxy: LossyProxy;
beforeAll(async () => {
  [kafka, dynamodb] = await Promise.all([startKafka(), startDynamoDbLocal({ inMemory: false })]);
  proxy = await new LossyProxy(dynamodb.endpoint).listen();
});
afterAll(async () => {
  await proxy?.[Symbol.asyncDispose]();
  await Promise.all([kafka?.stop(), dynamodb?.stop()]);
});

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
class Running {
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

  static async start(name: string): Promise<Running> {
    const made = newApplication(name);
    // As `openServices` does it, but that nobody waits for long.
    const broker = new KafkaBroker({ brokers: [kafka.bootstrap], callTimeoutMs: CALL_MS });
    await broker.ensureTopics(made.application.topology.topics);
    const timeouts = { connectMs: 1_000, requestMs: CALL_MS / 2, silenceMs: CALL_MS / 2, callMs: CALL_MS };
    const table = `millrace-${name}`;
    const stateLog = await openDynamoDbStateLog({ endpoint: proxy.endpoint, table, create: true, timeouts });
    const workspace = {
      broker,
      stateLog,
      async close() {
        await broker.close();
        await stateLog.close();
      },
    };
    const running = new Running(made, workspace);
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
    await expect
      .poll(() => this.results().catch(String), AWHILE)
      .toEqual({ counts: expected, copies: this.#sent })
      .catch((e) => {
        console.log(JSON.stringify(this.said, null, 1));
        throw e;
      });
  }

  /** Waits until it says something of this form, in so many milliseconds from now on at least, and looks at what waiting costs. */
  async says(forms: readonly RegExp[], atLeastMs = 2_000): Promise<void> {
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

let running: Running | undefined;
async function run(name: string): Promise<Running> {
  running = await Running.start(name);
  await running.order(20);
  await running.isRight();
  expect(running.said).toEqual([]);
  return running;
}
afterEach(async () => {
  proxy.refuses = () => undefined;
  proxy.before = () => {};
  await running?.stop();
  await running?.workspace.close();
  running = undefined;
});

const refuseAll = (exception: string) => {
  proxy.refuses = () => exception;
};

describe("in the middle of a run", () => {
  test("Kafka is killed, and started again", async () => {
    const app = await run("killed-kafka");
    await kafka.kill();
    await app.says([
      /^Kafka at 127\.0\.0\.1:\d+ cannot be reached.*ECONNREFUSED.*check the address, and that it is running/m,
    ]);
    await kafka.restart();
    await app.order(20);
    await app.isRight();
  });

  test("DynamoDB is killed, and started again", async () => {
    const app = await run("killed-dynamodb");
    await dynamodb.kill();
    await app.order(20);
    await app.says([/^DynamoDB \(http:\/\/127\.0\.0\.1:\d+\) .*table "millrace-killed-dynamodb"/m]);
    await dynamodb.restart();
    await app.isRight();
  });

  test("both stop answering, and go on", async () => {
    const app = await run("frozen");
    let asked = 0;
    proxy.before = () => void (asked += 1);
    dynamodb.freeze();
    try {
      await app.order(20);
      await expect.poll(() => asked).toBeGreaterThan(0);
      kafka.freeze();
      await app.says([
        /^Kafka at .* did not .*no answer within \d+ ms; is it overloaded, or stopped\?/m,
        /^DynamoDB .* did not answer \w+ on table "millrace-frozen" in time/m,
      ]);
    } finally {
      kafka.thaw();
      dynamodb.thaw();
    }
    await app.isRight();
    for (const { sentence } of app.said) expect(sentence).not.toContain("A call before");
  });

  test("DynamoDB is slow; then throttles, refuses the credentials, and has no table, each for a while", async () => {
    const app = await run("refused");
    proxy.before = () => new Promise((resolve) => setTimeout(resolve, SLOW_MS));
    await app.order(10);
    await app.isRight();
    expect(app.said).toEqual([]);
    proxy.before = () => {};
    for (const [exception, sentence] of [
      [THROTTLED, /^DynamoDB .* throttles table "millrace-refused": .*tried again/m],
      ["UnrecognizedClientException", /^DynamoDB .* refuses the credentials for .*Check which identity/m],
      ["ResourceNotFoundException", /^There is no table "millrace-refused" in DynamoDB .*Create it/m],
    ] as const) {
      refuseAll(exception);
      await app.order(10);
      await app.says([sentence], 1_000);
      proxy.refuses = () => undefined;
      await app.isRight();
    }
  });

  test("a topic is deleted and made again: it is said, and nothing of the new one is taken for the old one", async () => {
    const app = await run("recreated");
    const orders = app.topic("orders");
    const admin = strangerAt(kafka.bootstrap).admin();
    await admin.connect();
    await admin.deleteTopics({ topics: [orders] });
    await app.says([new RegExp(`^Topic "${orders}" does not exist`, "m")]);
    await admin.createTopics({ topics: [{ topic: orders, numPartitions: PARTITIONS }], waitForLeaders: false });
    await admin.disconnect();
    await expect.poll(() => app.order(4).then(() => "written", String), AWHILE).toBe("written");
    await app.says([
      new RegExp(
        `^Topic ${orders}-\\d ends at offset \\d+, but recreated-count has processed up to 9: the topic was deleted and created again. Reset`,
        "m",
      ),
      new RegExp(
        `^${orders}-\\d ends before offset 10, where recreated-copy was to go on: it was deleted and created again, and is read from 0`,
        "m",
      ),
    ]);
    await expect.poll(async () => (await app.copied()).length, AWHILE).toBe(24);
  });

  test("records are gone before they were read: nobody goes on in silence", async () => {
    const app = await run("retention");
    const orders = app.topic("orders");
    await app.stop();
    await app.order(20);
    const admin = strangerAt(kafka.bootstrap).admin();
    await admin.connect();
    // Or its client does not know who leads the topic.
    await admin.fetchTopicOffsets(orders);
    await admin.deleteTopicRecords({ topic: orders, partitions: [{ partition: 0, offset: "15" }] });
    await admin.disconnect();
    await app.start();
    await app.says([
      new RegExp(
        `^Records 10 to 14 of ${orders}-0 are gone before retention-count processed them \\(retention\\).*Reset the function`,
        "m",
      ),
      new RegExp(
        `^Records 10 to 14 of ${orders}-0 are gone before retention-copy read them \\(retention\\): it skips them and goes on at 15`,
        "m",
      ),
    ]);
    // The other partition, and what is left of this one where that is allowed.
    await expect.poll(async () => (await app.results()).copies, AWHILE).toBe(35);
  });
});

describe("at the start, and for commands that look", () => {
  const commands = [["run"], ["topics", "list"], ["topics", "read", "lines"], ["state", "list"], ["dlq", "list"]];
  const call = async (kafkaAt: string, dynamodbAt: string) => {
    const outcomes = commands.map(async (command) => {
      const terminal = new TestTerminal(ROOT);
      const code = await main([...command, "--app", ROOT, "--kafka", kafkaAt, "--dynamodb", dynamodbAt], terminal);
      return { code, lines: terminal.errors.trimEnd().split("\n") };
    });
    return Promise.all(outcomes);
  };

  test("Kafka is not there", async () => {
    const [port] = await freePorts(1);
    for (const { code, lines } of await call(`127.0.0.1:${port}`, proxy.endpoint)) {
      expect(code).toBe(1);
      expect(lines).toEqual([
        expect.stringMatching(
          /^Kafka at 127\.0\.0\.1:\d+ cannot be reached .* check the address, and that it is running/,
        ),
      ]);
    }
  });

  test("DynamoDB is not there", async () => {
    const [port] = await freePorts(1);
    for (const { code, lines } of await call(kafka.bootstrap, `http://127.0.0.1:${port}`)) {
      expect(code).toBe(1);
      expect(lines).toEqual([
        expect.stringMatching(
          /^DynamoDB \(http:.*\) cannot be reached for table "millrace-\w+" \(ECONNREFUSED\)\. Check/,
        ),
      ]);
    }
  });

  test("DynamoDB refuses the credentials", async () => {
    refuseAll("UnrecognizedClientException");
    for (const { code, lines } of await call(kafka.bootstrap, proxy.endpoint)) {
      expect(code).toBe(1);
      expect(lines).toEqual([
        expect.stringMatching(/^DynamoDB .* refuses the credentials for .* Check which identity/),
      ]);
    }
  });
});
