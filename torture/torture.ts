/** A whole run: servers, processes, input and blows; then everything is stopped, read by a stranger and compared with the reference. */

import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Kafka, logLevel } from "kafkajs";
import { type Application, loadApplication } from "../lib/local/application.ts";
import { openServices } from "../lib/local/services.ts";
import { checkTopic } from "./check.ts";
import { killAll } from "./function-processes.ts";
import { Killer } from "./killer.ts";
import { planBlows } from "./plan.ts";
import { Positions } from "./positions.ts";
import type { ProgressLine } from "./progress.ts";
import { readResults } from "./read-results.ts";
import { type Dealt, findRecoveries } from "./recovery.ts";
import { countReference } from "./reference.ts";
import { type Servers, startServers } from "./servers.ts";
import { type Summary, summarize } from "./summary.ts";
import { InputWriter } from "./write-input.ts";

export type TortureOptions = {
  readonly records: number;
  readonly kills: number;
  readonly seed: number;
  readonly line: ProgressLine;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
};

/** Memory where there is some: DynamoDB Local syncs every write, which takes a disk a while. */
const FAST_FOLDER = "/dev/shm";
const SHOW_EVERY_MS = 250;
/** The rate that is shown is that of the last seconds. */
const RATE_OVER_MS = 5_000;
/** Nothing moves for so long: it will not move any more. */
const STUCK_MS = 45_000;
const POLL_MS = 200;

const DECLARED = ["totals", "counts", "sums"];

/** Runs and compares. The folder with logs and data stays where anything differs or fails; its path is said. Throws the signal's reason when aborted. */
export async function torture(options: TortureOptions): Promise<Summary> {
  const { line, signal } = options;
  const folder = mkdtempSync(join(existsSync(FAST_FOLDER) ? FAST_FOLDER : tmpdir(), "millrace-torture-"));
  let isVerified = false;
  try {
    const servers = await startServers(folder);
    // Ended at once, by a second Ctrl-C: stopped processes would stay for ever.
    const leaveNothing = () => {
      killAll(servers.kafka);
      rmSync(folder, { recursive: true, force: true });
    };
    process.once("exit", leaveNothing);
    try {
      signal.throwIfAborted();
      const summary = await new Run(options, folder, servers).carryOut();
      isVerified = summary.verified;
      return summary;
    } finally {
      killAll(servers.kafka);
      process.removeListener("exit", leaveNothing);
      await servers.stop();
    }
  } finally {
    if (isVerified || signal.aborted) rmSync(folder, { recursive: true, force: true });
    else line.say(`Logs and data of the run: ${folder}`);
  }
}

class Run {
  readonly #options: TortureOptions;
  readonly #folder: string;
  readonly #servers: Servers;
  readonly #kafka: Kafka;
  readonly #dealt: Dealt[] = [];
  readonly #startedAtMs = Date.now();

