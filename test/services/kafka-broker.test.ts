/** The broker over a real Apache Kafka: it does what every broker does, and what only a server can make it do. */

import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { OutgoingRecord } from "../../lib/kafka/broker.ts";
import { Cluster } from "../../lib/kafka/cluster.ts";
import { KafkaBroker } from "../../lib/kafka/kafka-broker.ts";
import { fetchBatches } from "../../lib/kafka/requests.ts";
import { freePorts } from "../../tools/services/free-ports.ts";
import { type KafkaServer, LOGIN_PASSWORD, LOGIN_USER, startKafka } from "../../tools/services/kafka.ts";
import { testBroker } from "../contracts/broker.contract.ts";
import {
  batch,
  consumeAll,
  newTopic,
  PLENTY,
  readAll,
  readRecords,
  record,
  strangerAt,
  valuesOf,
} from "./kafka-world.ts";

const CALL_TIMEOUT_MS = 4_000;
/** On a machine that does something else too. */
const LATE_MS = 2_000;

let kafka: KafkaServer;
let broker: KafkaBroker;
beforeAll(async () => {
  kafka = await startKafka();
  broker = new KafkaBroker({ brokers: [kafka.bootstrap], callTimeoutMs: CALL_TIMEOUT_MS });
});
afterAll(async () => {
  await broker?.close();
  await kafka?.stop();
});

testBroker("Kafka broker", async () => new KafkaBroker({ brokers: [kafka.bootstrap] }));

describe("records", () => {
  test("that are written again are the same bytes", async () => {
    const topic = await newTopic(broker);
    const records = [
      record("a", { key: new Uint8Array(0), headers: [["ü", new Uint8Array([0, 255])]] }),
      record("b", { timestampMs: 0 }),
      record("c", { value: null, timestampMs: 1_800_000_000_001 }),
    ];
    for (let i = 0; i < 3; i += 1) await broker.produce([{ topic, partition: 0, records }]);
    const cluster = new Cluster({ brokers: [kafka.bootstrap] });
    const at = { topic, partition: 0 };
    const { batches } = await cluster.askLeader(at, fetchBatches(at, 0, 1_000_000, 0));
    cluster.discard("the test is over");
    // Offset, length and leader's epoch stand before what the checksum guards.
    const bytes = batches.length / 3;
    const guarded = [0, 1, 2].map((i) => batches.subarray(i * bytes + 16, (i + 1) * bytes).toString("hex"));
    expect(new Set(guarded).size).toBe(1);
  });

  test("more than fit into one batch keep their order", async () => {
    const topic = await newTopic(broker, 2);
    const values = Array.from({ length: 60 }, (_, i) => `${i}:`.padEnd(100_000, "x"));
    await broker.produce([batch(topic, 0, ...values), batch(topic, 1, "small"), batch(topic, 0, "last")]);
    expect(await valuesOf(broker, topic, 0)).toEqual([...values, "last"]);
    expect(await valuesOf(broker, topic, 1)).toEqual(["small"]);
  });

  test("of the largest size fit", async () => {
    const topic = await newTopic(broker);
    const headers = Array.from({ length: 500 }, (_, i) => [`${i}`.padEnd(4), new Uint8Array(4)] as const);
    const value = new Uint8Array(broker.recordBytesMax - 500 * 8).fill(7);
    await broker.produce([{ topic, partition: 0, records: [record(value, { headers })] }]);
    expect((await readRecords(broker, topic))[0]?.value?.length).toBe(value.length);
  });

  test("larger than a topic takes are refused in a sentence", async () => {
    const topic = `small-${randomUUID()}`;
    await withAdmin((admin) =>
      admin.createTopics({
        topics: [{ topic, configEntries: [{ name: "max.message.bytes", value: "1000" }] }],
        waitForLeaders: false,
      }),
    );
    await expect
      .poll(() => broker.produce([batch(topic, 0, "x".repeat(2000))]).catch(({ message }) => message))
      .toMatch(/did not write to topic "small-.*max\.message\.bytes/);
  });

  test.each(["gzip", "snappy", "lz4", "zstd"])("compressed with %s are read", async (codec) => {
    const topic = `packed-${randomUUID()}`;
    await withAdmin((admin) =>
      admin.createTopics({
        topics: [{ topic, configEntries: [{ name: "compression.type", value: codec }] }],
        waitForLeaders: false,
      }),
    );
    await expect.poll(() => broker.offsets(topic).catch(() => undefined)).toBeDefined();
    const random = Buffer.from(Array.from({ length: 3000 }, (_, i) => (i * 7919 + (i >> 3) * 31) & 255));
    const records: OutgoingRecord[] = [];
    for (let i = 0; i < 500; i += 1) {
      const text = new Uint8Array(Buffer.from(`${i} `.repeat(i)));
      const headers = i % 3 === 0 ? [["h", new Uint8Array([i & 255])] as const] : [];
      records.push(record(i % 50 === 0 ? new Uint8Array(random.subarray(i)) : text, { headers }));
    }
    await broker.produce([{ topic, partition: 0, records }]);
    await broker.produce([{ topic, partition: 0, records }]);
    const found = await readRecords(broker, topic);
    expect(found.length).toBe(1000);
    expect(found).toEqual([...records, ...records]);
  });

  test("are read by other clients, and other clients' by us", async () => {
    const topic = await newTopic(broker);
    await broker.produce([batch(topic, 0, "ours", "ours too")]);
    const producer = strangerAt(kafka.bootstrap).producer();
    await producer.connect();
    await producer.send({
      topic,
      compression: 1,
      messages: [{ key: "k", value: "theirs", headers: { a: ["1", "2"] } }],
    });
    await producer.disconnect();
    expect((await consumeAll(kafka.bootstrap, topic, 3)).get(0)).toEqual(["ours", "ours too", "theirs"]);
    const [, , theirs] = await readRecords(broker, topic);
    expect(theirs?.headers.map(([name, value]) => [name, Buffer.from(value).toString()])).toEqual([
      ["a", "1"],
      ["a", "2"],
    ]);
  });

  test("that retention has deleted are missing, and said to be", async () => {
    const topic = await newTopic(broker);
    await broker.produce([batch(topic, 0, "a", "b", "c")]);
    await withAdmin(async (admin) => {
      // Without metadata the next call throws.
      await admin.fetchTopicMetadata({ topics: [topic] });
      await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: "2" }] });
    });
    await expect(broker.fetch(topic, 0, 0, PLENTY)).rejects.toMatchObject({
      code: "input-missing",
      message: expect.stringContaining("the first is 2"),
    });
    expect(await broker.offsets(topic)).toEqual([{ low: 2, high: 3 }]);
    expect((await readAll(broker, topic, 0, 2)).records).toEqual([{ offset: 2, value: "c" }]);
  });

  test("of a topic that is deleted are refused, and taken again when it is back", async () => {
    const topic = await newTopic(broker, 2);
    await broker.produce([batch(topic, 1, "a")]);
    await withAdmin((admin) => admin.deleteTopics({ topics: [topic] }));
    await expect(broker.produce([batch(topic, 1, "b")])).rejects.toMatchObject({
      code: "kafka",
      message: expect.stringContaining(topic),
    });
    await broker.ensureTopics([{ name: topic, partitions: 2, compacted: false, retentionMs: undefined }]);
    await broker.produce([batch(topic, 1, "c")]);
    expect(await valuesOf(broker, topic, 1)).toEqual(["c"]);
  });
});

