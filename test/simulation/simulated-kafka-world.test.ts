/** What a world does to the simulated Kafka, and what the production client makes of it. */

import { beforeEach, describe, expect, test } from "vitest";
import { KafkaBroker } from "../../lib/kafka/kafka-broker.ts";
import { realOutside } from "../../lib/kafka/kafka-outside.ts";
import { SimulatedKafka, type SimulatedRecord } from "../../lib/simulation/simulated-kafka.ts";
import { simulatedOutside } from "../../lib/simulation/simulated-outside.ts";
import { batch, PLENTY, readAll, record, valuesOf } from "../services/kafka-world.ts";
import { kafkaInMemory } from "./kafka-in-memory.ts";

let server: ReturnType<typeof kafkaInMemory>;
let broker: KafkaBroker;
beforeEach(() => {
  server = kafkaInMemory();
  server.kafka.createTopic("t", 2);
  broker = server.newBroker();
});

const write = (...values: string[]) => broker.produce([batch("t", 0, ...values)]);
const once = (client: KafkaBroker, sequenceNumber: number, previousSequenceNumber?: number) =>
  client.produceExactlyOnce([batch("t", 0, `${sequenceNumber}`)], {
    transactionalId: "task",
    sequenceNumber,
    previousSequenceNumber,
  });
const values = (records: readonly SimulatedRecord[]) => records.map(({ value }) => String(value));
const committed = () => values(server.kafka.read("t", 0, 0, { isolation: "committed" }));

describe("the client goes on", () => {
  test("when leaders and coordinators have moved", async () => {
    const { kafka } = server;
    await write("a");
    await once(broker, 1);
    for (const to of [2, 1, 2]) {
      for (const partition of [0, 1]) kafka.moveLeader("t", partition, to);
      for (const kind of ["group", "transaction"] as const) kafka.moveCoordinator(kind, "task", to);
      expect(kafka.leaderOf("t", 0)).toBe(to);
      await write(`to ${to}`);
      await once(broker, 1 + kafka.endOffset("t", 0));
    }
    expect(await readAll(broker, "t", 0, 0)).toMatchObject({ nextOffset: kafka.lastStableOffset("t", 0) });
    await expect.poll(() => committed().filter((value) => value.startsWith("to"))).toHaveLength(3);
  });

  test("when brokers have dropped their connections", async () => {
    await write("a");
    server.kafka.bounce();
    await write("b");
    server.kafka.bounce();
    await once(broker, 1);
    server.kafka.bounce();
    await once(broker, 2);
    await expect.poll(committed).toEqual(["a", "b", "1", "2"]);
  });
});

describe("the client says", () => {
  test("what retention has deleted", async () => {
    await write("a", "b");
    await write("c");
    server.kafka.trim("t", 0, 1);
    await expect(broker.fetch("t", 0, 0, PLENTY)).rejects.toMatchObject({
      code: "input-missing",
      message: expect.stringContaining("the first is 1"),
    });
    expect((await readAll(broker, "t", 0, 1)).records.map(({ value }) => value)).toEqual(["b", "c"]);
    expect(committed()).toEqual(["b", "c"]);
    expect([server.kafka.startOffset("t", 0), server.kafka.endOffset("t", 0)]).toEqual([1, 3]);
  });

  test("that a topic was created anew", async () => {
    await write("a", "b");
    await broker.commitOffset("g", "t", 0, 2);
    server.kafka.deleteTopic("t");
    server.kafka.createTopic("t", 2);
    await expect(broker.fetch("t", 0, 2, PLENTY)).rejects.toMatchObject({ code: "input-missing" });
    expect(await broker.committedOffset("g", "t", 0)).toBe(undefined);
  });

  test("that a group's number is gone", async () => {
    await once(broker, 1);
    await expect.poll(() => server.kafka.committedOffset("task", "t", 0)).toBe(1);
    server.kafka.forgetGroup("task");
    await expect(once(server.newBroker(), 2, 1)).rejects.toMatchObject({
      message: expect.stringContaining("no offset"),
    });
  });
});