  constructor(options: TortureOptions, folder: string, servers: Servers) {
    this.#options = options;
    this.#folder = folder;
    this.#servers = servers;
    this.#kafka = new Kafka({
      clientId: "stranger",
      brokers: [servers.kafka],
      logLevel: logLevel.NOTHING,
      connectionTimeout: 5_000,
    });
  }

  async carryOut(): Promise<Summary> {
    const { records, kills, seed, line, signal } = this.#options;
    const application = await loadApplication(import.meta.dirname);
    await createTopics(this.#kafka, application);
    const { kafka, dynamodb } = this.#servers;
    const workspace = await openServices(application, { kafka, dynamodb });
    const ended = new AbortController();
    // Who fails ends the others.
    const either = AbortSignal.any([signal, ended.signal]);
    const positions = new Positions(application, workspace.broker);
    const following = positions.follow(ended.signal);
    const done = () => Math.min(records, positions.doneBy("total-views"));
    const writeUpTo = () => killer.writeUpTo;
    const writer = new InputWriter({ kafka: this.#kafka, seed, records, done, writeUpTo, signal: either });
    const killer = this.#newKiller(application, positions, () => writer.written, either);
    const showing = this.#showProgress(ended.signal, () => ({ written: writer.written, done: done() }));
    try {
      await killer.ready();
      await Promise.all([writer.run(), killer.carryOut(planBlows(seed, records, kills))]);
      const isComplete = await this.#quiet(positions);
      const processedMs = Date.now() - this.#startedAtMs;
      if (!isComplete) line.say("The operators did not come to the end of their inputs.");
      await killer.stop();
      line.say("Everything is stopped; reading it and comparing.");
      return await this.#verify(application, processedMs);
    } finally {
      ended.abort();
      killer.abandon();
      await Promise.all([following, showing]);
      await workspace.close();
      signal.throwIfAborted();
    }
  }

  #newKiller(application: Application, positions: Positions, written: () => number, signal: AbortSignal): Killer {
    const { functions } = application.topology;
    const topicsOf = (name: string) =>
      functions
        .filter((plan) => plan.name === name)
        .flatMap((plan) => [
          ...plan.topicOutputs.map(({ topic }) => topic.topicName),
          ...plan.shuffleOutputs.map(({ shuffle }) => shuffle.name),
        ]);
    const logs = join(this.#folder, "logs");
    mkdirSync(logs);
    return new Killer({
      servers: this.#servers,
      place: { kafka: this.#servers.kafka, dynamodb: this.#servers.dynamodb, logFile: join(logs, "millrace.txt") },
      topicsOf: (name) => (name === "everything" ? ["totals"] : topicsOf(name)),
      functions: functions.map(({ name }) => name),
      records: this.#options.records,
      written,
      doneBy: (name) => positions.doneBy(name),
      isIdle: () => positions.areAtEnd(),
      onDealt: (dealt) => this.#dealt.push(dealt),
      signal,
    });
  }

  /** Ends when all functions are at the end of their inputs, and still are a moment later; false when nothing moves any more. */
  async #quiet(positions: Positions): Promise<boolean> {
    const { signal } = this.#options;
    let last = "";
    let movedAtMs = Date.now();
    let atEnd = 0;
    while (Date.now() - movedAtMs < STUCK_MS) {
      await positions.look().catch(() => {});
      const now = positions.fingerprint();
      if (now !== last) movedAtMs = Date.now();
      atEnd = positions.areAtEnd() && now === last ? atEnd + 1 : 0;
      if (atEnd * POLL_MS >= 1_000) return true;
      last = now;
      await sleep(POLL_MS, undefined, { signal });
    }
    return false;
  }

  async #verify(application: Application, processedMs: number): Promise<Summary> {
    const { records, kills, seed } = this.#options;
    const shuffles = application.topology.functions.flatMap(({ shuffle }) =>
      shuffle === undefined ? [] : [shuffle.name],
    );
    const letters = application.topology.functions.map(({ deadLetterTopic }) => deadLetterTopic);
    const read = await readResults(this.#servers.kafka, [...DECLARED, ...shuffles, ...new Set(letters)]);
    const recordsOf = (topic: string) => read.filter((record) => record.topic === topic);
    const { totals, sums } = countReference(seed, records);
    const deadLetters = read.filter(({ topic }) => letters.includes(topic)).length;
    return summarize({
      seed,
      records,
      kills,
      processedMs,
      deadLetters,
      dealt: this.#dealt,
      recoveries: findRecoveries(this.#dealt, read),
      checked: [
        checkTopic("totals", "exactly-once", recordsOf("totals"), totals),
        checkTopic("counts", "repeats-by-identity", recordsOf("counts"), totals),
        checkTopic("sums", "exactly-once", recordsOf("sums"), sums),
      ],
    });
  }

  async #showProgress(signal: AbortSignal, counts: () => { written: number; done: number }): Promise<void> {
    const samples: { atMs: number; done: number }[] = [];
    while (!signal.aborted) {
      const nowMs = Date.now();
      const { written, done } = counts();
      samples.push({ atMs: nowMs, done });
      while ((samples[0] as { atMs: number }).atMs < nowMs - RATE_OVER_MS) samples.shift();
      const first = samples[0] as { atMs: number; done: number };
      const seconds = Math.max(SHOW_EVERY_MS, nowMs - first.atMs) / 1_000;
      this.#options.line.show({
        elapsedMs: nowMs - this.#startedAtMs,
        records: this.#options.records,
        written,
        done,
        recordsPerSecond: (done - first.done) / seconds,
        kills: this.#dealt,
      });
      await sleep(SHOW_EVERY_MS, undefined, { signal }).catch(() => {});
    }
  }
}

/** The topics as the application declares them, but that the broker stamps what is appended: so it is known when a result was there. */
async function createTopics(kafka: Kafka, application: Application): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    await admin.createTopics({
      waitForLeaders: false,
      topics: application.topology.topics.map(({ name, partitions }) => ({
        topic: name,
        numPartitions: partitions,
        configEntries: [{ name: "message.timestamp.type", value: "LogAppendTime" }],
      })),
    });
  } finally {
    await admin.disconnect();
  }
}
