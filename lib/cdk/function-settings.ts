/** Which settings a function is deployed with: pure decisions from its plan, what its operator says, and what the stack says; and what is refused. */

import { LAMBDA_WINDOW_SECONDS, TUNINGS, WITH_LOG, WITHOUT_LOG } from "../cost/deployed-defaults.ts";
import { MillraceError } from "../stream/error.ts";
import { needsClock } from "../stream/needs-clock.ts";
import type { FunctionOptions } from "../stream/operator-definition.ts";
import type { FunctionPlan } from "../stream/plan.ts";
import { quote } from "../stream/sentence.ts";

/** Small batches at once ("latency"), what half a second brings ("balanced"), or what five bring: each batch is an invocation and a write to the state log. */
export type Tuning = keyof typeof TUNINGS | { readonly maxRecords?: number; readonly windowSeconds?: number };

/** Pollers of a mapping's own, instead of Lambda's that cost nothing and take minutes to scale. */
export type Pollers = {
  readonly minimum?: number;
  readonly maximum?: number;
  /** Mappings of one group share its pollers, and what they cost. */
  readonly group?: string;
};

export type FunctionSettings = {
  readonly memoryMb: number;
  readonly timeoutSeconds: number;
  readonly batch: { readonly maxRecords: number; readonly windowSeconds: number };
  /** undefined: none is reserved. */
  readonly reservedConcurrency: number | undefined;
  readonly pollers: Pollers | undefined;
  readonly startingPosition: "TRIM_HORIZON" | "LATEST";
  readonly environment: Readonly<Record<string, string>>;
  readonly needsClock: boolean;
  /** Patterns of records that it is invoked with; empty: with all. */
  readonly filters: readonly string[];
  /** Its tasks, and so how many invocations can do anything at a time. */
  readonly tasks: number;
};

/** What the stack may say of a function; it goes before what the operator says. */
export type FunctionOverrides = {
  /** 128 to 10,240. Default: 512 without a log, 1,024 with one. */
  readonly memoryMb?: number;
  /** At most 840. Default: 60 without a log, 180 with one. */
  readonly timeoutSeconds?: number;
  readonly tuning?: Tuning;
  /** At most as many as it has partitions to read. "none": it takes from what the account has. */
  readonly reservedConcurrency?: number | "none";
  /** "on-demand": Lambda's own pollers, whatever the application has. */
  readonly pollers?: Pollers | "on-demand";
  readonly environment?: Readonly<Record<string, string>>;
  /**
   * Which records its mappings hand on: those that fit one of up to five patterns of Lambda's, as `{ value: { country: ["CH"] } }`. Others are not paid for, and never seen. Only for a
   * function that keeps no log: one that does looks for what it is not given.
   */
  readonly filters?: readonly object[];
};

const FILTERS_MAX = 5;
const FILTER_CHARACTERS_MAX = 4_096;
const MEMORY_MB = { min: 128, max: 10_240 };
/** Less than the 15 minutes that Lambda allows: its mappings ask for that. */
const TIMEOUT_SECONDS_MAX = 14 * 60;
const BATCH_RECORDS_MAX = 10_000;
const WINDOW_SECONDS_MAX = 300;

/** Later ones go before earlier ones. Throws MillraceError "definition" with a sentence for each setting that is not allowed. */
export function toFunctionSettings(plan: FunctionPlan, overrides: readonly FunctionOverrides[]): FunctionSettings {
  const tasks = tasksOf(plan);
  const authored = authoredOptions(plan);
  const said = merge(overrides);
  const defaults = plan.commits ? WITH_LOG : WITHOUT_LOG;
  const settings: FunctionSettings = {
    memoryMb: said.memoryMb ?? authored.memoryMb ?? defaults.memoryMb,
    timeoutSeconds:
      said.timeoutSeconds ??
      (authored.timeout === undefined ? defaults.timeoutSeconds : Math.ceil((authored.timeout as number) / 1_000)),
    batch: batchOf(overrides, authored),
    reservedConcurrency: said.reservedConcurrency === "none" ? undefined : (said.reservedConcurrency ?? tasks),
    pollers: said.pollers === "on-demand" ? undefined : said.pollers,
    startingPosition:
      plan.shuffle === undefined &&
      plan.sources.every(({ nodes }) => nodes.every(({ startAt }) => startAt === "latest"))
        ? "LATEST"
        : "TRIM_HORIZON",
    environment: { ...authored.environment, ...said.environment },
    needsClock: needsClock(plan),
    filters: (said.filters ?? []).map((pattern) => JSON.stringify(pattern)),
    tasks,
  };
  check(plan, settings);
  return settings;
}

