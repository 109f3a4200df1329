/**
 * The smallest task that keeps every rule of the log, and an oracle: its state is lists of the input's offsets by key, so that an input
 * lost, repeated, out of order or taken from another moment shows.
 */

import type { Rules } from "../../lib/state-log/decisions.ts";
import { type Chunk, LAYOUT, type LogEntry, type StateLog } from "../../lib/state-log/state-log.ts";
import { append, type OpenedLog, openLog, readTail } from "../../lib/state-log/workflow.ts";
import { MillraceError } from "../../lib/stream/error.ts";
import { utf8 } from "./entries.ts";

/** Record i appends its offset to the list of its key, or removes the key. */
export type Input = { readonly key: number; readonly kind: "append" | "remove" };

type Lists = Map<number, readonly number[]>;
type Change = readonly [kind: "append" | "remove" | "set", key: number, values: readonly number[]];

/** Rules that are a task's own, not the log's; switched off to see that the model notices. */
export type Breach =
  | "ignores as-of"
  | "forgets what others touched"
  | "advances base before chunks"
  | "skips chunks of empty ranges"
  | "puts a lost decision again"
  | "forgets to settle"
  | "settles after the append";

export const RANGES = ["0-0", "0-1"] as const;
const RANGE_INDEXES: readonly number[] = [0, 1];
const rangeOf = (key: number): number => key % RANGES.length;

/** A task as of `head`. */
export type Opened = {
  head: LogEntry | undefined;
  checkpoint: number;
  lists: Lists;
  /** Ranges touched since the base, which the next snapshot must write even where they are empty now. */
  touched: Set<number>;
};

/** What the input comes to up to an offset. */
export function fold(inputs: readonly Input[], checkpoint: number): Lists {
  const lists: Lists = new Map();
  for (const [offset, { key, kind }] of inputs.slice(0, checkpoint).entries()) {
    applyChange(lists, kind === "remove" ? ["remove", key, []] : ["append", key, [offset]]);
  }
  return lists;
}

export function toText(lists: Lists): string {
  return JSON.stringify([...lists].sort(([a], [b]) => a - b));
}

function applyChange(lists: Lists, [kind, key, values]: Change): void {
  if (kind === "remove") lists.delete(key);
  else lists.set(key, kind === "append" ? [...(lists.get(key) ?? []), ...values] : values);
}

const toBytes = (changes: readonly Change[]): Uint8Array => utf8(JSON.stringify(changes));
const fromBytes = (bytes: Uint8Array): readonly Change[] => JSON.parse(new TextDecoder().decode(bytes)) as Change[];
const wholeOf = (lists: Lists): Change[] => [...lists].map(([key, values]) => ["set", key, values]);

function applyEntry(opened: Opened, entry: LogEntry, appliesTo: (key: number) => boolean): void {
  if (entry.selfContained) {
    for (const key of [...opened.lists.keys()]) if (appliesTo(key)) opened.lists.delete(key);
    // The whole state may differ from the chunks in every range.
    opened.touched = new Set(RANGE_INDEXES);
  }
  for (const change of fromBytes(entry.changes)) {
    if (appliesTo(change[1])) applyChange(opened.lists, change);
    opened.touched.add(rangeOf(change[1]));
  }
  opened.head = entry;
  opened.checkpoint = Number(entry.meta);
}

/** L7: to each chunk the entries after it, in order. */
function restore({ entries, chunks }: OpenedLog, breach: Breach | undefined): Opened {
  const opened: Opened = { head: undefined, checkpoint: 0, lists: new Map(), touched: new Set() };
  const asOf = new Map(chunks.map((chunk) => [chunk.range, chunk.asOf]));
  for (const chunk of chunks) {
    for (const change of fromBytes(chunk.bytes)) applyChange(opened.lists, change);
  }
  for (const entry of entries) {
    const isAfter = (key: number) => entry.sequenceNumber > (asOf.get(RANGES[rangeOf(key)] ?? "") ?? 0);
    applyEntry(opened, entry, breach === "ignores as-of" ? () => true : isAfter);
  }
  if (breach === "forgets what others touched") opened.touched.clear();
  return opened;
}

export async function openTask(log: StateLog, task: string, rules: Rules, breach?: Breach): Promise<Opened> {
  const read = await openLog(log, task, rules);
  const opened = restore(read, breach);
  // Where nothing follows the base there is no entry to take these from.
  if (read.head !== undefined) {
    opened.head = read.head;
    opened.checkpoint = Number(read.head.meta);
  }
  return opened;
}

/** Brings a warm task up to the log's head. */
async function follow(log: StateLog, task: string, warm: Opened, rules: Rules): Promise<Opened | undefined> {
  if (warm.head === undefined) return undefined;
  const tail = await readTail(log, task, warm.head, rules);
  if (tail.kind === "reload") return undefined;
  for (const entry of tail.kind === "behind" ? tail.entries : []) applyEntry(warm, entry, () => true);
  return warm;
}

