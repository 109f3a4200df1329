/** A whole run of an example: writes its input, lets its operators process it, and compares all their results with a direct computation. */

import { rmSync } from "node:fs";
import { join } from "node:path";
import { MillraceError } from "millrace";
import { countDeadLetters } from "../demo/count-dead-letters.ts";
import type { Screen } from "../demo/screen.ts";
import { formatPlural } from "../demo/screen-model.ts";
import { TopicReader } from "../demo/topic-reader.ts";
import { untilAborted } from "../demo/until-aborted.ts";
import { watch } from "../demo/watch.ts";
import { type Application, loadApplication } from "../lib/local/application.ts";
import { type LocalRuntime, startLocalRuntime } from "../lib/local/local-runtime.ts";
import { openServices, type ServicesOptions } from "../lib/local/services.ts";
import { topicsReadBy } from "../lib/local/tick.ts";
import { openWorkspace, type Workspace } from "../lib/local/workspace.ts";
import { createFaults, type FaultCounts, type Faults } from "../lib/simulation/faults.ts";
import { compareResults } from "./compare-results.ts";
import type { Example, Expected, Plan, Wave } from "./example.ts";
import type { ExampleProgress } from "./progress.ts";
import { writeWave } from "./write-wave.ts";

const SAMPLE = 6;
const ANSWER_POLL_MS = 5;
const ANSWER_WAIT_MS_MAX = 10_000;
/** With --crash batches are small: there is more to go wrong. */
const CRASH_BATCH_SIZE = 250;
/** More than the longest window that may hold the last timestamp, with what topics may be behind. */
const MARGIN_MS = 2 * 3_600_000;
const DAY_MS = 24 * 3_600_000;

export type ExampleRun = {
  readonly example: Example;
  /** Holds the folders of the examples. */
  readonly examplesFolder: string;
  /** Cleared first, and kept after the run. */
  readonly stateFolder: string;
  readonly records: number;
  readonly seed: number;
  /** How likely each place that can fail is to fail; 0: none does. */
  readonly crash: number;
  readonly services: ServicesOptions | undefined;
  readonly nowMs: number;
  readonly screen: Screen<ExampleProgress>;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  onProblem(sentence: string): void;
};

/** The JSON summary, and what is said of it. */
export type ExampleSummary = {
  readonly example: string;
  readonly verified: boolean;
  readonly records: number;
  /** By topic, repeats not counted. */
  readonly results: Readonly<Record<string, number>>;
  /** By operator: what could not be read, and was set aside. */
  readonly deadLetters: Readonly<Record<string, number>>;
  /** From writing a record to its result, where the example measures it. */
  readonly answeredMs: number | undefined;
  readonly seconds: number;
  readonly seed: number;
  /** Results that were sent again after a crash, with the same identity. */
  readonly repeats: number;
  readonly crash: number;
  readonly injected: Readonly<FaultCounts> | undefined;
  /** What differs, the first few as sentences; empty where everything is verified. */
  readonly problems: readonly string[];
  /** A handful of results. */
  readonly sample: readonly unknown[];
};

/** The input of a run: what is written depends on the day alone, and is past enough for all windows to close. */
export function planOf({
  example,
  records,
  seed,
  nowMs,
}: Pick<ExampleRun, "example" | "records" | "seed" | "nowMs">): Plan {
  const endMs = Math.floor((nowMs - MARGIN_MS) / DAY_MS) * DAY_MS;
  return example.plan({ records, seed, endMs });
}

/** Throws a MillraceError for what stands in the way, and the signal's reason when it is aborted. */
export async function runExample(run: ExampleRun): Promise<ExampleSummary> {
  const startedAtMs = performance.now();
  const application = await loadApplication(join(run.examplesFolder, run.example.name));
  const plan = planOf(run);
  const workspace = await openEmpty(application, plan, run);
  try {
    const verified = new Verified(run, application, workspace, plan);
    const answeredMs = await verified.process();
    return await verified.summarize(answeredMs, (performance.now() - startedAtMs) / 1_000);
  } finally {
    await workspace.close();
  }
}

/** A run can tell what it wrote itself only where nobody has written before. */
async function openEmpty(application: Application, { waves }: Plan, run: ExampleRun): Promise<Workspace> {
  if (run.services === undefined) {
    const folder = run.stateFolder;
    // Whoever runs there already holds the lock.
    await (await openWorkspace(undefined, { folder, exclusive: true })).close();
    rmSync(folder, { recursive: true, force: true });
    return openWorkspace(application, { folder, exclusive: true });
  }
  const workspace = await openServices(application, run.services);
  for (const { topicName } of new Set(waves.flatMap(({ records }) => records.map(({ topic }) => topic)))) {
    if ((await workspace.broker.offsets(topicName)).every(({ high }) => high === 0)) continue;
    await workspace.close();
    throw new MillraceError(
      "usage",
      `Topic "${topicName}" has records already: this run verifies what it wrote itself, so it needs new servers. Stop \`npm run services\` and start it again.`,
    );
  }
  return workspace;
}

type Output = { readonly expected: Expected; readonly values: unknown[]; readonly reader: TopicReader<unknown> };

class Verified {
  readonly #run: ExampleRun;
  readonly #application: Application;
  readonly #workspace: Workspace;
  readonly #plan: Plan;
  readonly #outputs: readonly Output[];
  readonly #faults: Faults | undefined;
  /** What operators read, each for itself. */
  readonly #toRead: number;
  readonly #isInput: (topic: string) => boolean;
  #read = 0;

