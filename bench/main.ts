/** `npm run bench`: prints the figures of bench/README.md, as ratios of what ran side by side. With `-- --services` those on Apache Kafka and DynamoDB Local. */

import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { hasCommit, runAgainst } from "./against.ts";
import { type Baseline, compare, keep } from "./baseline.ts";
import { bundle } from "./bundle.ts";
import { cost } from "./cost.ts";
import { countViews } from "./count-views.ts";
import { embeddedWordCount } from "./embedded-word-count.ts";
import { joinViews } from "./join-views.ts";
import { liveKeys } from "./live-keys.ts";
import { mapAsync } from "./map-async.ts";
import { nexmark } from "./nexmark/costs.ts";
import { matchViews } from "./pattern-views.ts";
import { readOptions } from "./peers/options.ts";
import { countByPeers } from "./peers/peers.ts";
import { describeComparison, describeSection, describeSideBySide } from "./report.ts";
import type { ProgressOf, Section } from "./section.ts";
import { commits } from "./services/commits.ts";
import { latency } from "./services/latency.ts";
import { once } from "./services/once.ts";
import { recovery } from "./services/recovery.ts";
import { restart } from "./services/restart.ts";
import { type Servers, startServers } from "./services/servers.ts";
import { shuffles } from "./services/shuffles.ts";
import { words } from "./services/words.ts";
import { sketches } from "./sketches.ts";
import { speedNow } from "./speed.ts";
import { stateSize } from "./state-size.ts";
import { timers } from "./timers.ts";
import { tricks } from "./tricks.ts";
import { windowKinds } from "./windows.ts";

const HELP = `Usage: npm run bench [-- options]

  --only <name>   count, windows, sketches, joins, patterns, async, words, state, live, timers, tricks, cost, bundle or nexmark (default: all of them)
  --queries <q5,…>  with --only nexmark: these alone
  --services      on Apache Kafka and DynamoDB Local, which it starts and ends (Java 17 and Maven);
                  with --only: commits, shuffles, once, latency, words, restart or recovery
  --compare       beside the figures what has changed since those that are kept in bench/baseline.json
  --save          keep these figures there
  --against <commit>  the same benchmarks at that commit too, in turn, as processes of their own
  --peers         the same count by Millrace, Apache Flink and Kafka Streams, on an Apache Kafka and a DynamoDB Local
                  that it starts (Java 17 and Maven)
  --records <n>   of --peers: how many records are counted (default: 1000000)
  --sides <ids>   of --peers: only these, separated by commas
  --rounds <n>    of --against and --peers (default: 3)
  --json          one JSON document on standard output, nothing else there
  --help          this text

Examples: npm run bench -- --only count
          npm run bench -- --services
          npm run bench -- --peers --records 4000000
          npm run bench -- --only joins --compare
          npm run bench -- --only count --against HEAD~1
`;

/** Ended by Ctrl-C: 128 and the number of SIGINT. */
const EXIT_INTERRUPTED = 130;

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    queries: { type: "string" },
    services: { type: "boolean", default: false },
    peers: { type: "boolean", default: false },
    records: { type: "string" },
    sides: { type: "string" },
    compare: { type: "boolean", default: false },
    save: { type: "boolean", default: false },
    against: { type: "string" },
    rounds: { type: "string", default: "3" },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

const BASELINE = join(import.meta.dirname, "baseline.json");

const stopped = new AbortController();

/** Every measurement says how far it is, so that this is also where Ctrl-C ends it. */
const progressOf: ProgressOf = (title) => (done, of) => {
  if (process.stderr.isTTY)
    process.stderr.write(done >= of ? "\r\x1b[K" : `\r\x1b[K${title}: ${Math.floor((100 * done) / of)} %`);
  if (done < of) stopped.signal.throwIfAborted();
};

type Benchmarks = Readonly<Record<string, () => Promise<readonly Section[]>>>;

const here: Benchmarks = {
  count: () => countViews(progressOf),
  windows: async () => [await windowKinds(progressOf)],
  sketches: async () => [await sketches(progressOf)],
  joins: async () => [await joinViews(progressOf)],
  async: async () => [await mapAsync(progressOf)],
  patterns: async () => [await matchViews(progressOf)],
  words: async () => [await embeddedWordCount(progressOf)],
  state: async () => [await stateSize(progressOf)],
  live: async () => [await liveKeys(progressOf)],
  timers: async () => [await timers(progressOf)],
  tricks: async () => [await tricks(progressOf)],
  cost: async () => [await cost(progressOf)],
  bundle: () => bundle(progressOf),
  nexmark: async () => [await nexmark(progressOf, values.queries?.split(","))],
};