export type Writer = {
  readonly name: string;
  readonly log: StateLog;
  readonly task: string;
  readonly rules: Rules;
  readonly inputs: readonly Input[];
  readonly breach: Breach | undefined;
  /** An arbitrary number below `below`. */
  readonly pick: (below: number) => number;
  /** Sends the outputs of an entry; returns when they are acknowledged, throws "kafka" when that is not known. */
  readonly emit: (entry: LogEntry) => Promise<void>;
  /** Told each state that was opened. */
  readonly check: (opened: Opened) => void;
};

/** A writer that is still at it after so many invocations makes no progress. */
const INVOCATIONS_MAX = 300;

/** Processes the input to its end, in competition with other writers of the same task. */
export async function write(writer: Writer): Promise<void> {
  const { log, task, rules, inputs, pick } = writer;
  let warm: Opened | undefined;
  let acknowledged = 0;
  let attempts = 0;

  /** One invocation; false at the end of the input. */
  async function invoke(): Promise<boolean> {
    const cached = warm;
    warm = undefined;
    const followed = cached === undefined ? undefined : await follow(log, task, cached, rules);
    const opened = followed ?? (await openTask(log, task, rules, writer.breach));
    writer.check(opened);

    const settle = async () => {
      const { head } = opened;
      if (head !== undefined && head.outputs.byteLength > 0 && acknowledged !== head.sequenceNumber) {
        await writer.emit(head);
        acknowledged = head.sequenceNumber;
      }
    };
    if (writer.breach !== "forgets to settle" && writer.breach !== "settles after the append") await settle();
    if (opened.checkpoint === inputs.length) return false;

    const sequenceNumber = (opened.head?.sequenceNumber ?? 0) + 1;
    const selfContained = pick(6) === 0;
    let base = selfContained ? sequenceNumber - 1 : (opened.head?.base ?? 0);
    const isDue = !rules.coversOverwritten(sequenceNumber, base) || pick(8) === 0;
    if (!selfContained && isDue && opened.head !== undefined) {
      base = sequenceNumber - 1;
      const durable = putChunks(writer, opened, base);
      if (writer.breach !== "advances base before chunks") await durable;
      else durable.catch(() => undefined);
      opened.touched.clear();
    }

    const next = { ...opened, lists: new Map(opened.lists), touched: new Set(opened.touched) };
    const changes: Change[] = [];
    const to = Math.min(inputs.length, opened.checkpoint + 1 + pick(3));
    for (let offset = opened.checkpoint; offset < to; offset += 1) {
      const { key, kind } = inputs[offset] as Input;
      changes.push(kind === "remove" ? ["remove", key, []] : ["append", key, [offset]]);
    }
    for (const change of changes) applyChange(next.lists, change);
    attempts += 1;
    const entry: LogEntry = {
      sequenceNumber,
      attemptId: `${writer.name}${attempts}`,
      previousAttemptId: opened.head?.attemptId ?? "",
      base,
      covered: base,
      layout: LAYOUT,
      selfContained,
      meta: String(to),
      changes: toBytes(selfContained ? wholeOf(next.lists) : changes),
      outputs: pick(4) === 0 ? new Uint8Array(0) : utf8(`${opened.checkpoint}…${to}`),
      wakeAtMs: null,
    };
    let appended = await append(log, task, entry, rules);
    if (appended.kind === "lost" && writer.breach === "puts a lost decision again") {
      const { sequenceNumber: last, attemptId: previousAttemptId, base: winnersBase } = appended.winner;
      const again = { ...entry, sequenceNumber: last + 1, previousAttemptId, base: Math.max(base, winnersBase) };
      if (!selfContained && rules.coversOverwritten(again.sequenceNumber, again.base)) {
        appended = await append(log, task, again, rules);
      }
    }
    if (appended.kind === "lost") return true;
    if (writer.breach === "settles after the append") await settle();
    await writer.emit(entry);
    acknowledged = entry.sequenceNumber;
    if (selfContained) next.touched = new Set(RANGE_INDEXES);
    for (const [, key] of changes) next.touched.add(rangeOf(key));
    warm = { ...next, head: entry, checkpoint: to };
    return true;
  }

  for (let invocation = 1; invocation <= INVOCATIONS_MAX; invocation += 1) {
    try {
      if (!(await invoke())) return;
    } catch (error) {
      // What an event source mapping answers with another delivery; everything else is a finding.
      if (!(error instanceof MillraceError) || !["state-store", "conflict", "kafka"].includes(error.code)) throw error;
    }
  }
  throw new Error(`${writer.name} made no progress`);
}

/** L6: every range that was touched since the base, as of the head; durable when this returns. */
async function putChunks({ log, task, breach }: Writer, { lists, touched }: Opened, asOf: number): Promise<void> {
  for (const index of [...touched]) {
    const changes = wholeOf(new Map([...lists].filter(([key]) => rangeOf(key) === index)));
    if (breach === "skips chunks of empty ranges" && changes.length === 0) continue;
    const chunk: Chunk = { range: RANGES[index] ?? "", asOf, bytes: toBytes(changes) };
    await log.putChunk(task, chunk);
  }
}