test("an oracle sees each append once, at the moment it happens, with who wrote it", async () => {
  const seen: unknown[] = [];
  server.kafka.onAppend((topic, partition, records, producer) =>
    seen.push([topic, partition, records[0]?.offset, ...values(records), producer?.transactionalId]),
  );
  await write("a", "b");
  await once(broker, 1);
  server.kafka.append("t", 0, [record("foreign")]);
  await once(broker, 1);
  expect(seen).toEqual([
    ["t", 0, 0, "a", "b", undefined],
    ["t", 0, 2, "1", "task"],
  ]);
  expect(await valuesOf(broker, "t")).toContain("a");
});

test("records are read with all they have, those of others too", () => {
  const one = record("v", { key: new Uint8Array([1]), timestampMs: 5, headers: [["h", new Uint8Array([2, 3])]] });
  server.kafka.append("t", 1, [one, record("w", { value: null })]);
  const [first, second] = server.kafka.read("t", 1, 0, { isolation: "committed" });
  expect(first).toMatchObject({ offset: 0, timestampMs: 5, headers: [["h", Buffer.from([2, 3])]] });
  expect([first?.key, String(first?.value), second?.key, second?.value]).toEqual([Buffer.from([1]), "v", null, null]);
});

test("the offsets of one partition are asked of its leader alone", async () => {
  const { kafka } = server;
  kafka.moveLeader("t", 0, 1);
  kafka.moveLeader("t", 1, 2);
  const asked: string[] = [];
  const network = {
    call: async <T>(name: string, serve: () => T) => {
      asked.push(name);
      return serve();
    },
    occurs: () => false,
    below: () => 0,
  };
  const client = new KafkaBroker({ brokers: kafka.addresses }, simulatedOutside(kafka, network, realOutside));
  expect(await client.offsetRange("t", 1)).toEqual({ low: 0, high: 0 });
  expect(asked.filter((name) => name === "ListOffsets")).toHaveLength(2);
  expect(await client.offsets("t")).toHaveLength(2);
  expect(asked.filter((name) => name === "ListOffsets")).toHaveLength(6);
});

test("a transaction that nobody ends is aborted when its time is over, and its writer fenced", async () => {
  let nowMs = 0;
  const later: (() => void)[] = [];
  const kafka = new SimulatedKafka({ now: () => nowMs, later: (_, work) => later.push(work) });
  kafka.createTopic("t", 1, { timestampAfterMsMax: Number.POSITIVE_INFINITY });
  let isCut = false;
  const network = {
    // From the end of the transaction on, nothing comes through any more.
    call: <T>(name: string, serve: () => T) => {
      isCut ||= name === "EndTxn";
      return isCut ? new Promise<T>(() => {}) : Promise.resolve().then(serve);
    },
    occurs: () => false,
    below: () => 0,
  };
  const outside = simulatedOutside(kafka, network, { now: () => nowMs, after: () => () => {} });
  void new KafkaBroker({ brokers: kafka.addresses }, outside).produceExactlyOnce([batch("t", 0, "a")], {
    transactionalId: "task",
    sequenceNumber: 1,
  });
  await expect.poll(() => isCut).toBe(true);
  expect([kafka.lastStableOffset("t", 0), kafka.endOffset("t", 0)]).toEqual([0, 1]);
  nowMs = 20_000;
  kafka.expireTransactions();
  expect(later).toHaveLength(0);
  nowMs = 20_001;
  kafka.expireTransactions();
  kafka.expireTransactions();
  expect(later).toHaveLength(1);
  while (later.length > 0) later.shift()?.();
  expect([kafka.lastStableOffset("t", 0), kafka.endOffset("t", 0)]).toEqual([2, 2]);
  expect(values(kafka.read("t", 0, 0, { isolation: "committed" }))).toEqual([]);
  expect(values(kafka.read("t", 0, 0, { isolation: "uncommitted" }))).toEqual(["a"]);
  expect(kafka.committedOffset("task", "t", 0)).toBe(undefined);
});