describe("topics", () => {
  test("are created as declared", async () => {
    const name = `declared-${randomUUID()}`;
    await broker.ensureTopics([{ name, partitions: 2, compacted: true, retentionMs: 86_400_000 }]);
    const { resources } = await withAdmin((admin) =>
      admin.describeConfigs({
        includeSynonyms: false,
        resources: [{ type: 2, name, configNames: ["cleanup.policy", "retention.ms"] }],
      }),
    );
    const settings = resources[0]?.configEntries.map(({ configName, configValue }) => [configName, configValue]);
    expect(Object.fromEntries(settings ?? [])).toEqual({ "cleanup.policy": "compact", "retention.ms": "86400000" });
  });

  test("take any event time, the far future included", async () => {
    const topic = await newTopic(broker);
    for (const timestampMs of [-1, 0, 1, Date.now() + 10 * 365 * 86_400_000])
      await broker.produce([{ topic, partition: 0, records: [record("a", { timestampMs })] }]);
    expect((await readRecords(broker, topic)).length).toBe(4);
  });
});

describe("a server that asks for a login", () => {
  test.each(["plain", "scram-sha-256", "scram-sha-512"] as const)(
    "takes the right one over %s, and refuses others",
    async (kind) => {
      const at = (password: string) =>
        new KafkaBroker({ brokers: [kafka.loginBootstrap], login: { kind, username: LOGIN_USER, password } });
      const [right, wrong] = [at(LOGIN_PASSWORD), at("wrong")];
      const topic = await newTopic(right);
      await right.produce([batch(topic, 0, "a")]);
      expect(await valuesOf(right, topic)).toEqual(["a"]);
      const startedMs = Date.now();
      await expect(wrong.topics()).rejects.toMatchObject({
        code: "kafka",
        message: expect.stringContaining("refuses the login"),
      });
      expect(Date.now() - startedMs).toBeLessThan(LATE_MS);
      await Promise.all([right.close(), wrong.close()]);
    },
  );

  test("is told the mechanism it does not know, and TLS where there is none, as sentences", async () => {
    const token = async () => "a token";
    const settings = [
      { brokers: [kafka.loginBootstrap], login: { kind: "token", token } as const },
      { brokers: [kafka.bootstrap], tls: true, callTimeoutMs: CALL_TIMEOUT_MS },
    ];
    const expected = [/refuses the login/, /cannot be reached with TLS/];
    for (const [i, setting] of settings.entries()) {
      const broker = new KafkaBroker(setting);
      await expect(broker.topics()).rejects.toMatchObject({
        code: "kafka",
        message: expect.stringMatching(expected[i] as RegExp),
      });
      await broker.close();
    }
  });
});

