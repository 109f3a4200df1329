/**
 * A task's invocation: open → settle → skip → process → commit → emit → return. One at a time per task in a process.
 *
 * L5: outputs are emitted only after their commit was seen in the log. L9, O5: commit n+1 is appended only by who knows that n's outputs
 * are acknowledged. L8: who loses the race forgets what it has, reloads and decides afresh. L6: chunks before `base`, `base` before overwriting.
 * R1, R3: of dead letters what was redriven before is left out, and a redrive ends with a commit that owes nothing.
 */

import type { LogEntry } from "../state-log/state-log.ts";
import { append } from "../state-log/workflow.ts";
import { MillraceError } from "../stream/error.ts";
import type { FunctionPlan } from "../stream/plan.ts";
import type { RedriveOutcome } from "../wire/lambda-event.ts";
import type { RecordColumns } from "../wire/record-columns.ts";
import { Answers } from "./answers.ts";
import { drive } from "./asking.ts";
import { clientsOf, neededBy } from "./clients.ts";
import type { DeadLetter } from "./dead-letter.ts";
import { type Evaluation, evaluate, type TaskInput } from "./evaluate.ts";
import { type CommitNumbers, isExactlyOnce, onceOf, openAhead } from "./exactly-once.ts";
import { endsOf, findInput, type TaskRequest } from "./find-input.ts";
import type { Host } from "./host.ts";
import { catchUp, freshTask, noteCommitted, type OpenTask, openTask } from "./open-task.ts";
import { decodeOutbox, recordsIn, toSend } from "./outbox.ts";
import { OutsideWriter } from "./outside-writer.ts";
import { NO_BUNDLES, PreparedBundles } from "./prepared-bundles.ts";
import { putRows } from "./put-rows.ts";
import { Marks, obstacleTo } from "./read-letters.ts";
import type { ReadSettings } from "./read-source.ts";
import { withOriginal } from "./redrive.ts";
import { type TaskReport, toRefusedReport, toReport } from "./report.ts";
import { sendAhead } from "./send-ahead.ts";
import { isRingNearlyFull, writeChunks } from "./snapshot.ts";
import { assertSame, assertUnchanged } from "./strict.ts";
import type { TaskName } from "./task-name.ts";
import { toEntry } from "./to-entry.ts";
import type { Problem, UnitId } from "./units.ts";

/** How often a task that loses its race decides afresh before the batch is left to be delivered again. */
const CONFLICTS_MAX = 5;

/** Passes over a batch before it is given up: each finds at least one more unit that fails. */
const PASSES_MAX = 1_000;

/** So many passes look for units that fail by themselves; where a batch has more, all that fail are taken together. */
const EXACT_PASSES_MAX = 32;

/** What is left of the commit before. */
const REST = { kind: "rest" } as const satisfies TaskInput;

