/**
 * Runs an application on this machine: an event source mapping for each function and topic, ticks for tasks that wait for the clock, and an
 * execution environment per function that faults may end.
 */

import { HOST, type Host } from "../runtime/host.ts";
import type { Operator } from "../runtime/operator-handler.ts";
import { planOfTask } from "../runtime/redrive.ts";
import type { TaskReport } from "../runtime/report.ts";
import { parseTaskName } from "../runtime/task-name.ts";
import type { Faults } from "../simulation/faults.ts";
import { createFaultyPorts } from "../simulation/faulty-ports.ts";
import type { FunctionPlan } from "../stream/plan.ts";
import type { Application } from "./application.ts";
import { type Clock, systemClock } from "./clock.ts";
import { EventSourceMapping } from "./event-source-mapping.ts";
import { newHost } from "./host.ts";
import { invoke, type LocalFunction } from "./invocation.ts";
import type { MappingNotice } from "./mapping-options.ts";
import { OtherWriters } from "./other-writers.ts";
import type { Outcome } from "./retry-policy.ts";
import { sourceTasksOf, type TaskPlace, tickEvent, topicsReadBy } from "./tick.ts";
import { WakeUps } from "./wake-ups.ts";
import type { Workspace } from "./workspace.ts";

export type LocalRuntimeOptions = {
  readonly application: Application;
  readonly workspace: Workspace;
  /** Runs this function alone; the others run elsewhere. */
  readonly only?: string;
  /** Goes wrong on purpose. */
  readonly faults?: Faults;
  /** Records per invocation, where an operator does not say. Default 5,000. */
  readonly batchSize?: number;
  /**
   * How functions get their records: as the text that Lambda makes of them, which is the default, or as columns, as Kafka gave them: what base64 and JSON cost
   * is Lambda's price for sending them to another machine.
   */
  readonly events?: "text" | "columns";
  readonly clock?: Clock;
  readonly onReport?: (report: TaskReport) => void;
  /** Told what went wrong and will be tried again, one sentence each. */
  readonly onProblem?: (sentence: string) => void;
};

export type LocalRuntime = {
  /** Ends when everything readable has been processed and no task waits for the clock within the next seconds (what can close has closed), or when stopped. */
  quiet(): Promise<void>;
  /** Stops taking batches and waits, bounded, for those under way. */
  stop(): Promise<void>;
  readonly stats: () => LocalRuntimeStats;
};

export type LocalRuntimeStats = {
  readonly invocations: number;
  readonly retries: number;
  readonly timeouts: number;
  readonly duplicates: number;
  readonly environments: number;
};

/** Large batches: here nobody waits for the first record of one. */
const BATCH_SIZE_DEFAULT = 5_000;
const TIMEOUT_MS_DEFAULT = 60_000;
/** With faults, invocations are given up soon, so that zombies are common and short; twice as late each time in a row, or a slow machine never ends. */
const FAULTY_TIMEOUT_MS = 250;
const FAULTY_BACKOFF = { firstMs: 5, maxMs: 20 };
/** Lambda waits up to a minute; whoever starts a server again here wants to see it go on. */
const BACKOFF = { firstMs: 200, maxMs: 5_000 };
/** A task that waits for the clock longer than this is not waited for by `quiet`. */
const QUIET_HORIZON_MS = 10_000;
const QUIET_POLL_MS = 20;
/** How often tasks are looked at whose log somebody else may go on with. */
const OTHERS_EVERY_MS = 15_000;

/** The consumer group of the event source mappings of a function. */
export function consumerGroupOf({ name }: Application, plan: FunctionPlan): string {
  return `${name}.${plan.name}`;
}

