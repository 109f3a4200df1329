/** `npm run bench`: prints the figures of the README, as ratios of what ran side by side. */

import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { countViews } from "./count-views.ts";
import { embeddedWordCount } from "./embedded-word-count.ts";
import type { ProgressOf, Section } from "./section.ts";
import { stateSize } from "./state-size.ts";
import { tricks } from "./tricks.ts";

const HELP = `Usage: npm run bench [-- options]

  --only <name>   count, words, state or tricks (default: all of them)
  --json          one JSON document on standard output, nothing else there
  --help          this text

Example: npm run bench -- --only count
`;

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

const progressOf: ProgressOf = (title) => (done, of) => {
  if (process.stderr.isTTY)
    process.stderr.write(done >= of ? "\r\x1b[K" : `\r\x1b[K${title}: ${Math.floor((100 * done) / of)} %`);
};

const benchmarks: Record<string, () => Promise<readonly Section[]>> = {
  count: () => countViews(progressOf),
  words: async () => [await embeddedWordCount(progressOf)],
  state: async () => [await stateSize(progressOf)],
  tricks: async () => [await tricks(progressOf)],
};

process.exitCode = await main();

async function main(): Promise<number> {
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
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
    return `  ${what.padEnd(width)}  ${figure}${beside}${target === undefined ? "" : `  (target ${target} ×)`}`;
  });
  return `\n${title}\n${lines.join("\n")}\n`;
}
