/**
 * What a shuffle costs whose elements cannot be aggregated before it: all of them cross it. In turns, batch by batch: sent ahead of their commit, as they are, and through the state log,
 * as what is small goes.
 */

import { createHash } from "node:crypto";
import { boundedOutOfOrderness, json, type Operator, operator, seconds, stream, topic, tumbling } from "millrace";
import { COMMIT_LIMITS } from "../../lib/runtime/commit-limits.ts";
import type { OutgoingRecord } from "../../lib/wire/outgoing-record.ts";
import { quantile } from "../measure.ts";
import type { ProgressOf, Row, Section } from "../section.ts";
import { type Environment, type Invocation, openEnvironment } from "./environment.ts";
import type { Servers } from "./servers.ts";

const KEYS = 300;
const BATCH = 1_000;
const BATCHES = 300;
/** Batches of each way that are not measured. */
const WARM_UP = 60;

const WAYS = {
  ahead: { what: "sent ahead of their commit", aheadBytesMin: COMMIT_LIMITS.aheadBytesMin },
  log: { what: "through the state log", aheadBytesMin: Number.POSITIVE_INFINITY },
} as const;
type Way = keyof typeof WAYS;

type Log = { readonly id: number; readonly user: string; readonly note: string };

/** Record `i`: 150 bytes of JSON, most of which no compression makes shorter, as of logs with ids and tokens in them. 20,000 a second. */
function logRecord(i: number): OutgoingRecord {
  const user = `user-${(Math.imul(i, 0x9e3779b1) >>> 0) % KEYS}`;
  const value = { id: i, user, note: "" };
  const missing = 150 - JSON.stringify(value).length;
  const note = createHash("shake256", { outputLength: 128 }).update(`${i}`).digest("base64").slice(0, missing);
  const timestampMs = 1_700_000_000_000 + Math.floor(i / 20);
  return { key: null, value: Buffer.from(JSON.stringify({ ...value, note })), timestampMs, headers: [] };
}

/** One batch through both functions. */
type Measured = {
  readonly reading: Invocation;
  readonly counting: Invocation;
  readonly units: number;
  readonly unitsOfReading: number;
  readonly cpuUs: number;
};

/** A count that is not one of those that can be merged. */
function countEach(way: Way): { readonly handler: Operator; readonly from: string; readonly shuffle: string } {
  const from = `views-${way}`;
  const views = topic(from, { value: json<Log>(), watermark: boundedOutOfOrderness(seconds(1)), partitions: 1 });
  const counts = topic(`counts-${way}`, { value: json<number>(), partitions: 1 });
  const handler = operator(
    `count-${way}`,
    stream(views)
      .keyBy(({ user }) => user)
      .window(tumbling(seconds(5)))
      .aggregate((on) => on.custom({ create: () => 0, add: (count: number) => count + 1, result: (count) => count }))
      .to(counts.from(({ value }) => value)),
  );
  return { handler, from, shuffle: `count-${way}--by-key` };
}

export async function shuffles(servers: Servers, progressOf: ProgressOf): Promise<Section> {
  const progress = progressOf("shuffles");
  const ways = Object.keys(WAYS) as Way[];
  const opened: Environment[] = [];
  const all = new Map<Way, Measured[]>(ways.map((way) => [way, []]));
  try {
    const runs = [];
    for (const way of ways) {
      const { handler, from, shuffle } = countEach(way);
      const commitLimits = { ...COMMIT_LIMITS, aheadBytesMin: WAYS[way].aheadBytesMin };
      const environment = await openEnvironment(servers, `shuffle-${way}`, [handler], { commitLimits });
      opened.push(environment);
      runs.push({ way, handler, from, shuffle, environment });
    }
    for (let i = 0; i < BATCHES; i += 1) {
      progress(i, BATCHES);
      for (const { way, handler, from, shuffle, environment } of i % 2 === 0 ? runs : runs.toReversed()) {
        const { broker, log } = environment;
        const records = Array.from({ length: BATCH }, (_, r) => logRecord(i * BATCH + r));
        await broker.produce([{ topic: from, partition: 0, records }]);
        const input = await environment.newEvent(from);
        const { write: before } = log.units;
        const cpu = process.cpuUsage();
        const reading = await environment.invoke(handler, input);
        const { user, system } = process.cpuUsage(cpu);
        const { write: between } = log.units;
        const crossed = await environment.newEvent(shuffle);
        const cpuOfCounting = process.cpuUsage();
        const counting = await environment.invoke(handler, crossed);
        const spent = process.cpuUsage(cpuOfCounting);
        all.get(way)?.push({
          reading,
          counting,
          units: log.units.write - before,
          unitsOfReading: between - before,
          cpuUs: user + system + spent.user + spent.system,
        });
      }
    }
  } finally {
    progress(1, 1);
    for (const environment of opened) await environment.close();
  }
  const measured = new Map(ways.map((way) => [way, all.get(way)?.slice(WARM_UP) as Measured[]]));
  return {
    title: `batches of ${BATCH.toLocaleString("en")} records of 150 bytes that all cross a shuffle, Kafka and DynamoDB, one invocation after the other`,
    rows: ways.flatMap((way) => toRows(way, measured)),
  };
}

function toRows(way: Way, measured: ReadonlyMap<Way, readonly Measured[]>): Row[] {
  const { what } = WAYS[way];
  const sumOf = (one: Way, of: (batch: Measured) => number) =>
    (measured.get(one) as readonly Measured[]).reduce((sum, batch) => sum + of(batch), 0);
  const records = (measured.get(way) as readonly Measured[]).length * BATCH;
  const perRecord = (unit: string, of: (batch: Measured) => number, target?: string): Row => {
    const value = sumOf(way, of) / records;
    const beside = way === "log" ? { ratio: sumOf("log", of) / sumOf("ahead", of) } : {};
    return {
      what: `${what}: ${unit}`,
      figure: `${value.toPrecision(3)} a record`,
      value,
      unit: `${unit} per record`,
      ...beside,
      ...(target !== undefined && way === "ahead" && { target }),
    };
  };
  const sorted = (of: (batch: Measured) => number) =>
    (measured.get(way) as readonly Measured[]).map(of).toSorted((a, b) => a - b);
  const time = (part: string, of: (batch: Measured) => number): Row => {
    const p50 = quantile(sorted(of), 0.5);
    const figure = `p50 ${p50.toFixed(1)} ms, p99 ${quantile(sorted(of), 0.99).toFixed(1)} ms`;
    return { what: `${what}: ${part}`, figure, value: p50, unit: "ms" };
  };
  return [
    perRecord("write units", ({ units }) => units, "≤ 0.01"),
    perRecord("write units of the function that reads the topic", ({ unitsOfReading }) => unitsOfReading),
    perRecord("bytes of its commits", ({ reading }) => reading.entryBytes),
    perRecord("µs of CPU of both, clients included", ({ cpuUs }) => cpuUs),
    time("the function that reads, an invocation", ({ reading }) => reading.ms),
    time("… of that sending to Kafka", ({ reading }) => reading.waits.get("produce") ?? 0),
    time("… of that the append to the log", ({ reading }) => reading.waits.get("putEntry") ?? 0),
    time("the function that counts, an invocation", ({ counting }) => counting.ms),
  ];
}