/** Starts everything; the topics must be there (openWorkspace). */
export async function startLocalRuntime(options: LocalRuntimeOptions): Promise<LocalRuntime> {
  const { application, workspace, faults, clock = systemClock } = options;
  const functions = functionsOf(options);
  const stopping = new AbortController();
  const environments = new Map<string, Environment>();
  let environmentCount = 0;
  let ticks = 0;

  const others = new OtherWriters(application.name, functions, workspace.stateLog);
  const reporting: LocalRuntimeOptions = {
    ...options,
    onReport(report) {
      others.note(report);
      options.onReport?.(report);
    },
  };

  const environmentOf = (plan: FunctionPlan): Environment => {
    const current = environments.get(plan.name);
    if (current !== undefined && !current.isDead()) return current;
    environmentCount++;
    const environment = newEnvironment(reporting, clock, (functionName, topic, partition, atMs, sequenceNumber) => {
      const waiting = functions.find(({ name }) => name === functionName);
      if (waiting === undefined) return;
      const task = { plan: waiting, place: { topic, partition } };
      wakeUps.set(wakeName(task), task, atMs, sequenceNumber);
    });
    environments.set(plan.name, environment);
    return environment;
  };

  const faultyTimeouts = new Map<string, number>();
  const faultyTimeoutMs = ({ name }: FunctionPlan) => faultyTimeouts.get(name) ?? FAULTY_TIMEOUT_MS;

  const ended = (plan: FunctionPlan, { kind }: Outcome): void => {
    if (kind === "succeeded") faultyTimeouts.delete(plan.name);
    if (kind !== "timed-out") return;
    faultyTimeouts.set(plan.name, Math.min(TIMEOUT_MS_DEFAULT, 2 * faultyTimeoutMs(plan)));
    // What timed out goes on as a zombie in its old environment; the next invocation gets a new one, as on Lambda.
    environments.delete(plan.name);
  };

  const functionOf = (plan: FunctionPlan): LocalFunction => {
    const operator = application.operators.find((candidate) => candidate.definition === plan.operator) as Operator;
    return {
      name: plan.name,
      handler: operator,
      acceptsText: true,
      acceptsColumns: options.events === "columns",
      get timeoutMs() {
        return faults === undefined ? (plan.operator.function.timeout ?? TIMEOUT_MS_DEFAULT) : faultyTimeoutMs(plan);
      },
      extendContext: () => ({ [HOST]: environmentOf(plan).host }),
    };
  };

  const tick = async ({ plan, place }: WakingTask): Promise<void> => {
    ticks++;
    const outcome = await invoke(
      { ...functionOf(plan), acceptsText: false },
      JSON.stringify(tickEvent(plan, [place])),
      { clock },
    );
    ended(plan, outcome);
    const name = wakeName({ plan, place });
    if (outcome.kind === "succeeded") {
      wakeUps.succeeded(name);
      return;
    }
    if (stopping.signal.aborted) return;
    if (faults === undefined) options.onProblem?.(sentenceOf(outcome.error));
    wakeUps.retry(name, { plan, place });
  };
  // Faults are many and mean nothing: whoever waits long after a few of them would only take longer.
  const backoff = faults === undefined ? BACKOFF : FAULTY_BACKOFF;
  const wakeUps = new WakeUps(clock, tick, backoff);

  const mappings = functions.flatMap((plan) =>
    topicsReadBy(plan).map(({ topic, startAt }) => {
      const { batch } = plan.operator.function;
      return new EventSourceMapping({
        broker: workspace.broker,
        topic,
        consumerGroup: consumerGroupOf(application, plan),
        function: functionOf(plan),
        startingPosition: startAt === "latest" ? "LATEST" : "TRIM_HORIZON",
        batchSize: options.batchSize ?? batch?.maxRecords ?? BATCH_SIZE_DEFAULT,
        batchWindowMs: batch?.window ?? 0,
        clock,
        backoffFirstMs: backoff.firstMs,
        backoffMaxMs: backoff.maxMs,
        ...(faults !== undefined && { faults }),
        observe(notice) {
          if (notice.kind === "invoked") ended(plan, notice.outcome);
          if (notice.kind === "invoked" && notice.outcome.kind === "failed" && faults === undefined)
            options.onProblem?.(sentenceOf(notice.outcome.error));
          if (notice.kind === "broker-failed") options.onProblem?.(sentenceOf(notice.error));
          // Who keeps a log finds out by itself, and stops.
          if (notice.kind === "reset" && !plan.commits) options.onProblem?.(skipped(plan, topic, notice));
        },
      });
    }),
  );

  // Sources that never had a record; and whoever ran before may have been killed after a commit: what it owes and waits for is in the log alone.
  const inLog = await tasksInLog(options);
  for (const { plan, place, sequenceNumber } of inLog)
    others.note({ functionName: plan.name, ...place, sequenceNumber });
  for (const task of [...sourcesThatCommit(functions), ...inLog]) wakeUps.callBy(wakeName(task), task, clock.now());
  const watchOthers = async () => {
    while (!stopping.signal.aborted) {
      await clock.sleep(OTHERS_EVERY_MS, stopping.signal);
      // Where the state log fails, those who commit say so.
      const found = stopping.signal.aborted ? [] : await others.find().catch(() => []);
      for (const task of found) wakeUps.callBy(wakeName(task), task, clock.now());
    }
  };
  const running = Promise.all([
    wakeUps.run(),
    watchOthers(),
    ...mappings.map((mapping) => mapping.run(stopping.signal)),
  ]);
  running.catch((error: unknown) => options.onProblem?.(sentenceOf(error)));

  const isAtRest = () =>
    wakeUps.nextAtMs() >= clock.now() + QUIET_HORIZON_MS &&
    mappings.every((mapping) => mapping.positions().every(({ isInFlight }) => !isInFlight));
  const calls = () => mappings.reduce((sum, { counters }) => sum + counters.invocations, ticks);
  const isQuiet = async () => {
    if (!isAtRest()) return false;
    const before = calls();
    for (const mapping of mappings) if (!(await mapping.isCaughtUp())) return false;
    // Nothing ran meanwhile, so that no topic got more after it was asked about.
    return isAtRest() && calls() === before;
  };

  return {
    async quiet() {
      let failed: { error: unknown } | undefined;
      running.catch((error: unknown) => {
        failed = { error };
      });
      while (!stopping.signal.aborted && !(await isQuiet())) {
        if (failed !== undefined) throw failed.error;
        await clock.sleep(QUIET_POLL_MS);
      }
    },
    async stop() {
      wakeUps.stop();
      stopping.abort();
      await running;
    },
    stats: () => {
      const total = (name: "invocations" | "retries" | "timeouts" | "duplicates") =>
        mappings.reduce((sum, { counters }) => sum + counters[name], 0);
      return {
        invocations: total("invocations"),
        retries: total("retries"),
        timeouts: total("timeouts"),
        duplicates: total("duplicates"),
        environments: environmentCount,
      };
    },
  };
}