describe("a server that is not there", () => {
  test("is said to be unreachable, soon", async () => {
    const [port] = await freePorts(1);
    const nobody = new KafkaBroker({ brokers: [`127.0.0.1:${port}`], callTimeoutMs: CALL_TIMEOUT_MS });
    const startedMs = Date.now();
    await expect(nobody.topics()).rejects.toMatchObject({
      code: "kafka",
      message: expect.stringMatching(/^Kafka at 127\.0\.0\.1:\d+ cannot be reached.*ECONNREFUSED/),
    });
    expect(Date.now() - startedMs).toBeLessThan(CALL_TIMEOUT_MS + LATE_MS);
    await nobody.close();
  });

  test("but one of the others is: that one is used", async () => {
    const [port] = await freePorts(1);
    const either = new KafkaBroker({ brokers: [`127.0.0.1:${port}`, kafka.bootstrap] });
    expect((await either.topics()).length).toBeGreaterThan(0);
    await either.close();
  });

  test("answers nothing: every call ends by its deadline, and the next one works when it is back", async () => {
    const topic = await newTopic(broker);
    const group = `group-${randomUUID()}`;
    kafka.freeze();
    const calls = {
      produce: () => broker.produce([batch(topic, 0, "a")]),
      transaction: () =>
        broker.produceExactlyOnce([batch(topic, 0, "b")], { transactionalId: `task-${group}`, sequenceNumber: 1 }),
      fetch: () => broker.fetch(topic, 0, 0, PLENTY),
      offsets: () => broker.offsets(topic),
      offsetRange: () => broker.offsetRange(topic, 0),
      topics: () => broker.topics(),
      create: () =>
        broker.ensureTopics([{ name: randomUUID(), partitions: 1, compacted: false, retentionMs: undefined }]),
      committed: () => broker.committedOffset(group, topic, 0),
      commit: () => broker.commitOffset(group, topic, 0, 1),
    };
    try {
      await Promise.all(
        Object.values(calls).map(async (call) => {
          const startedMs = Date.now();
          await expect(call()).rejects.toMatchObject({ name: "MillraceError", code: "kafka" });
          expect(Date.now() - startedMs).toBeLessThan(CALL_TIMEOUT_MS + LATE_MS);
        }),
      );
    } finally {
      kafka.thaw();
    }
    for (const call of Object.values(calls)) await call();
    // What was in the sockets may come late, as repeats; the transaction only once.
    const written = async () => (await valuesOf(broker, topic)).toSorted();
    await expect.poll(written).toContain("b");
    expect((await written()).filter((value) => value === "b")).toEqual(["b"]);
    expect(await written()).toContain("a");
  });

  test("is killed and started again in the middle of writing: nothing acknowledged is lost, and writing goes on", async () => {
    const topic = await newTopic(broker, 2);
    let isOver = false;
    let slowestMs = 0;
    const write = async (partition: number) => {
      const acknowledged: string[] = [];
      for (let n = 0; !isOver; n += 1) {
        for (let isDone = false; !isDone; ) {
          const startedMs = Date.now();
          try {
            await broker.produce([batch(topic, partition, `${n}`)]);
            isDone = true;
          } catch (error) {
            expect(error).toMatchObject({ name: "MillraceError", code: "kafka" });
          }
          slowestMs = Math.max(slowestMs, Date.now() - startedMs);
        }
        acknowledged.push(`${n}`);
      }
      return acknowledged;
    };
    const writing = [write(0), write(1)];
    for (let kill = 0; kill < 2; kill += 1) {
      await new Promise((resolve) => setTimeout(resolve, 300));
      await kafka.kill();
      await kafka.restart();
    }
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    isOver = true;
    for (const [partition, acknowledged] of (await Promise.all(writing)).entries()) {
      const found = await valuesOf(broker, topic, partition);
      // In order, but for repeats of the one that was in doubt.
      expect(found.filter((value, i) => value !== found[i - 1])).toEqual(acknowledged);
    }
    expect(slowestMs).toBeLessThan(CALL_TIMEOUT_MS + LATE_MS);
  });
});

async function withAdmin<T>(
  work: (admin: ReturnType<ReturnType<typeof strangerAt>["admin"]>) => Promise<T>,
): Promise<T> {
  const admin = strangerAt(kafka.bootstrap).admin();
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
}