/** How many partitions a function reads. */
function tasksOf({ shuffle, sources }: FunctionPlan): number {
  return shuffle?.partitions ?? sources.reduce((sum, { partitions }) => sum + partitions, 0);
}

/** What its author says: for what stands behind a keyBy, there first. */
function authoredOptions({ operator, shuffle }: FunctionPlan): FunctionOptions {
  const keyBy = shuffle?.sides.find((side) => side.function !== undefined)?.function;
  return { ...operator.function, ...keyBy };
}

function merge(overrides: readonly FunctionOverrides[]): FunctionOverrides {
  const environment = Object.assign({}, ...overrides.map((one) => one.environment));
  return { ...Object.assign({}, ...overrides), environment };
}

/** The author's batch goes before the application's tuning, and what the stack says of the one function before both. */
function batchOf(overrides: readonly FunctionOverrides[], { batch }: FunctionOptions): FunctionSettings["batch"] {
  const [application, ...own] = overrides.map(({ tuning }) => tuning);
  const authored = {
    ...(batch?.maxRecords !== undefined && { maxRecords: batch.maxRecords }),
    ...(batch?.window !== undefined && { windowSeconds: Math.round((batch.window as number) / 1_000) }),
  };
  const tunings = [application, authored, ...own].map((tuning) =>
    typeof tuning === "string" ? TUNINGS[tuning] : tuning,
  );
  return Object.assign({}, TUNINGS.balanced, ...tunings);
}

function check(plan: FunctionPlan, settings: FunctionSettings): void {
  const { memoryMb, timeoutSeconds, batch, reservedConcurrency, pollers, tasks } = settings;
  checkFilters(plan, settings.filters);
  within(plan, "memoryMb", memoryMb, MEMORY_MB.min, MEMORY_MB.max, "megabytes");
  within(plan, "its timeout", timeoutSeconds, 1, TIMEOUT_SECONDS_MAX, "seconds");
  within(plan, "maxRecords of its batches", batch.maxRecords, 1, BATCH_RECORDS_MAX, "records");
  if (batch.windowSeconds !== LAMBDA_WINDOW_SECONDS)
    within(plan, "the window of its batches", batch.windowSeconds, 0, WINDOW_SECONDS_MAX, "seconds");
  if (reservedConcurrency !== undefined)
    within(plan, "reservedConcurrency", reservedConcurrency, 1, tasks, "invocations, one for each partition it reads");
  if (pollers === undefined) return;
  const { minimum = 1, maximum = tasks, group } = pollers;
  within(plan, "pollers.minimum", minimum, 1, tasks, "pollers, one for each partition it reads");
  within(
    plan,
    "pollers.maximum",
    maximum,
    minimum,
    tasks,
    "pollers, from the minimum to one for each partition it reads",
  );
  if (group !== undefined && !/^[A-Za-z0-9-]{1,128}$/.test(group))
    throw refuse(plan, `pollers.group ${quote(group)} is not made of 1 to 128 letters, digits and '-'`);
}

function checkFilters(plan: FunctionPlan, filters: readonly string[]): void {
  if (filters.length === 0) return;
  if (plan.commits)
    throw refuse(
      plan,
      "it keeps a log, by which it finds out that records were not delivered, and so it would process what its filters leave out. Put a filter(…) into the stream, or filters at an operator before it that keeps nothing",
    );
  within(plan, "the number of its filters", filters.length, 1, FILTERS_MAX, "patterns");
  const long = filters.find((pattern) => pattern.length > FILTER_CHARACTERS_MAX);
  if (long !== undefined)
    throw refuse(plan, `a filter of ${long.length} characters is too long; Lambda takes ${FILTER_CHARACTERS_MAX}`);
}

function within(plan: FunctionPlan, what: string, value: number, min: number, max: number, unit: string): void {
  if (Number.isSafeInteger(value) && value >= min && value <= max) return;
  throw refuse(plan, `${what} is ${value}; it takes a whole number from ${min} to ${max} ${unit}`);
}

function refuse({ name }: FunctionPlan, why: string): MillraceError {
  return new MillraceError("definition", `Function ${quote(name)} cannot be deployed so: ${why}.`);
}
