/** A whole run: writes the lines, lets the application in functions/ count them, and compares every window with a direct count. */

import { randomInt } from "node:crypto";
import { rmSync } from "node:fs";
import { MillraceError } from "millrace";
import { lines as linesTopic, wordCounts } from "../functions/topics.ts";
import { findTasks } from "../lib/cli/find-tasks.ts";
import { type Application, loadApplication } from "../lib/local/application.ts";
import { startLocalRuntime } from "../lib/local/local-runtime.ts";
import { openServices, type ServicesOptions } from "../lib/local/services.ts";
import { openWorkspace, type Workspace } from "../lib/local/workspace.ts";
import { createFaults, type Faults } from "../lib/simulation/faults.ts";
import type { Arguments } from "./arguments.ts";
import { countDeadLetters } from "./count-dead-letters.ts";
import { DirectCount } from "./direct-count.ts";
import { chooseBase, EventTimes } from "./event-times.ts";
import { findFiles } from "./find-files.ts";
import { countClosed, findNewestWindow, type Progress, ReportCounts } from "./progress.ts";
import { ResultReader } from "./result-reader.ts";
import { decideStart, type RunRecord, readRunRecord, writeRunRecord } from "./run-record.ts";
import type { Screen } from "./screen.ts";
import { formatPlural } from "./screen-model.ts";
import { keepStandardInput } from "./standard-input.ts";
import { type Summary, summarize } from "./summary.ts";
import { type InputSummary, readLines, summarizeInput } from "./text-input.ts";
import { untilAborted } from "./until-aborted.ts";
import { watch } from "./watch.ts";
import { writeLines } from "./write-lines.ts";

const OPERATOR = "count-words";
/** With --crash batches are small: there is more to go wrong. */
const CRASH_BATCH_SIZE = 250;
const SEED_MAX = 2 ** 32;

export type RunOptions = Extract<Arguments, { kind: "run" }> & {
  /** Holds functions/. */
  readonly root: string;
  /** Kept after the run, and cleared by the next one that does not go on with it. */
  readonly stateFolder: string;
  /** What the inputs are relative to. */
  readonly inputFolder: string;
  readonly standardInput: AsyncIterable<Uint8Array>;
  readonly screen: Screen<Progress>;
  /** Whether the screen is looked at. */
  readonly isWatched: boolean;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  onProblem(sentence: string): void;
};

/** Throws a MillraceError for what stands in the way, and the signal's reason when it is aborted: the next run then goes on. */
export async function runWordCount(options: RunOptions): Promise<Summary | "nothing to count"> {
  const startedAtMs = performance.now();
  const application = await loadApplication(options.root);
  const found = findFiles(options.inputs, options.inputFolder);
  const kept = await keepStandardInput(found, options.standardInput);
  try {
    const input = await summarizeInput(kept.paths);
    if (input.lines === 0) return "nothing to count";
    const { workspace, record, isResumed } = await openRun(application, input, options);
    try {
      const run = new Run({ options, application, workspace, input, record, isResumed });
      const summary = await run.carryOut(kept.paths, startedAtMs);
      if (options.services === undefined) writeRunRecord(options.stateFolder, { ...record, finished: true });
      return summary;
    } finally {
      await workspace.close();
    }
  } finally {
    kept.remove();
  }
}

/** Opens what an unfinished run of the same lines has left, or clears the folder for a new one. */
async function openRun(application: Application, input: InputSummary, options: RunOptions) {
  if (options.services !== undefined) return openRunOnServices(application, input, options, options.services);
  const folder = options.stateFolder;
  let workspace = await openWorkspace(application, { folder, exclusive: true });
  const found = readRunRecord(folder);
  const wanted = { fingerprint: input.fingerprint, seed: options.seed, newSeed: randomInt(SEED_MAX) };
  const start = decideStart(found, wanted);
  if (start.kind === "resumed") {
    options.screen.say("An unfinished run of the same lines was found; going on with it.");
    return { workspace, record: start.record, isResumed: true };
  }
  if (start.reason !== undefined) options.screen.say(start.reason);
  await workspace.close();
  rmSync(folder, { recursive: true, force: true });
  workspace = await openWorkspace(application, { folder, exclusive: true });
  const baseMs = chooseBase(Date.now(), input.lines);
  const record: RunRecord = { fingerprint: input.fingerprint, seed: start.seed, baseMs, finished: false };
  writeRunRecord(folder, record);
  return { workspace, record, isResumed: false };
}

/**
 * Opens a run on servers. It starts from empty topics, since it can tell what it wrote itself only there. Throws a MillraceError "usage" where
 * there are lines already.
 */
async function openRunOnServices(
  application: Application,
  input: InputSummary,
  options: RunOptions,
  services: ServicesOptions,
) {
  const workspace = await openServices(application, services);
  const ranges = await workspace.broker.offsets(linesTopic.topicName);
  if (ranges.some(({ high }) => high > 0)) {
    await workspace.close();
    throw new MillraceError(
      "usage",
      `Topic "${linesTopic.topicName}" holds lines already: this run verifies what it wrote itself, so it needs new servers. Stop \`npm run services\` and start it again.`,
    );
  }
  const seed = options.seed ?? randomInt(SEED_MAX);
  const baseMs = chooseBase(Date.now(), input.lines);
  const record: RunRecord = { fingerprint: input.fingerprint, seed, baseMs, finished: false };
  return { workspace, record, isResumed: false };
}