const onServices = (servers: Servers): Benchmarks => ({
  commits: async () => [await commits(servers, progressOf)],
  shuffles: async () => [await shuffles(servers, progressOf)],
  once: async () => [await once(servers, progressOf)],
  latency: async () => [await latency(servers, progressOf)],
  words: async () => [await words(servers, progressOf)],
  restart: async () => [await restart(servers, progressOf)],
  recovery: async () => [await recovery(progressOf, stopped.signal)],
});

process.exitCode = await main();
// Whoever is done waits for nobody: what was started has ended, and a client of a dead server may never do.
if (values.services || values.peers) process.exit();

async function main(): Promise<number> {
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, stop);
  try {
    if (values.against !== undefined) return await runBoth(values.against);
    if (values.peers) return await runPeers();
    return await (values.services ? runOnServices(onServices) : run(here));
  } catch (error) {
    if (!stopped.signal.aborted) throw error;
    process.stderr.write("Stopped.\n");
    return EXIT_INTERRUPTED;
  }
}

/** The second time at once; what was started is killed on the way out. */
function stop(): void {
  if (stopped.signal.aborted) process.exit(EXIT_INTERRUPTED);
  stopped.abort(new Error("Stopped."));
}

async function runBoth(commit: string): Promise<number> {
  const rounds = Number(values.rounds);
  if (!Number.isSafeInteger(rounds) || rounds < 1) {
    process.stderr.write(`--rounds is a whole number from 1, not "${values.rounds}".\n`);
    return 2;
  }
  if (!hasCommit(commit)) {
    process.stderr.write(`There is no commit "${commit}" here.\n`);
    return 2;
  }
  const args = [
    ...(values.services ? ["--services"] : []),
    ...(values.only === undefined ? [] : ["--only", values.only]),
    ...(values.queries === undefined ? [] : ["--queries", values.queries]),
  ];
  const progress = progressOf(`${commit} and here`);
  const rows = await runAgainst({ commit, args, rounds, progress, signal: stopped.signal });
  say(values.json ? `${JSON.stringify({ commit, rows })}\n` : describeSideBySide(rows, commit));
  return 0;
}

async function runPeers(): Promise<number> {
  const options = readOptions(values);
  if (typeof options !== "string")
    return runOnServices((servers) => ({ peers: () => countByPeers(servers, progressOf, options) }));
  process.stderr.write(`${options}\n`);
  return 2;
}

async function runOnServices(benchmarksOn: (servers: Servers) => Benchmarks): Promise<number> {
  const servers = await startServers();
  try {
    return await run(benchmarksOn(servers));
  } finally {
    await servers.stop();
  }
}

async function run(benchmarks: Benchmarks): Promise<number> {
  const names = values.only === undefined ? Object.keys(benchmarks) : [values.only];
  const unknown = names.find((name) => benchmarks[name] === undefined);
  if (unknown !== undefined) {
    process.stderr.write(`There is no benchmark "${unknown}"; there are ${Object.keys(benchmarks).join(", ")}.\n`);
    return 2;
  }
  const machine = {
    cpu: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
    load: Number(loadavg()[0]?.toFixed(1)),
  };
  if (!values.json)
    say(`${machine.cpu}, ${machine.cores} cores, Node ${machine.node}, ${machine.platform}, load ${machine.load}\n`);
  const isKept = values.compare || values.save;
  const loopUs = isKept ? await speedNow(progressOf("straight loop")) : undefined;
  const sections: Section[] = [];
  for (const name of names) {
    for (const section of (await benchmarks[name]?.()) ?? []) {
      sections.push(section);
      if (!values.json) say(describeSection(section));
    }
  }
  const comparisons = values.compare ? compare(readBaseline(), sections, loopUs as number) : [];
  if (!values.json) for (const comparison of comparisons) say(describeComparison(comparison));
  if (values.json) say(`${JSON.stringify({ machine, sections, ...(values.compare && { comparisons }) })}\n`);
  if (values.save)
    writeBaseline(
      keep(readBaseline(), machine, sections, {
        commit: commitHere(),
        date: new Date().toISOString().slice(0, 10),
        loopUs: loopUs as number,
      }),
    );
  return 0;
}

function readBaseline(): Baseline | undefined {
  return existsSync(BASELINE) ? (JSON.parse(readFileSync(BASELINE, "utf8")) as Baseline) : undefined;
}

function writeBaseline(baseline: Baseline): void {
  writeFileSync(BASELINE, `${JSON.stringify(baseline, undefined, 2)}\n`);
}

function commitHere(): string {
  return execFileSync("git", ["rev-parse", "--short", "HEAD"], { cwd: import.meta.dirname, encoding: "utf8" }).trim();
}

function say(text: string): void {
  process.stdout.write(text);
}
