/** Redrives dead letters: looks at what there is to do, and invokes each function with its own, batch by batch, until all are done. */

import { type DeadLetter, toDeadLetter } from "../runtime/dead-letter.ts";
import { HOST, type Host } from "../runtime/host.ts";
import { openTask } from "../runtime/open-task.ts";
import type { Operator } from "../runtime/operator-handler.ts";
import { type Mark, Marks } from "../runtime/read-letters.ts";
import { toRedriving, whyForeign } from "../runtime/redrive.ts";
import { toTaskName } from "../runtime/task-name.ts";
import type { StateLog } from "../state-log/state-log.ts";
import { MillraceError } from "../stream/error.ts";
import type { FunctionPlan, Topology } from "../stream/plan.ts";
import type { KafkaEventRecord, RedriveEvent, RedriveOutcome, RedriveResponse } from "../wire/lambda-event.ts";
import type { Header } from "../wire/record-columns.ts";
import type { Clock } from "./clock.ts";
import { invoke } from "./invocation.ts";

/** A record of a dead-letter topic. */
export type LetterRecord = {
  readonly partition: number;
  readonly offset: number;
  readonly timestampMs: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly Header[];
};

/** What is known of a dead letter before a redrive. */
export type LetterState =
  | { readonly kind: "waiting" }
  | { readonly kind: "redriven"; readonly mark: Mark }
  | { readonly kind: "impossible"; readonly reason: string };

/** Says of dead letters whether they were redriven, and whether they can be; reads the state of each of their tasks once. */
export class LetterStates {
  readonly #topology: Topology;
  readonly #stateLog: StateLog;
  readonly #generations = new Map<string, Promise<number>>();
  readonly #marks = new Map<string, Promise<Marks>>();

  constructor(topology: Topology, stateLog: StateLog) {
    this.#topology = topology;
    this.#stateLog = stateLog;
  }

