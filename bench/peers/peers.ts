/** The same windowed count by Millrace, Apache Flink and Kafka Streams: one broker, one input, every result checked, in rounds in which all take turns. */

import { setTimeout as sleep } from "node:timers/promises";
import { KafkaBroker } from "../../lib/kafka/kafka-broker.ts";
import type { ProgressOf, Section } from "../section.ts";
import { cpuSecondsOfServers } from "../services/cpu-of-servers.ts";
import type { Servers } from "../services/servers.ts";
import { BY_HAND, countByHand } from "./count-by-hand.ts";
import { Results } from "./read-results.ts";
import { describeRun, median, type Run, toRows } from "./rows.ts";
import type { Taken } from "./side-process.ts";
import { SIDES, type Side } from "./sides.ts";
import { countingApplication, PARTITIONS, resultsOf, USERS, VIEWS_TOPIC, writeViews } from "./views.ts";

const LOOK_MS = 100;
/** Nothing takes so long. */
const RUN_MS_MAX = 900_000;

export type PeersOptions = {
  /** Views to count; default 1,000,000. */
  readonly records?: number;
  /** How often each side counts them; default 3. */
  readonly rounds?: number;
  /** Ids of the sides that take part; default: all but the extra ones. */
  readonly sides?: readonly string[];
};

/** Counts views with every side, in turn. */
export async function countByPeers(
  servers: Servers,
  progressOf: ProgressOf,
  { records = 1_000_000, rounds = 3, sides: wanted }: PeersOptions,
): Promise<readonly Section[]> {
  const progress = progressOf("peers");
  const sides = SIDES.filter(({ id, isExtra }) => (wanted === undefined ? isExtra !== true : wanted.includes(id)));
  const runs = new Map(sides.map((side): [Side, Run[]] => [side, []]));
  const broker = new KafkaBroker({ brokers: [servers.kafka] });
  const steps = 1 + rounds * sides.length;
  try {
    await broker.ensureTopics([
      { name: VIEWS_TOPIC, partitions: PARTITIONS, compacted: false, retentionMs: undefined },
    ]);
    const expected = await writeViews(broker, records, (done) => progress(done / records, steps));
    for (let round = 0; round < rounds; round += 1) {
      for (let i = 0; i < sides.length; i += 1) {
        const step = 1 + round * sides.length + i;
        const show = (share: number) => progress(step + share, steps);
        // None is always first, behind whom the machine is still busy.
        const turn = sides[(i + round) % sides.length] as Side;
        const run = await count(turn, `${turn.id}-${round}`, { servers, broker, expected, records, show });
        runs.get(turn)?.push(run);
        // A round takes minutes: what is there is seen, and is not lost where the next one fails.
        process.stderr.write(`${turn.id}, round ${round + 1}: ${describeRun(run, records)}\n`);
      }
    }
    const section = { title: titleOf(records, rounds, expected.size), rows: toRows(runs, records) };
    if (wanted !== undefined && !wanted.includes(BY_HAND)) return [section];
    const [, millrace] = [...runs].find(([{ id }]) => id === "millrace") ?? [];
    const rate = millrace && records / median(millrace.map(({ wallSeconds }) => wallSeconds));
    return [section, await countByHand(servers, broker, rate, progressOf)];
  } finally {
    progress(1, 1);
    await broker.close();
  }
}

type CountOptions = {
  readonly servers: Servers;
  readonly broker: KafkaBroker;
  readonly expected: ReadonlyMap<string, number>;
  readonly records: number;
  readonly show: (share: number) => void;
};

async function count(
  side: Side,
  round: string,
  { servers, broker, expected, records, show }: CountOptions,
): Promise<Run> {
  await broker.ensureTopics(countingApplication(round).topology.topics);
  const serversBefore = cpuSecondsOfServers();
  const child = await side.start(servers, round, records);
  let taken: Taken;
  let wallSeconds: number;
  const results = new Results(broker, resultsOf(round).topicName, side.promised, expected);
  try {
    await child.line();
    let ended: { readonly error: unknown } | undefined;
    const said = child.line();
    said.catch((error: unknown) => {
      ended = { error };
    });
    const startMs = performance.now();
    child.tell("begin");
    for (;;) {
      await results.readOn();
      show(Math.min(0.99, results.share));
      if (results.share === 1) break;
      if (ended !== undefined) throw ended.error;
      if (performance.now() - startMs > RUN_MS_MAX)
        throw new Error(`${round}: ${Math.floor(results.share * 100)} % of the results after ${RUN_MS_MAX / 1_000} s.`);
      await sleep(LOOK_MS);
    }
    wallSeconds = (performance.now() - startMs) / 1_000;
    child.tell("end");
    taken = JSON.parse(await said) as Taken;
    await child.ending();
    await results.readOn();
  } finally {
    await child.kill();
  }
  const serversAfter = cpuSecondsOfServers();
  const serverCpuSeconds =
    serversBefore === undefined || serversAfter === undefined ? undefined : serversAfter - serversBefore;
  return { ...taken, wallSeconds, serverCpuSeconds, results: results.records };
}

function titleOf(records: number, rounds: number, results: number): string {
  const [views, windows] = [records, results].map((n) => n.toLocaleString("en"));
  return `windowed count of ${views} JSON values of 150 bytes, ${USERS.toLocaleString("en")} users, Kafka to Kafka, ${PARTITIONS} partitions, ${windows} results, ${rounds} rounds`;
}