  constructor(run: ExampleRun, application: Application, workspace: Workspace, plan: Plan) {
    this.#run = run;
    this.#application = application;
    this.#workspace = workspace;
    this.#plan = plan;
    this.#outputs = plan.expected.map((expected) => {
      const values: unknown[] = [];
      return {
        expected,
        values,
        reader: new TopicReader(workspace.broker, expected.topic, (value) => values.push(value)),
      };
    });
    this.#faults = run.crash === 0 ? undefined : createFaults({ seed: run.seed, probability: run.crash });
    const written = new Map<string, number>();
    for (const { topic } of plan.waves.flatMap(({ records }) => records))
      written.set(topic.topicName, (written.get(topic.topicName) ?? 0) + 1);
    const read = application.topology.functions.flatMap(topicsReadBy);
    this.#toRead = read.reduce((sum, { topic }) => sum + (written.get(topic) ?? 0), 0);
    this.#isInput = (topic) => written.has(topic);
  }

  /** Has everything processed, wave by wave. Returns how long the first result took where that is asked for. */
  async process(): Promise<number | undefined> {
    const { signal } = this.#run;
    const [first, ...later] = this.#plan.waves;
    if (first === undefined) return undefined;
    this.#say(first);
    // All of it first: while a partition lags it is not idle, and so nothing that is still to be written can be late.
    await writeWave(this.#workspace.broker, first, signal);
    const runtime = await this.#start();
    const stopWatching = this.#watch();
    let answeredMs: number | undefined;
    try {
      await untilAborted(runtime.quiet(), signal);
      for (const wave of later) {
        this.#say(wave);
        answeredMs = (await this.#write(wave)) ?? answeredMs;
        await untilAborted(runtime.quiet(), signal);
      }
    } finally {
      // Where a last look fails, nothing may go on behind its back.
      await stopWatching().finally(() => runtime.stop());
    }
    return answeredMs;
  }

  async summarize(answeredMs: number | undefined, seconds: number): Promise<ExampleSummary> {
    const { example, seed, crash } = this.#run;
    const problems: string[] = [];
    const results: Record<string, number> = {};
    const deadLetters: Record<string, number> = {};
    let repeats = 0;
    for (const { expected, values, reader } of this.#outputs) {
      await reader.readOn();
      problems.push(...compareResults(expected, values));
      results[expected.topic.topicName] = values.length;
      repeats += reader.repeats;
    }
    for (const { operatorName } of this.#application.operators) {
      const { broker } = this.#workspace;
      const found = await countDeadLetters(broker, this.#application.topology, operatorName);
      const wanted = this.#plan.deadLetters[operatorName] ?? 0;
      deadLetters[operatorName] = found;
      if (found !== wanted)
        problems.push(
          `${operatorName} has ${formatPlural(found, "dead letter")}, and there are ${wanted} broken records.`,
        );
    }
    if (repeats > 0 && crash === 0)
      problems.push(`${formatPlural(repeats, "result")} came twice, although nothing crashed.`);
    return {
      example: example.name,
      verified: problems.length === 0,
      records: this.#plan.waves.reduce((sum, { records }) => sum + records.length, 0),
      results,
      deadLetters,
      answeredMs: answeredMs === undefined ? undefined : Math.round(answeredMs),
      seconds: Number(seconds.toFixed(3)),
      seed,
      repeats,
      crash,
      injected: this.#faults?.counts,
      problems,
      sample: this.#outputs[0]?.values.slice(-SAMPLE) ?? [],
    };
  }

  #say({ what, records }: Wave): void {
    this.#run.screen.say(`Writing ${formatPlural(records.length, "record")}: ${what}.`);
  }

  #start(): Promise<LocalRuntime> {
    return startLocalRuntime({
      application: this.#application,
      workspace: this.#workspace,
      onReport: ({ topic, records }) => {
        if (this.#isInput(topic)) this.#read += records;
      },
      onProblem: this.#run.onProblem,
      ...(this.#faults !== undefined && { faults: this.#faults, batchSize: CRASH_BATCH_SIZE }),
    });
  }

  async #write(wave: Wave): Promise<number | undefined> {
    const { broker } = this.#workspace;
    if (wave.answeredIn === undefined) {
      await writeWave(broker, wave, this.#run.signal);
      return undefined;
    }
    const answers = new TopicReader(broker, wave.answeredIn, () => {});
    await answers.readOn();
    const before = answers.records;
    const writtenAtMs = performance.now();
    await writeWave(broker, wave, this.#run.signal);
    while (performance.now() < writtenAtMs + ANSWER_WAIT_MS_MAX) {
      await answers.readOn();
      if (answers.records > before) return performance.now() - writtenAtMs;
      await new Promise((resolve) => setTimeout(resolve, ANSWER_POLL_MS));
    }
    return undefined;
  }

  /** Shows the progress again and again. Returns a function that ends it. */
  #watch(): () => Promise<void> {
    return watch(async () => {
      for (const { reader } of this.#outputs) await reader.readOn();
      this.#run.screen.show({
        records: this.#toRead,
        recordsDone: Math.min(this.#read, this.#toRead),
        results: this.#outputs.reduce((sum, { values }) => sum + values.length, 0),
        injected: this.#faults?.counts,
      });
    });
  }
}
