/** `npm run bench`: prints the figures of bench/README.md, as ratios of what ran side by side. With `-- --services` those on Apache Kafka and DynamoDB Local. */

import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { bundle } from "./bundle.ts";
import { countViews } from "./count-views.ts";
import { embeddedWordCount } from "./embedded-word-count.ts";
import { joinViews } from "./join-views.ts";
import { liveKeys } from "./live-keys.ts";
import { mapAsync } from "./map-async.ts";
import { matchViews } from "./pattern-views.ts";
import type { ProgressOf, Section } from "./section.ts";
import { commits } from "./services/commits.ts";
import { once } from "./services/once.ts";
import { recovery } from "./services/recovery.ts";
import { restart } from "./services/restart.ts";
import { startServers } from "./services/servers.ts";
import { words } from "./services/words.ts";
import { sketches } from "./sketches.ts";
import { stateSize } from "./state-size.ts";
import { timers } from "./timers.ts";
import { tricks } from "./tricks.ts";
import { windowKinds } from "./windows.ts";

const HELP = `Usage: npm run bench [-- options]

  --only <name>   count, windows, sketches, joins, patterns, async, words, state, live, timers, tricks or bundle (default: all of them)
  --services      on Apache Kafka and DynamoDB Local, which it starts and ends (Java 17 and Maven);
                  with --only: commits, once, words, restart or recovery
  --json          one JSON document on standard output, nothing else there
  --help          this text

Examples: npm run bench -- --only count
          npm run bench -- --services
`;

/** Ended by Ctrl-C: 128 and the number of SIGINT. */
const EXIT_INTERRUPTED = 130;

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    services: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

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
  bundle: () => bundle(progressOf),
};

process.exitCode = await main();
// Whoever is done waits for nobody: what was started has ended, and a client of a dead server may never do.
if (values.services) process.exit();

async function main(): Promise<number> {
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  return values.services ? runOnServices() : run(here);
}

async function runOnServices(): Promise<number> {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.on(signal, () => {
      // The second time at once; what was started is killed on the way out.
      if (stopped.signal.aborted) process.exit(EXIT_INTERRUPTED);
      stopped.abort(new Error(signal));
    });
  const servers = await startServers();
  try {
    return await run({
      commits: async () => [await commits(servers, progressOf)],
      once: async () => [await once(servers, progressOf)],
      words: async () => [await words(servers, progressOf)],
      restart: async () => [await restart(servers, progressOf)],
      recovery: async () => [await recovery(progressOf, stopped.signal)],
    });
  } catch (error) {
    if (!stopped.signal.aborted) throw error;
    process.stderr.write("Stopped.\n");
    return EXIT_INTERRUPTED;
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
  };
  if (!values.json)
    process.stdout.write(`${machine.cpu}, ${machine.cores} cores, Node ${machine.node}, ${machine.platform}\n`);
  const sections: Section[] = [];
  for (const name of names) {
    for (const section of (await benchmarks[name]?.()) ?? []) {
      sections.push(section);
      if (!values.json) process.stdout.write(toTable(section));
    }
  }
  if (values.json) process.stdout.write(`${JSON.stringify({ machine, sections })}\n`);
  return 0;
}

function toTable({ title, rows }: Section): string {
  const width = Math.max(...rows.map(({ what }) => what.length));
  const lines = rows.map(({ what, figure, ratio, target }) => {
    const beside = ratio === undefined ? "" : `  ${ratio.toFixed(2)} ×`;
    const wanted = target === undefined ? "" : `  (target ${target}${ratio === undefined ? "" : " ×"})`;
    return `  ${what.padEnd(width)}  ${figure}${beside}${wanted}`;
  });
  return `\n${title}\n${lines.join("\n")}\n`;
}
