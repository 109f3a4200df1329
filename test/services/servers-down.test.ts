/**
 * What `millrace run` does on real servers that are away, silent, refusing, or without what they had: it says so in a sentence and not in a flood, waits
 * without being busy, leaves nothing out, and goes on by itself.
 */

import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { main } from "../../lib/cli/main.ts";
import { type DynamoDbLocal, startDynamoDbLocal } from "../../tools/services/dynamodb-local.ts";
import { freePorts } from "../../tools/services/free-ports.ts";
import { type KafkaServer, LOGIN_USER, startKafka } from "../../tools/services/kafka.ts";
import { TestTerminal } from "../cli/test-terminal.ts";
import { strangerAt } from "./kafka-world.ts";
import { LossyProxy, THROTTLED } from "./lossy-proxy.ts";
import { AWHILE, OrdersApplication, PARTITIONS } from "./orders-application.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
const SLOW_MS = 200;

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

let running: OrdersApplication | undefined;
async function run(name: string): Promise<OrdersApplication> {
  running = await OrdersApplication.start(name, kafka.bootstrap, proxy.endpoint);
  await running.order(20);
  await running.isRight();
  expect(running.said).toEqual([]);
  return running;
}
afterEach(async () => {
  proxy.refuses = () => undefined;
  proxy.before = () => {};
  vi.unstubAllEnvs();
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
    const following = new TestTerminal(ROOT);
    const where = ["--app", ROOT, "--kafka", kafka.bootstrap, "--dynamodb", proxy.endpoint];
    const followed = ["--from-beginning", "--follow", "--json"];
    const follow = main(["topics", "read", app.topic("orders"), ...followed, ...where], following);
    await following.showsLines(20);
    // Its input goes on when Kafka is away.
    const producing = new TestTerminal(
      ROOT,
      lineAfter("one\ntwo\n", () => kafka.kill(), "three\n"),
    );
    const produce = main(["topics", "produce", "lines", ...where], producing);
    expect(await produce).toBe(1);
    expect(producing.errors).toMatch(
      /^Kafka at .* cannot be reached.* Lines 1 to 2 are written, and any of lines 3 to 3 may be\.$/m,
    );
    await app.says([
      /^Kafka at 127\.0\.0\.1:\d+ cannot be reached.*ECONNREFUSED.*check the address, and that it is running/m,
    ]);
    await kafka.restart();
    await app.order(20);
    await app.isRight();
    await following.showsLines(40);
    following.interrupt();
    expect(await follow).toBe(0);
    expect(following.errors).toMatch(/^Kafka at .* cannot be reached/);
    const offsets = following.output.trimEnd().split("\n");
    expect(new Set(offsets.map((line) => line.replace(/"value".*/, ""))).size).toBe(offsets.length);
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
    // From now on, since one of them may speak before the first order is written.
    const said = app.says([
      new RegExp(
        `^Topic ${orders}-\\d ends at offset \\d+, but recreated-count has processed up to 9: the topic was deleted and created again. Reset`,
        "m",
      ),
      new RegExp(
        `^${orders}-\\d ends before offset 10, where recreated-copy was to go on: it was deleted and created again, and is read from 0`,
        "m",
      ),
    ]);
    await admin.createTopics({ topics: [{ topic: orders, numPartitions: PARTITIONS }], waitForLeaders: false });
    await admin.disconnect();
    await expect.poll(() => app.order(4).then(() => "written", String), AWHILE).toBe("written");
    await said;
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

/** Input whose second part comes when `between` is over. */
async function* lineAfter(first: string, between: () => Promise<void>, second: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(first);
  await between();
  yield Buffer.from(second);
}

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

  test("Kafka refuses the login", async () => {
    vi.stubEnv("MILLRACE_KAFKA_LOGIN", "plain");
    vi.stubEnv("MILLRACE_KAFKA_USERNAME", LOGIN_USER);
    vi.stubEnv("MILLRACE_KAFKA_PASSWORD", "wrong");
    for (const { code, lines } of await call(kafka.loginBootstrap, proxy.endpoint)) {
      expect(code).toBe(1);
      expect(lines).toEqual([expect.stringMatching(/^Kafka at .* refuses the login.*check the user, the password/)]);
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