/** What a run has to do with, and where. */
type RunSetup = {
  readonly options: RunOptions;
  readonly application: Application;
  readonly workspace: Workspace;
  readonly input: InputSummary;
  readonly record: RunRecord;
  readonly isResumed: boolean;
};

class Run {
  readonly #setup: RunSetup;
  readonly #directCount = new DirectCount();
  readonly #results: ResultReader;
  readonly #reports: ReportCounts;
  readonly #faults: Faults | undefined;
  /** Lines that an earlier, unfinished run has counted already. */
  #linesBefore = 0;
  #countingSinceMs = 0;

  constructor(setup: RunSetup) {
    const { options, application, workspace, record } = setup;
    this.#setup = setup;
    this.#results = new ResultReader(workspace.broker, wordCounts);
    const counting = application.topology.functions.find(({ name }) => name === `${OPERATOR}--by-key`);
    this.#reports = new ReportCounts(OPERATOR, counting?.shuffle?.partitions ?? 0);
    this.#faults = options.crash === 0 ? undefined : createFaults({ seed: record.seed, probability: options.crash });
  }

  async carryOut(paths: readonly string[], startedAtMs: number): Promise<Summary> {
    const { options, application, workspace, input, record, isResumed } = this.#setup;
    const from = `${formatPlural(input.lines, "line")} of ${formatPlural(input.files, "file")}`;
    options.screen.say(`Counting the words in ${from}, with the seed ${record.seed}.`);
    // All lines first: while a partition lags it is not idle, and so nothing that is still to be written can be late.
    await this.#write(paths);
    this.#linesBefore = await this.#countLinesBefore();
    await this.#count();
    await this.#results.readOn();
    return summarize({
      input,
      seed: record.seed,
      isResumed,
      mayRepeat: isResumed || this.#faults !== undefined,
      directCount: this.#directCount,
      results: this.#results,
      deadLetters: await countDeadLetters(workspace.broker, application.topology, OPERATOR),
      late: this.#reports.late,
      crash: options.crash,
      injected: this.#faults?.counts,
      seconds: (performance.now() - startedAtMs) / 1_000,
      recordsPerSecond: this.#linesPerSecond(),
    });
  }

  async #write(paths: readonly string[]): Promise<void> {
    const { options, workspace, record } = this.#setup;
    const { seed, baseMs } = record;
    const { signal, screen } = options;
    const times = new EventTimes({
      seed,
      baseMs,
      boundMs: linesTopic.watermark?.bound ?? 0,
      partitions: linesTopic.partitions ?? 1,
    });
    await writeLines({
      broker: workspace.broker,
      topic: linesTopic,
      pieces: readLines(paths),
      times,
      directCount: this.#directCount,
      folder: options.stateFolder,
      onProgress: (lines) => {
        signal.throwIfAborted();
        screen.show(this.#toProgress("writing", lines));
      },
    });
  }

  async #count(): Promise<void> {
    const { options, application, workspace } = this.#setup;
    this.#countingSinceMs = performance.now();
    const runtime = await startLocalRuntime({
      application,
      workspace,
      onReport: (report) => this.#reports.add(report, performance.now()),
      onProblem: options.onProblem,
      ...(this.#faults !== undefined && { faults: this.#faults, batchSize: CRASH_BATCH_SIZE }),
    });
    const stopWatching = options.isWatched ? this.#watch() : async () => {};
    try {
      await untilAborted(runtime.quiet(), options.signal);
    } finally {
      // Where a last look fails, nothing may go on behind its back.
      await stopWatching().finally(() => runtime.stop());
    }
  }

  /** Shows the progress again and again. Returns a function that ends it. */
  #watch(): () => Promise<void> {
    const { options, input } = this.#setup;
    return watch(async () => {
      await this.#results.readOn();
      const lines = this.#linesBefore + this.#reports.lines;
      options.screen.show(this.#toProgress("counting", Math.min(lines, input.lines)));
    });
  }

  async #countLinesBefore(): Promise<number> {
    if (!this.#setup.isResumed) return 0;
    const tasks = await findTasks(this.#setup.workspace.stateLog, Date.now());
    const own = tasks.filter(({ functionName, isCurrent }) => functionName === OPERATOR && isCurrent);
    return own.reduce((sum, { checkpoint }) => sum + checkpoint + 1, 0);
  }

  /** While there are lines to count; the time that it then takes to know that no more will come does not count. */
  #linesPerSecond(): number {
    const { lines, lastLineAtMs = 0 } = this.#reports;
    return lines === 0 ? 0 : (lines * 1_000) / (lastLineAtMs - this.#countingSinceMs);
  }

  #toProgress(phase: Progress["phase"], linesDone: number): Progress {
    const { windows, records, repeats } = this.#results;
    const { watermarkMs } = this.#reports;
    return {
      phase,
      lines: this.#setup.input.lines,
      linesDone,
      linesPerSecond: this.#linesPerSecond(),
      watermarkMs,
      windowsClosed: countClosed(windows, watermarkMs),
      results: records - repeats,
      newestWindow: findNewestWindow(windows),
      injected: this.#faults?.counts,
    };
  }
}
