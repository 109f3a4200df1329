/** Words a second through Kafka and DynamoDB, from lines in a topic to the last window in another, beside a plain consumer and producer without any guarantee. */

import type { Buffer } from "node:buffer";
import { setTimeout as sleep } from "node:timers/promises";
import { compareWindows, describeDifference } from "../../demo/compare-windows.ts";
import { DirectCount } from "../../demo/direct-count.ts";
import { ResultReader } from "../../demo/result-reader.ts";
import { KafkaBroker } from "../../lib/kafka/kafka-broker.ts";
import { quantile } from "../measure.ts";
import type { ProgressOf, Row, Section } from "../section.ts";
import { startModule } from "./child.ts";
import { cpuSecondsOfServers } from "./cpu-of-servers.ts";
import type { Servers } from "./servers.ts";
import {
  BATCH_LINES,
  countingApplication,
  LINES_TOPIC,
  PARTITIONS,
  readText,
  resultsOf,
  timeOf,
  writeLines,
} from "./words-input.ts";
import type { Taken } from "./words-side.ts";

const LINES = 400_000;
/** The two take turns. */
const ROUNDS = 3;
const LOOK_MS = 20;
/** Nothing takes so long. */
const ROUND_MS_MAX = 300_000;

const SIDES = ["millrace", "plain"] as const;
type SideName = (typeof SIDES)[number];

type Run = Taken & { readonly wallSeconds: number; readonly serverCpuSeconds: number | undefined };

export async function words(servers: Servers, progressOf: ProgressOf): Promise<Section> {
  const progress = progressOf("words");
  const broker = new KafkaBroker({ brokers: [servers.kafka] });
  try {
    const texts = readText(LINES);
    const direct = new DirectCount();
    for (const [i, line] of texts.entries()) direct.add(line, timeOf(i));
    await broker.ensureTopics([
      { name: LINES_TOPIC, partitions: PARTITIONS, compacted: false, retentionMs: undefined },
    ]);
    await writeLines(broker, texts, (done) => progress(done / LINES, 1 + 2 * ROUNDS));
    const runs: Record<SideName, Run[]> = { millrace: [], plain: [] };
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const [i, side] of SIDES.entries()) {
        const show = (share: number) => progress(1 + 2 * round + i + share, 1 + 2 * ROUNDS);
        runs[side].push(await count({ side, round: `${side}-${round}`, servers, broker, direct, texts, show }));
      }
    }
    return { title: titleOf(direct), rows: toRows(runs, direct.words) };
  } finally {
    progress(1, 1);
    await broker.close();
  }
}

type CountOptions = {
  readonly side: SideName;
  readonly round: string;
  readonly servers: Servers;
  readonly broker: KafkaBroker;
  readonly direct: DirectCount;
  readonly texts: readonly Buffer[];
  readonly show: (share: number) => void;
};

async function count({ side, round, servers, broker, direct, texts, show }: CountOptions): Promise<Run> {
  const results = resultsOf(round);
  await broker.ensureTopics(countingApplication(round).topology.topics);
  const module =
    side === "millrace"
      ? new URL("./words-millrace.ts", import.meta.url)
      : new URL("./words-plain.ts", import.meta.url);
  const child = startModule(module, [servers.kafka, servers.dynamodb, round, String(batchBytesOf(texts))]);
  try {
    await child.line();
    let ended: { readonly error: unknown } | undefined;
    const said = child.line();
    said.catch((error: unknown) => {
      ended = { error };
    });
    const serversBefore = cpuSecondsOfServers();
    const startMs = performance.now();
    child.tell("begin");
    for (;;) {
      const ranges = await broker.offsets(results.topicName);
      const there = ranges.reduce((sum, { high }) => sum + high, 0);
      show(Math.min(0.99, there / direct.results));
      if (there >= direct.results) break;
      if (ended !== undefined) throw ended.error;
      if (performance.now() - startMs > ROUND_MS_MAX)
        throw new Error(`${round}: ${there} of ${direct.results} results.`);
      await sleep(LOOK_MS);
    }
    const wallSeconds = (performance.now() - startMs) / 1_000;
    const serversAfter = cpuSecondsOfServers();
    child.tell("end");
    const taken = JSON.parse(await said) as Taken;
    await expectRight(broker, results, direct);
    const serverCpuSeconds =
      serversBefore === undefined || serversAfter === undefined ? undefined : serversAfter - serversBefore;
    return { ...taken, wallSeconds, serverCpuSeconds };
  } finally {
    await child.kill();
  }
}

/** So that a fetch gives the plain consumer one batch of lines of a partition, and never two. */
function batchBytesOf(texts: readonly Buffer[]): number {
  const perLine = texts.reduce((sum, { length }) => sum + length, 0) / texts.length;
  return Math.round(perLine * BATCH_LINES * 1.5);
}

async function expectRight(broker: KafkaBroker, results: ReturnType<typeof resultsOf>, direct: DirectCount) {
  const reader = new ResultReader(broker, results);
  await reader.readOn();
  const [difference] = [...compareWindows(direct.windows, reader.windows), ...reader.contradictions];
  if (difference !== undefined) throw new Error(`${results.topicName} is wrong: ${describeDifference(difference)}`);
}

function titleOf(direct: DirectCount): string {
  const [lineCount, wordCount, results] = [direct.lines, direct.words, direct.results].map((n) =>
    n.toLocaleString("en"),
  );
  return `words of ${lineCount} lines (${wordCount} words, ${results} results), Kafka and DynamoDB, ${PARTITIONS} partitions, batches of ${BATCH_LINES.toLocaleString("en")} lines`;
}

function toRows(runs: Record<SideName, readonly Run[]>, wordCount: number): Row[] {
  const median = (side: SideName, of: (run: Run) => number) =>
    quantile(
      runs[side].map(of).sort((a, b) => a - b),
      0.5,
    );
  const rate = (side: SideName) => wordCount / median(side, ({ wallSeconds }) => wallSeconds);
  const row = (what: string, side: SideName): Row => {
    const seconds = (of: (run: Run) => number) => `${median(side, of).toFixed(1)} s`;
    const ofServers = runs[side].some(({ serverCpuSeconds }) => serverCpuSeconds === undefined)
      ? ""
      : `, of the servers ${seconds(({ serverCpuSeconds }) => serverCpuSeconds as number)}`;
    return {
      what,
      figure: `${Math.round(rate(side)).toLocaleString("en")} words/s (${seconds(({ wallSeconds }) => wallSeconds)}; CPU of the process ${seconds(({ cpuSeconds }) => cpuSeconds)}${ofServers})`,
      value: rate(side),
      unit: "words per second",
    };
  };
  return [
    row("kafkajs consumer, Map, kafkajs producer, no guarantee", "plain"),
    {
      ...row("an operator with the local runtime", "millrace"),
      ratio: rate("millrace") / rate("plain"),
      target: "≥ 0.7",
    },
  ];
}