/** One function on one partition of its input, with its warm cache. */
export class Task {
  readonly #host: Host;
  readonly #plan: FunctionPlan;
  readonly #name: TaskName;
  readonly #settings: ReadSettings;
  readonly #answers: Answers;
  /** Of the invocation that is handled; undefined: for ever. */
  #remainingMs: (() => number) | undefined;
  readonly #outside: OutsideWriter;
  readonly #prepared: PreparedBundles;
  #open: OpenTask | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(host: Host, plan: FunctionPlan, name: TaskName) {
    this.#host = host;
    this.#plan = plan;
    this.#name = name;
    this.#answers = new Answers(host);
    this.#outside = new OutsideWriter(host, plan, name);
    this.#prepared = new PreparedBundles(host.broker, name);
    this.#settings = { recordBytesMax: host.broker.recordBytesMax, freeze: host.strict };
  }

  /**
   * Handles a request after those before it. Throws where the request must be delivered again; where it waits for answers, before the time of the invocation
   * is over.
   */
  run(request: TaskRequest, remainingMs?: () => number): Promise<void> {
    return this.#inTurn(remainingMs, () =>
      this.#plan.commits ? this.#runWithLog(request) : this.#runWithoutLog(request),
    );
  }

  /**
   * Processes its own dead letters again, each once, whoever else does the same. Where none is new it still settles what a redrive that was
   * interrupted left unsent. Throws where it must be repeated.
   */
  redrive(letters: readonly DeadLetter[], remainingMs?: () => number): Promise<readonly RedriveOutcome[]> {
    return this.#inTurn(remainingMs, () => this.#redrive(letters));
  }

  #inTurn<T>(remainingMs: (() => number) | undefined, work: () => Promise<T>): Promise<T> {
    const begin = () => {
      this.#remainingMs = remainingMs;
      return work();
    };
    const result = this.#last.then(begin);
    this.#last = result.catch(() => {
      // L8: after any failure the cache may hold what was never committed.
      this.#open = undefined;
    });
    return result;
  }

  async #runWithLog(request: TaskRequest): Promise<void> {
    const { first, last } = endsOf(request);
    let conflicts = 0;
    let wasFull = false;
    while (conflicts <= CONFLICTS_MAX) {
      const task = await this.#openFor(first);
      await this.#settle(task);
      const hasRest = wasFull || task.meta.moving !== undefined;
      wasFull = false;
      const evaluated = await this.#decide(task, hasRest ? REST : request);
      if (evaluated === undefined) return;
      if (evaluated === "behind") {
        this.#open = undefined;
        conflicts++;
        continue;
      }
      if (!evaluated.evaluation.changed) {
        this.#wake(evaluated.task.head, evaluated.evaluation.wakeAtMs);
        // Of a hole with prepared bundles alone there may be more.
        if (hasRest || (last !== undefined && evaluated.task.meta.checkpoint < last)) continue;
        return;
      }
      if (!(await this.#commit(evaluated.task, evaluated.evaluation))) {
        this.#open = undefined;
        conflicts++;
        continue;
      }
      wasFull = evaluated.evaluation.isFull;
      // Before the batch there may have been the rest of another one, or a part of a hole.
      const isDone = last === undefined ? !hasRest : evaluated.task.meta.checkpoint >= last;
      if (isDone && !wasFull) return;
      conflicts = 0;
    }
    throw new MillraceError(
      "conflict",
      `Task ${this.#name.full} lost its race ${CONFLICTS_MAX + 1} times in a row; the batch will be delivered again.`,
    );
  }

  async #redrive(letters: readonly DeadLetter[]): Promise<readonly RedriveOutcome[]> {
    const outcomes = new Map<string, RedriveOutcome>();
    const impossible = (id: string, reason: string) => outcomes.set(id, { id, outcome: "impossible", reason });
    const originals: DeadLetter[] = [];
    for (const letter of letters) {
      const original = await withOriginal(this.#host.broker, letter);
      if (typeof original === "string") impossible(letter.id, original);
      else originals.push(original);
    }
    /** A commit of ours, or of whoever was interrupted, has outputs of which only we know that they were sent. */
    let owes = false;
    for (let conflicts = 0; conflicts <= CONFLICTS_MAX; ) {
      const task = await this.#openFor(undefined);
      owes ||= !task.settled;
      await this.#settle(task);
      const todo = new Map<string, DeadLetter>();
      const marks = new Marks(task.state);
      for (const letter of originals) {
        const { id } = letter;
        if (outcomes.has(id)) continue;
        const mark = marks.of(id);
        const obstacle = mark === undefined ? obstacleTo(task, letter) : undefined;
        if (mark !== undefined)
          outcomes.set(id, { id, outcome: mark === "done" ? "redriven-before" : "failed-before" });
        else if (obstacle !== undefined) impossible(id, obstacle);
        else todo.set(id, letter);
      }
      if (todo.size === 0 && !owes) break;
      if (isRingNearlyFull(task)) await writeChunks(this.#host.stateLog, task);
      const hasRest = task.meta.moving !== undefined;
      const input: TaskInput = hasRest ? REST : { kind: "redrive", letters: [...todo.values()] };
      const { task: evaluated, evaluation } = await this.#evaluate(task, input);
      if (!(await this.#commit(evaluated, evaluation))) {
        this.#open = undefined;
        conflicts++;
        continue;
      }
      conflicts = 0;
      for (const [{ id }, reason] of evaluation.redriven)
        outcomes.set(id, reason === null ? { id, outcome: "redriven" } : { id, outcome: "failed-again", reason });
      // A last commit without outputs says that all before it were sent, as nobody delivers a redrive again.
      owes = evaluation.batches.length > 0;
    }
    if (outcomes.size < new Set(letters.map(({ id }) => id)).size)
      throw new MillraceError(
        "conflict",
        `Task ${this.#name.full} lost its race ${CONFLICTS_MAX + 1} times in a row; repeat the redrive.`,
      );
    return [...outcomes.values()];
  }

  /** Foreign topic → deterministic steps → declared topics: identified by the input's offsets, so no log is needed. */
  async #runWithoutLog(request: TaskRequest): Promise<void> {
    if (request.kind === "tick") return;
    this.#open = freshTask(this.#plan, this.#name, this.#settings.recordBytesMax);
    const { task, evaluation } = await this.#evaluate(this.#open, {
      kind: "records",
      stretches: [request.records],
      bundles: NO_BUNDLES,
    });
    if (evaluation.batches.length > 0) await this.#host.broker.produce(toSend(evaluation.batches, this.#name.full, 0));
    this.#host.report(toReport(task, evaluation, 0, 0));
  }

  /** The batch itself tells whether the cache is current; where it does not, the log is asked. */
  async #openFor(firstOffset: number | undefined): Promise<OpenTask> {
    const cached = this.#open;
    if (
      cached !== undefined &&
      (firstOffset === cached.meta.checkpoint + 1 || (await catchUp(this.#host.stateLog, cached)))
    )
      return cached;
    this.#open = await this.#reopen();
    // Whoever committed the head may be gone since, before it could ask for its wake-up.
    if (this.#open.head !== undefined) this.#wake(this.#open.head, this.#open.head.wakeAtMs);
    return this.#open;
  }

  #reopen(): Promise<OpenTask> {
    const { stateLog, commitLimits } = this.#host;
    return openTask(stateLog, this.#plan, this.#name, this.#settings.recordBytesMax, commitLimits);
  }

  /** L9: emits the head's outputs unless they are known to be acknowledged. This is the whole of re-emission on redelivery. */
  async #settle(task: OpenTask): Promise<void> {
    if (task.settled || task.head === undefined) return;
    // Somebody may have emitted it before, so that what was emitted before it must be known to the broker.
    await this.#emit(task, decodeOutbox(task.head.outputs), {
      sequenceNumber: task.head.sequenceNumber,
      previousSequenceNumber: task.meta.exactlyOnce?.before,
    });
  }

  async #emit(task: OpenTask, batches: ReturnType<typeof decodeOutbox>, numbers: CommitNumbers): Promise<void> {
    const { full } = this.#name;
    const outgoing = toSend(batches, full, numbers.sequenceNumber);
    const plain = outgoing.filter((batch) => !isExactlyOnce(this.#plan, batch));
    const exactlyOnce = outgoing.filter((batch) => isExactlyOnce(this.#plan, batch));
    const { attemptId } = task.head as LogEntry;
    if (!this.#outside.hasBegun(attemptId)) {
      // First, as a repeat leaves nothing behind where it has been done already.
      await putRows(this.#host, full, batches, numbers.sequenceNumber);
      if (plain.length > 0) await this.#host.broker.produce(plain);
      if (exactlyOnce.length > 0)
        await this.#host.broker.produceExactlyOnce(exactlyOnce, onceOf(this.#plan, this.#name, numbers));
    }
    try {
      await this.#outside.write(attemptId, numbers.sequenceNumber, batches);
    } finally {
      // A later part may have failed: these are sent all the same.
      const refused = this.#outside.takeRefused();
      if (refused > 0) this.#host.report(toRefusedReport(task, refused));
    }
    task.settled = true;
  }

  /** What is to become of a request; undefined where there is nothing to process. "behind": other writers have gone on, and the log must be read again. */
  async #decide(
    task: OpenTask,
    request: TaskRequest | typeof REST,
  ): Promise<{ task: OpenTask; evaluation: Evaluation } | "behind" | undefined> {
    const { broker, stateLog } = this.#host;
    const { head } = task;
    try {
      const found = request.kind === "rest" ? request : await findInput(broker, task, request);
      if (found === undefined) return undefined;
      const input = found.kind === "records" ? await this.#withBundles(task, found.stretches) : found;
      // L6: whoever crashed between commit and chunks left them to us.
      if (isRingNearlyFull(task)) await writeChunks(stateLog, task);
      return await this.#evaluate(task, input);
    } catch (error) {
      if (!(error instanceof MillraceError) || error.code !== "input-missing") throw error;
      // What is gone may have been processed by another writer since the log was read, and deleted then.
      const now = head === undefined ? (await this.#reopen()).head : (await catchUp(stateLog, task)) ? head : undefined;
      if (now?.attemptId !== head?.attemptId) return "behind";
      throw error;
    }
  }

  async #withBundles({ meta }: OpenTask, stretches: readonly RecordColumns[]): Promise<TaskInput> {
    const isOfShuffle = this.#plan.shuffle !== undefined;
    return {
      kind: "records",
      stretches,
      bundles: isOfShuffle ? await this.#prepared.releasedBy(stretches, meta) : NO_BUNDLES,
    };
  }

  /** Evaluates until no unit fails any more; every pass after a failure starts from the log. */
  async #evaluate(opened: OpenTask, input: TaskInput): Promise<{ task: OpenTask; evaluation: Evaluation }> {
    // First of all: what is missing is nobody's dead letter.
    if (this.#plan.uses.length > 0 && input.kind !== "tick")
      await clientsOf(this.#host).demand(this.#plan.name, neededBy(this.#plan, this.#host));
    let task = opened;
    const nowMs = this.#host.now();
    this.#answers.begin();
    const pass = (on: OpenTask) =>
      drive(evaluate(on, input, (on.head?.sequenceNumber ?? 0) + 1, nowMs, this.#settings), (round) =>
        this.#answers.of(round, this.#remainingMs),
      );
    let bad = new Map<UnitId, Problem>();
    let careful = false;
    let exact = true;
    const fresh = async () => {
      task = this.#plan.commits
        ? await this.#reopen()
        : freshTask(this.#plan, this.#name, this.#settings.recordBytesMax);
      task.settled = true;
      task.units.bad = bad;
      task.units.careful = careful;
      task.units.exact = exact;
      this.#open = task;
      return pass(task);
    };
    const expected = opened.head?.sequenceNumber;
    const first = pass(task);
    let evaluation = first instanceof Promise ? await first : first;
    for (let pass = 1; evaluation === undefined; pass++) {
      if (pass > PASSES_MAX)
        throw new MillraceError(
          "author",
          `More than ${PASSES_MAX} records or results of a batch of ${this.#name.full} fail one after the other; make the batch smaller.`,
        );
      ({ bad, careful } = task.units);
      exact = pass < EXACT_PASSES_MAX;
      if (this.#host.strict) assertUnchanged(this.#name, bad.values());
      evaluation = await fresh();
      this.#expectHead(task, expected);
    }
    if (this.#host.strict) {
      ({ bad, careful } = task.units);
      const again = await fresh();
      this.#expectHead(task, expected);
      assertSame(this.#name, evaluation, again);
      return { task, evaluation: again as Evaluation };
    }
    return { task, evaluation };
  }

  /** A reload in the middle of a batch may meet another writer's commit, whose outputs we do not know to be settled. */
  #expectHead(task: OpenTask, sequenceNumber: number | undefined): void {
    if (task.head?.sequenceNumber === sequenceNumber) return;
    throw new MillraceError(
      "conflict",
      `Task ${this.#name.full} was overtaken while it set failing records aside; the batch will be delivered again.`,
    );
  }

  /** Sends ahead what is large, appends, reports, emits. False: the race was lost. */
  async #commit(task: OpenTask, evaluation: Evaluation): Promise<boolean> {
    const attemptId = this.#host.newAttemptId();
    const batches = await sendAhead(this.#host.broker, evaluation.batches, attemptId, this.#host.commitLimits);
    const entry = toEntry(task, { ...evaluation, batches }, attemptId);
    const { sequenceNumber } = entry;
    const opened = openAhead(this.#host.broker, this.#plan, this.#name, recordsIn(batches), sequenceNumber);
    // Nothing of it is left under way when the invocation ends.
    const appended = await append(this.#host.stateLog, this.#name.full, entry).finally(() => opened);
    if (appended.kind === "lost") return false;
    this.#answers.clear();
    noteCommitted(task, entry, evaluation.taken.ranges);
    // At once: what comes next may fail, and a repeat finds nothing to do.
    const entryBytes = entry.changes.length + entry.outputs.length + entry.meta.length;
    this.#host.report(toReport(task, evaluation, entry.sequenceNumber, entryBytes, this.#takeUnits()));
    if (!evaluation.isFull) this.#wake(entry, entry.wakeAtMs);
    if (!task.settled) await this.#emit(task, batches, { sequenceNumber: entry.sequenceNumber });
    await writeChunks(this.#host.stateLog, task);
    return true;
  }

  #takeUnits(): Pick<TaskReport, "stateUnits" | "tableUnits"> {
    const stateUnits = this.#host.stateLog.takeUnits?.(this.#name.full);
    const tableUnits =
      this.#plan.tableOutputs.length === 0 ? undefined : this.#host.tables?.takeUnits?.(this.#name.full);
    return { ...(stateUnits !== undefined && { stateUnits }), ...(tableUnits !== undefined && { tableUnits }) };
  }

  /** Asks for a tick as of the commit `head`. */
  #wake(head: LogEntry | undefined, atMs: number | null): void {
    const { functionName, topic, partition } = this.#name;
    this.#host.wake(functionName, topic, partition, atMs, head?.sequenceNumber ?? 0);
  }
}