  async of(letter: DeadLetter): Promise<LetterState> {
    const { functionName, topic, partition } = letter;
    const { application } = this.#topology;
    const plan = this.#topology.functions.find(({ name }) => name === functionName);
    if (plan === undefined) return { kind: "impossible", reason: `there is no function ${functionName} any more` };
    const generation = plan.commits
      ? await kept(this.#generations, functionName, () => this.#stateLog.generationOf(functionName))
      : 0;
    const reason = whyForeign(application, plan, generation, letter);
    if (reason !== undefined) return { kind: "impossible", reason };
    const name = toTaskName(application, functionName, topic, partition, generation);
    const redriving = toRedriving(plan, name);
    const marks = await kept(this.#marks, redriving.name.full, async () => {
      const task = await openTask(this.#stateLog, redriving.plan, redriving.name, Number.MAX_SAFE_INTEGER);
      return new Marks(task.state).detached();
    });
    const mark = marks.of(letter.id);
    return mark === undefined ? { kind: "waiting" } : { kind: "redriven", mark };
  }
}

function kept<T>(all: Map<string, Promise<T>>, name: string, make: () => Promise<T>): Promise<T> {
  let found = all.get(name);
  if (found === undefined) {
    found = make();
    all.set(name, found);
  }
  return found;
}

/** What a redrive will do. */
export type RedriveSurvey = {
  /** How many letters wait, by function. */
  readonly waiting: ReadonlyMap<string, number>;
  /** How many were redriven before. */
  readonly before: number;
  /** How many cannot be redriven, by reason. */
  readonly impossible: ReadonlyMap<string, number>;
  /** The ids of those that wait. */
  readonly toSend: ReadonlySet<string>;
  /** Of each task for which none waits, a letter that was redriven before: given that, it sends what an interrupted redrive left unsent. */
  readonly toSettle: ReadonlySet<string>;
};

/** Looks at dead letters before a redrive; more than `limit` waiting ones are left for another. */
export async function surveyLetters(
  letters: AsyncIterable<DeadLetter> | Iterable<DeadLetter>,
  states: LetterStates,
  limit = Number.POSITIVE_INFINITY,
): Promise<RedriveSurvey> {
  const waiting = new Map<string, number>();
  const impossible = new Map<string, number>();
  const toSend = new Set<string>();
  const seen = new Set<string>();
  const tasksThatWait = new Set<string>();
  const redriven = new Map<string, string>();
  let before = 0;
  for await (const letter of letters) {
    const { id, functionName, topic, partition } = letter;
    // What was sent twice stands twice in the topic.
    if (seen.has(id)) continue;
    if (id !== "") seen.add(id);
    const task = `${functionName}/${topic}-${partition}`;
    const state = await states.of(letter);
    if (state.kind === "impossible") impossible.set(state.reason, (impossible.get(state.reason) ?? 0) + 1);
    else if (state.kind === "redriven") {
      before++;
      redriven.set(task, id);
    } else if (toSend.size < limit) {
      toSend.add(id);
      tasksThatWait.add(task);
      waiting.set(functionName, (waiting.get(functionName) ?? 0) + 1);
    }
  }
  const toSettle = new Set<string>();
  for (const [task, id] of redriven) if (!tasksThatWait.has(task)) toSettle.add(id);
  return { waiting, before, impossible, toSend, toSettle };
}

export type RedriveOptions = {
  readonly topology: Topology;
  readonly invoke: InvokeRedrive;
  /** Told what became of the letters of each batch. */
  readonly onBatch?: (outcomes: readonly RedriveOutcome[]) => void;
  /** Asked between batches. */
  readonly isOver?: () => boolean;
};

/** Invokes a function with dead letters. */
export type InvokeRedrive = (plan: FunctionPlan, event: RedriveEvent) => Promise<RedriveResponse>;

/** Of one invocation: what a task that sets each of them aside again can bear. */
const BATCH_LETTERS_MAX = 500;
/** Bytes of an invocation's records, which are a third more in base64: Lambda takes 6 MB. */
const BATCH_BYTES_MAX = 3 * 1024 * 1024;
/**
 * Redrives dead letters in their order; repeats among them do no harm. Each function is invoked with its own, also with those that were redriven before: it leaves
 * them out, and sends what an interrupted redrive left unsent. Rejects where an invocation does; whoever repeats it goes on from there.
 */
export async function redrive(
  letters: AsyncIterable<LetterRecord> | Iterable<LetterRecord>,
  options: RedriveOptions,
): Promise<void> {
  const batches = new Map<FunctionPlan, { records: LetterRecord[]; bytes: number }>();
  const flush = async (plan: FunctionPlan) => {
    const batch = batches.get(plan);
    batches.delete(plan);
    if (batch === undefined) return;
    const { outcomes } = await options.invoke(plan, toRedriveEvent(plan, batch.records));
    options.onBatch?.(outcomes);
  };
  for await (const record of letters) {
    if (options.isOver?.() === true) return;
    const { functionName } = toDeadLetter(record);
    const plan = options.topology.functions.find(({ name }) => name === functionName);
    if (plan === undefined) continue;
    const batch = batches.get(plan) ?? { records: [], bytes: 0 };
    batches.set(plan, batch);
    batch.records.push(record);
    batch.bytes += (record.key?.length ?? 0) + (record.value?.length ?? 0);
    // A header's bytes are numbers in JSON.
    for (const [name, value] of record.headers) batch.bytes += name.length + 4 * value.length;
    if (batch.records.length >= BATCH_LETTERS_MAX || batch.bytes >= BATCH_BYTES_MAX) await flush(plan);
  }
  // Those behind a shuffle last, as everywhere.
  for (const plan of options.topology.functions) {
    if (options.isOver?.() === true) return;
    await flush(plan);
  }
}

const ATTEMPTS_MAX = 8;
const BACKOFF_MS_FIRST = 50;
const TIMEOUT_MS_DEFAULT = 60_000;

/** Invokes functions in this process as Lambda would. */
export function invokeHere({
  operators,
  hostOf,
  clock,
}: {
  readonly operators: readonly Operator[];
  /** The environment of an invocation: asked before each, as one that failed is not to be used again. */
  readonly hostOf: () => Host;
  readonly clock: Clock;
}): InvokeRedrive {
  return async (plan, event) => {
    const target = {
      name: plan.name,
      handler: operators.find(({ definition }) => definition === plan.operator) as Operator,
      timeoutMs: plan.operator.function.timeout ?? TIMEOUT_MS_DEFAULT,
      extendContext: () => ({ [HOST]: hostOf() }),
    };
    const result = await invoke(target, JSON.stringify(event), { clock });
    if (result.kind === "succeeded") return result.response as RedriveResponse;
    throw result.error;
  };
}

/** Repeats what fails, but for calls that cannot be carried out; what a repeat then finds done counts as done now. */
export function invokeRepeatedly(
  attempt: InvokeRedrive,
  {
    clock,
    onProblem,
  }: {
    readonly clock: Clock;
    /** Told why an invocation failed and will be repeated. */
    readonly onProblem: (sentence: string) => void;
  },
): InvokeRedrive {
  return async (plan, event) => {
    for (let attempts = 1; ; attempts++) {
      try {
        const response = await attempt(plan, event);
        return attempts === 1 ? response : { ...response, outcomes: response.outcomes.map(toNow) };
      } catch (error) {
        const isInVain = error instanceof MillraceError && error.code === "usage";
        if (isInVain || attempts === ATTEMPTS_MAX) throw error;
        onProblem(error instanceof Error ? error.message : String(error));
        await clock.sleep(BACKOFF_MS_FIRST * 2 ** (attempts - 1));
      }
    }
  };
}

function toNow(outcome: RedriveOutcome): RedriveOutcome {
  if (outcome.outcome === "redriven-before") return { ...outcome, outcome: "redriven" };
  return outcome.outcome === "failed-before" ? { ...outcome, outcome: "failed-again" } : outcome;
}

function toRedriveEvent(plan: FunctionPlan, records: readonly LetterRecord[]): RedriveEvent {
  const topic = plan.deadLetterTopic;
  const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");
  const toRecord = ({ partition, offset, timestampMs, key, value, headers }: LetterRecord): KafkaEventRecord => ({
    topic,
    partition,
    offset,
    timestamp: timestampMs,
    timestampType: "CREATE_TIME",
    ...(key !== null && { key: base64(key) }),
    value: value === null ? null : base64(value),
    headers: headers.map(([name, bytes]) => ({ [name]: [...bytes] })),
  });
  return {
    eventSource: "millrace:redrive",
    functionName: plan.name,
    records: { [`${topic}-0`]: records.map(toRecord) },
  };
}