/** The functions that run here. */
function functionsOf({ application, only }: LocalRuntimeOptions): readonly FunctionPlan[] {
  return application.topology.functions.filter(({ name }) => only === undefined || name === only);
}

type Reset = Extract<MappingNotice, { kind: "reset" }>;

type Environment = { readonly host: Host; readonly isDead: () => boolean };

function newEnvironment(
  { application, workspace, faults, onReport }: LocalRuntimeOptions,
  clock: Clock,
  wake: Host["wake"],
): Environment {
  const ports =
    faults === undefined
      ? undefined
      : createFaultyPorts({ ...workspace, faults, clock, delayMs: FAULTY_TIMEOUT_MS * 2 });
  const tables = ports?.tables ?? workspace.tables;
  const host = newHost({
    topology: application.topology,
    broker: ports?.broker ?? workspace.broker,
    stateLog: ports?.stateLog ?? workspace.stateLog,
    ...(tables !== undefined && { tables }),
    now: () => clock.now(),
    wake,
    report: (report) => onReport?.(report),
  });
  return { host, isDead: ports?.isDead ?? (() => false) };
}

type WakingTask = { readonly plan: FunctionPlan; readonly place: TaskPlace };

function wakeName({ plan, place }: WakingTask): string {
  return `${plan.name}/${place.topic}-${place.partition}`;
}

function sourcesThatCommit(functions: readonly FunctionPlan[]): WakingTask[] {
  return functions
    .filter((plan) => plan.commits)
    .flatMap((plan) => sourceTasksOf(plan).map((place) => ({ plan, place })));
}

/** The tasks that ever committed, in the generations that count. */
async function tasksInLog(options: LocalRuntimeOptions): Promise<(WakingTask & { readonly sequenceNumber: number })[]> {
  const { application, workspace } = options;
  const functions = functionsOf(options);
  const found: (WakingTask & { readonly sequenceNumber: number })[] = [];
  for (const { task, sequenceNumber } of await workspace.stateLog.tasks()) {
    const parsed = parseTaskName(task);
    if (parsed === undefined) continue;
    const { functionName, topic, partition, generation } = parsed;
    const plan = planOfTask(functions, functionName);
    if (
      plan === undefined ||
      parsed.application !== application.name ||
      !topicsReadBy(plan).some((read) => read.topic === topic) ||
      (await workspace.stateLog.generationOf(functionName)) !== generation
    )
      continue;
    found.push({ plan, place: { topic, partition }, sequenceNumber });
  }
  return found;
}

/** What a function without a log does where its input is not: it cannot tell what it has processed, and goes on with what is there. */
function skipped({ name }: FunctionPlan, topic: string, { partition, from, to }: Reset): string {
  const place = `${topic}-${partition}`;
  return from < to
    ? `Records ${from} to ${to - 1} of ${place} are gone before ${name} read them (retention): it skips them and goes on at ${to}.`
    : `${place} ends before offset ${from}, where ${name} was to go on: it was deleted and created again, and is read from ${to}. Operators that read the results of ${name} will take the first ones for repeats: give a new topic a new name.`;
}

function sentenceOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
