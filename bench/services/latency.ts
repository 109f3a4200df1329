/** From Kafka to Kafka at a thousand records a second: the time from sending a record until its result can be read. */

import { setTimeout as sleep } from "node:timers/promises";
import { KafkaBroker } from "../../lib/kafka/kafka-broker.ts";
import { valueBytesAt } from "../../lib/wire/record-columns.ts";
import { quantile } from "../measure.ts";
import type { ProgressOf, Row, Section } from "../section.ts";
import { startModule } from "./child.ts";
import { inputOf, latencyApplication, outputOf, PIPELINES, type PipelineName, type Sent } from "./latency-pipelines.ts";
import type { Servers } from "./servers.ts";

const PER_SECOND = 1_000;
const SEND_EVERY_MS = 5;
const SECONDS = 8;
/** Not counted: what is hot is compiled meanwhile. */
const WARM_UP_SECONDS = 3;
const ROUNDS = 3;
const KEYS = 300;
/** How often the results are looked for, in ms: it is in every figure. */
const LOOK_MS = 1;
const DRAIN_MS_MAX = 20_000;
const NOTE = "x".repeat(70);

/** What stands between sending and reading: nothing, or a pipeline. */
type Way = "servers" | PipelineName;
const WAYS: readonly Way[] = ["servers", ...PIPELINES];

const WHAT: Readonly<Record<Way, string>> = {
  servers: "nothing between: a record sent, acknowledged and read, the servers' own share",
  plain: "kafkajs consumer and producer, no guarantee",
  map: "one function, no state",
  count: "one function, a count per key, committed",
  "count-once": "the same into an exactlyOnce topic",
  "count-shuffled": "two functions, by another key through a shuffle",
};
const TARGETS: Partial<Record<Way, string>> = { "count-shuffled": "p50 ≤ 30 ms, p99 ≤ 150 ms" };

export async function latency(servers: Servers, progressOf: ProgressOf): Promise<Section> {
  const progress = progressOf("latency");
  const broker = new KafkaBroker({ brokers: [servers.kafka] });
  try {
    const times = new Map<Way, number[]>(WAYS.map((way) => [way, []]));
    const total = WAYS.length * ROUNDS;
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const [i, way] of WAYS.entries()) {
        progress(round * WAYS.length + i, total);
        times.get(way)?.push(...(await measureWay(way, round, servers, broker)));
      }
    }
    progress(total, total);
    return {
      title: `from sending to reading the result, ${PER_SECOND.toLocaleString("en")} records a second, one partition, no batching window`,
      rows: WAYS.map((way) => toRow(way, times)),
    };
  } finally {
    progress(1, 1);
    await broker.close();
  }
}

async function measureWay(way: Way, round: number, servers: Servers, broker: KafkaBroker): Promise<number[]> {
  // Nothing between: what is sent is what is read.
  if (way === "servers") {
    const { topicName } = outputOf("plain", ROUNDS + round);
    await broker.ensureTopics([{ name: topicName, partitions: 1, compacted: false, retentionMs: undefined }]);
    return sendAndRead(broker, topicName, topicName);
  }
  const { topics } = latencyApplication(way, round).topology;
  await broker.ensureTopics(topics);
  const module =
    way === "plain"
      ? new URL("./latency-plain.ts", import.meta.url)
      : new URL("./latency-millrace.ts", import.meta.url);
  const child = startModule(module, [servers.kafka, servers.dynamodb, `${way}:${round}`]);
  try {
    await child.line();
    child.tell("begin");
    return await sendAndRead(broker, inputOf(way, round).topicName, outputOf(way, round).topicName);
  } finally {
    await child.kill();
  }
}

/** Milliseconds of each record after the warm-up. @throws where a result is missing. */
async function sendAndRead(broker: KafkaBroker, input: string, output: string): Promise<number[]> {
  const count = PER_SECOND * SECONDS;
  const times: number[] = [];
  const sending = send(broker, input, count);
  const startMs = performance.now();
  const endMs = startMs + SECONDS * 1_000 + DRAIN_MS_MAX;
  let read = 0;
  for (let at = 0; read < count; ) {
    const { records, nextOffset } = await broker.fetch(output, 0, at, { bytesMax: 2 ** 24, recordsMax: 100_000 });
    const nowMs = performance.now();
    at = nextOffset;
    for (let i = 0; i < records.count; i += 1) {
      const { sentMs } = JSON.parse(Buffer.from(valueBytesAt(records, i) as Uint8Array).toString()) as Sent;
      if (sentMs > startMs + WARM_UP_SECONDS * 1_000) times.push(nowMs - sentMs);
    }
    read += records.count;
    if (nowMs > endMs) throw new Error(`${output} has ${read} results instead of ${count}.`);
    if (records.count === 0) await sleep(LOOK_MS);
  }
  await sending;
  return times;
}

/** A few records at a time, at the given rate whatever happens to those before. */
async function send(broker: KafkaBroker, topic: string, count: number): Promise<void> {
  const perTurn = (PER_SECOND * SEND_EVERY_MS) / 1_000;
  const startMs = performance.now();
  const sent: Promise<unknown>[] = [];
  for (let id = 0; id < count; id += perTurn) {
    const waitMs = startMs + (id * 1_000) / PER_SECOND - performance.now();
    if (waitMs > 0) await sleep(waitMs);
    const records = Array.from({ length: perTurn }, (_, i) => {
      const user = `user-${(id + i) % KEYS}`;
      const value: Sent = { id: id + i, user, sentMs: performance.now(), note: NOTE };
      const bytes = Buffer.from(JSON.stringify(value));
      return { key: Buffer.from(user), value: bytes, timestampMs: Date.now(), headers: [] };
    });
    sent.push(broker.produce([{ topic, partition: 0, records }]));
  }
  await Promise.all(sent);
}

function toRow(way: Way, times: ReadonlyMap<Way, readonly number[]>): Row {
  const inOrder = (of: Way) => (times.get(of) as readonly number[]).toSorted((a, b) => a - b);
  const p50 = quantile(inOrder(way), 0.5);
  const target = TARGETS[way];
  return {
    what: WHAT[way],
    figure: `p50 ${p50.toFixed(1)} ms, p99 ${quantile(inOrder(way), 0.99).toFixed(1)} ms`,
    value: p50,
    unit: "ms",
    ...(way !== "servers" && way !== "plain" && { ratio: p50 / quantile(inOrder("plain"), 0.5) }),
    ...(target !== undefined && { target }),
  };
}
