/** The whole embedded word count, from text in memory to windows in a topic on disk, against the direct count it is verified with. */

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { DirectCount } from "../demo/direct-count.ts";
import { findFiles } from "../demo/find-files.ts";
import { lines as linesTopic, wordCounts } from "../functions/topics.ts";
import { loadApplication } from "../lib/local/application.ts";
import { startLocalRuntime } from "../lib/local/local-runtime.ts";
import { readTopic } from "../lib/local/read-topic.ts";
import { openWorkspace } from "../lib/local/workspace.ts";
import type { OutgoingRecord } from "../lib/wire/outgoing-record.ts";
import { measure, type Timing } from "./measure.ts";
import type { ProgressOf, Section } from "./section.ts";

const LINES = 100_000;
const ROUNDS = 5;
const STEP_MS = 3;
const PRODUCE_BATCH = 1_000;

/** Markdown from node_modules, repeated to 100,000 lines. CPU time, since the last window closes by waiting. */
export async function embeddedWordCount(progressOf: ProgressOf): Promise<Section> {
  const root = resolve(import.meta.dirname, "..");
  const text = findFiles(["node_modules"], root)
    .map((file) => readFileSync(file, "utf8"))
    .join("\n")
    .split("\n");
  const lines = Array.from({ length: LINES }, (_, i) => Buffer.from(text[i % text.length] as string));
  const baseMs = Math.floor((Date.now() - 86_400_000) / 5_000) * 5_000;
  let results = 0;
  let expected = 0;

  const timings = await measure(
    [
      {
        name: "direct count, no guarantees",
        records: LINES,
        run: () => {
          const count = new DirectCount();
          for (const [i, line] of lines.entries()) count.add(line, baseMs + i * STEP_MS);
          expected = count.results;
        },
      },
      {
        name: "embedded: lines to Kafka records, two functions, commits, results on disk, read back",
        records: LINES,
        run: async () => {
          results = await countEmbedded(root, lines, baseMs);
          if (results !== expected)
            throw new Error(`The embedded word count gave ${results} results instead of ${expected}.`);
        },
      },
    ],
    ROUNDS,
    progressOf("embedded word count"),
  );
  const [direct, embedded] = timings as [Timing, Timing];
  const row = ({ name, cpuUs, spread }: Timing) => ({
    what: name,
    figure: `${cpuUs.toFixed(2)} µs CPU a line ± ${(spread * 100).toFixed(0)} %`,
    value: cpuUs,
    unit: "µs CPU per line",
  });
  return {
    title: `word count of ${LINES.toLocaleString("en")} lines, ${expected.toLocaleString("en")} results`,
    rows: [row(direct), { ...row(embedded), ratio: direct.cpuUs / embedded.cpuUs, target: "≥ 0.3" }],
  };
}

async function countEmbedded(root: string, lines: readonly Buffer[], baseMs: number): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "millrace-bench-"));
  const application = await loadApplication(root);
  const counting = {
    ...application,
    operators: application.operators.filter(({ operatorName }) => operatorName === "count-words"),
    topology: {
      ...application.topology,
      functions: application.topology.functions.filter(({ operator }) => operator.operatorName === "count-words"),
    },
  };
  const workspace = await openWorkspace(application, { folder, exclusive: true });
  try {
    const partitions = linesTopic.partitions ?? 1;
    for (let from = 0; from < lines.length; from += PRODUCE_BATCH) {
      const batches = Array.from({ length: partitions }, (_, partition) => ({
        topic: "lines",
        partition,
        records: [] as OutgoingRecord[],
      }));
      for (let i = from; i < Math.min(lines.length, from + PRODUCE_BATCH); i++)
        batches[i % partitions]?.records.push({
          key: null,
          value: lines[i] as Buffer,
          timestampMs: baseMs + i * STEP_MS,
          headers: [],
        });
      await workspace.broker.produce(batches);
    }
    const runtime = await startLocalRuntime({ application: counting, workspace });
    await runtime.quiet();
    await runtime.stop();
    return (await readTopic(workspace.broker, wordCounts)).length;
  } finally {
    await workspace.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
