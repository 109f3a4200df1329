/** Guards of an invocation, of what tasks send each other, and of time. */

import { at, type Guard } from "./guard.ts";

const TASK = "runtime/task.ts";
const OPEN_TASK = "runtime/open-task.ts";

export const TASK_GUARDS: readonly Guard[] = [
  {
    name: "the head is settled first",
    invariant: "L9",
    without: "outputs of a commit whose writer died are never sent",
    patches: [at(TASK, "if (task.settled || task.head === undefined) return;", "return;")],
  },
  {
    name: "the head is settled before the next append",
    invariant: "L9, O1, O5",
    without: "the next commit hides outputs that were not sent",
    patches: [
      at(TASK, "      await this.#settle(task);\n      const hasRest = wasFull", "      const hasRest = wasFull"),
      at(
        TASK,
        "    noteCommitted(task, entry, evaluation.taken.ranges);\n",
        "    await this.#settle(task);\n    noteCommitted(task, entry, evaluation.taken.ranges);\n",
      ),
    ],
  },
  {
    name: "a failed send leaves the head unsettled",
    invariant: "L9",
    without: "what was not sent is remembered as sent",
    patches: [
      at(TASK, "      this.#open = undefined;\n    });", "    });"),
      at(TASK, "    if (plain.length > 0) await", "    task.settled = true;\n    if (plain.length > 0) await"),
    ],
  },
  {
    name: "success only after emission",
    invariant: "L5",
    without: "an invocation succeeds although its outputs were not acknowledged",
    patches: [
      at(TASK, "if (!task.settled) await this.#emit(task, batches", "if (!task.settled) void this.#emit(task, batches"),
      at(
        TASK,
        "{ sequenceNumber: entry.sequenceNumber });\n    await",
        "{ sequenceNumber: entry.sequenceNumber }).catch(() => {});\n    await",
      ),
    ],
  },
  {
    name: "outputs only after the commit",
    invariant: "L5",
    without: "results are sent that never become true",
    patches: [
      at(
        TASK,
        "    const appended = await append(this.#host.stateLog, this.#name.full, entry).finally",
        "    if (entry.outputs.length > 0) await this.#emit(task, batches, { sequenceNumber: entry.sequenceNumber });\n    const appended = await append(this.#host.stateLog, this.#name.full, entry).finally",
      ),
    ],
  },
  {
    name: "whoever lost decides afresh",
    invariant: "L8",
    without: "a decision on an old state is put behind the one that won",
    patches: [
      at(
        TASK,
        '    if (appended.kind === "lost") return false;',
        '    if (appended.kind === "lost") {\n      const { winner } = appended;\n      const again = { ...entry, sequenceNumber: winner.sequenceNumber + 1, previousAttemptId: winner.attemptId, base: Math.max(winner.base, entry.selfContained ? winner.sequenceNumber : entry.base), covered: Math.max(winner.covered, entry.selfContained ? winner.sequenceNumber : entry.covered) };\n      if ((await append(this.#host.stateLog, this.#name.full, again)).kind === "lost") return false;\n    }',
      ),
    ],
  },
  {
    name: "input at or below the checkpoint is skipped",
    invariant: "L3",
    without: "what is delivered again is counted again",
    patches: [
      at(
        "runtime/evaluate.ts",
        "while (from < records.count && (records.offsets[from] as number) <= task.meta.checkpoint) from++;",
        "",
      ),
      at("runtime/find-input.ts", "if (last <= meta.checkpoint) {", "if (last < 0) {"),
    ],
  },
  {
    name: "a hole before the batch is read",
    invariant: "O3",
    without: "records that the mapping left out are lost",
    patches: [at("runtime/find-input.ts", "if (first <= meta.checkpoint + 1)", "if (first >= 0)")],
  },
  {
    name: "the cache is current only where the batch follows it",
    invariant: "L8",
    without: "state that others have gone past is used without asking",
    patches: [at(TASK, "firstOffset === cached.meta.checkpoint + 1 ||", "firstOffset !== undefined ||")],
    redundant:
      "the append of whoever is behind is refused, and it looks at its log before it says that input is missing; asking first saves the work that would be lost",
  },
  {
    name: "after a failure nothing is remembered",
    invariant: "L8",
    without: "state that was never committed is built upon",
    patches: [at(TASK, "      this.#open = undefined;\n    });", "    });")],
  },
  {
    name: "repeats on declared topics are dropped",
    invariant: "O3",
    without: "what was sent twice is counted twice",
    patches: [
      at(
        "runtime/read-source.ts",
        "if (!isAbove(identity, meta.seen.get(identity.task))) {",
        "if (meta.seen.size < 0) {",
      ),
    ],
  },
  {
    name: "identities are compared as a whole",
    invariant: "O3",
    without: "the rest of a commit is dropped where a batch ends inside it",
    patches: [at("wire/identity.ts", "  return identity.index > seen[2];", "  return false;")],
  },
  {
    name: "repeated bundles are dropped",
    invariant: "O3",
    without: "bundles that were sent twice are counted twice",
    patches: [
      at(
        "runtime/task-meta.ts",
        "generation === last.generation && number <= last.number",
        "generation === last.generation && number < 0",
      ),
      at("runtime/read-shuffle.ts", "  if (number !== expected)", "  if (number > expected)"),
    ],
  },
  {
    name: "elements enter at their side",
    invariant: "sides",
    without: "what came from the right input of a join is taken for the left one's",
    patches: [
      at(
        "runtime/receiver.ts",
        "if (origin === undefined || origins[side] === origin) return side;",
        "if (origins.length > 1) return 0;",
      ),
    ],
  },
  {
    name: "bundles of former generations are dropped",
    invariant: "generations",
    without: "what was sent before everything started over is counted again",
    patches: [
      at("runtime/task-meta.ts", "return generation < last.generation || (", "return ("),
      at(
        "runtime/read-shuffle.ts",
        "const expected = generation === last.generation ? last.number + 1 : 1;",
        "const expected = generation === last.generation ? last.number + 1 : number;",
      ),
    ],
  },
  {
    name: "a task that begins skips former generations",
    invariant: "generations",
    without: "a function that starts over counts what its upstream sent in its former life",
    patches: [at(OPEN_TASK, "    await skipFormerGenerations(log, task.meta);\n", "")],
  },
  {
    name: "bundles are counted for each partition",
    invariant: "O3",
    without: "two bundles have one number, and one of them is dropped",
    patches: [at("runtime/evaluate.ts", "counters[partition] = number + bundles.length - 1;", "")],
  },
  {
    name: "a repeat has the identity of the first sending",
    invariant: "O2",
    without: "nobody can tell a repeat from a new result",
    patches: [
      at(
        TASK,
        "      sequenceNumber: task.head.sequenceNumber,\n      previousSequenceNumber",
        "      sequenceNumber: task.head.sequenceNumber + 1,\n      previousSequenceNumber",
      ),
    ],
  },
  {
    name: "a task waits for all its upstream tasks",
    invariant: "watermarks",
    without: "windows close before a partition has spoken",
    patches: [
      at(
        "watermarks/combined.ts",
        "    least = Math.min(least, input.watermarkMs);",
        "    least = Math.max(least === Number.POSITIVE_INFINITY ? input.watermarkMs : least, input.watermarkMs);",
      ),
    ],
  },
  {
    name: "upstream tasks are known from the start",
    invariant: "watermarks",
    without: "a partition that was not heard of yet holds nothing back",
    patches: [
      at(
        "watermarks/combined.ts",
        "watermarkMs: Number.NEGATIVE_INFINITY, idle: false, aligned: true",
        "watermarkMs: Number.NEGATIVE_INFINITY, idle: true, aligned: false",
      ),
    ],
  },
  {
    name: "watermarks reach partitions without elements",
    invariant: "watermarks",
    without: "windows of quiet partitions never close",
    patches: [
      at(
        "runtime/evaluate.ts",
        "const toAll = meta.idle !== before.idle || isToBeAnnounced(plan, meta.announcedMs, meta.watermarkMs);",
        "const toAll = meta.idle !== before.idle;",
      ),
    ],
  },
  {
    name: "the end of idleness is told everywhere",
    invariant: "watermarks",
    without: "a partition that came back is left out of the minimum elsewhere, and what it brings is late",
    patches: [
      at(
        "runtime/evaluate.ts",
        "const toAll = meta.idle !== before.idle ||",
        "const toAll = (meta.idle && !before.idle) ||",
      ),
    ],
  },
  {
    name: "the beginning of idleness is told everywhere",
    invariant: "watermarks",
    without: "a quiet partition holds back the windows of all others for ever",
    patches: [
      at(
        "runtime/evaluate.ts",
        "const toAll = meta.idle !== before.idle ||",
        "const toAll = (!meta.idle && before.idle) ||",
      ),
    ],
  },
  {
    name: "idle is who has nothing to read",
    invariant: "watermarks",
    without: "a partition that lags is left out of the minimum, and what it brings is late",
    patches: [at("runtime/evaluate.ts", "    input.nothingToRead &&\n", "")],
  },
  {
    name: "a watermark is where it was until all is fired that it passes",
    invariant: "time",
    without: "readers hear of a watermark before the results of windows that it ends, and take them for late",
    patches: [
      at(
        "runtime/advance.ts",
        "  if (!task.isFull) task.meta.watermarkMs = watermarkMs;",
        "  task.meta.watermarkMs = watermarkMs;",
      ),
    ],
  },
  {
    name: "what a commit had no room for is remembered",
    invariant: "time",
    without: "windows that were to end stay open",
    patches: [
      at("runtime/advance.ts", "  task.meta.moving = task.isFull ? { toMs: watermarkMs, told } : undefined;\n", ""),
    ],
  },
  {
    name: "a task's clock never goes back",
    invariant: "clock",
    without: "time of one commit lies before that of the one before it",
    patches: [
      at("runtime/advance.ts", "task.meta.nowMs = Math.max(task.meta.nowMs, nowMs);", "task.meta.nowMs = nowMs;"),
    ],
  },
  {
    name: "whoever waits for the clock asks to be woken",
    invariant: "ticks",
    without: "windows of idle partitions stay open until something comes",
    patches: [at("runtime/evaluate.ts", "return Number.isFinite(at) ? at : null;", "return null;")],
  },
];
