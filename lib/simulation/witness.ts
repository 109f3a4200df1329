/**
 * Sees every write that takes effect on the simulated servers, and says which of them no rule allows.
 *
 * L1, L2: entries of a task come as 1, 2, 3, …, each once, each naming the attempt before it. L6: chunks only go forward. L5, O2, O4: what is sent is, byte by byte and partition
 * by partition, what a commit holds, but for bundles that are sent ahead, which count for nobody; what a commit releases is there, of its own attempt. L9, O5: commit n + 1 comes, and is sent, only when all of n was.
 * Time: a task's clock never goes back; idle is who has nothing to read, and all partitions behind it are told when that begins and when it ends.
 */

import type { LogEntry } from "../state-log/state-log.ts";
import type { Topology } from "../stream/plan.ts";
import type { OutgoingBatch, OutgoingRecord } from "../wire/outgoing-record.ts";
import { decodePrepared, decodeRelease, isPrepared } from "../wire/sent-ahead.ts";
import type { Write } from "./simulated-dynamodb-table.ts";
import type { SimulatedRecord } from "./simulated-kafka.ts";
import type { Production } from "./variants.ts";

/** A commit and what of its outputs has not been seen yet. */
type Commit = {
  readonly sequenceNumber: number;
  readonly attemptId: string;
  readonly layout: number;
  /** The input up to this offset is in it. */
  readonly checkpoint: number;
  readonly idle: boolean;
  /** Undefined: no clock was looked at yet. */
  readonly nowMs: number | undefined;
  readonly unseen: Set<string>;
  before: Commit | undefined;
};

/** Records as they stand in a partition. */
type SentBatch = Omit<OutgoingBatch, "records"> & { readonly records: readonly SimulatedRecord[] };

/** A put that somebody sets out to make. */
type Attempt = {
  readonly entry: LogEntry;
  /** How far the task's input reached when the invocation began; undefined: nobody has looked. */
  readonly inputEnd: number | undefined;
};

/** What a meta says, of which the witness takes note. */
type Meta = { readonly checkpoint: number; readonly idle: boolean; readonly nowMs: number | string };

export type WitnessRules = {
  /** Topics that tasks without a log write: what they send follows from the input alone. */
  readonly unlogged: ReadonlySet<string>;
  /** The shuffles that a function writes, and whose time it has a say in. */
  readonly shufflesOf: (functionName: string, task: string) => readonly { name: string; partitions: number }[];
};

export function witnessRulesOf({ functions }: Topology): WitnessRules {
  const unlogged = functions
    .filter(({ commits }) => !commits)
    .flatMap(({ topicOutputs, deadLetterTopic }) => [
      deadLetterTopic,
      ...topicOutputs.map(({ topic }) => topic.topicName),
    ]);
  const plans = new Map(functions.map((plan) => [plan.name, plan]));
  return {
    unlogged: new Set(unlogged),
    shufflesOf: (functionName, task) =>
      (plans.get(functionName)?.shuffleOutputs ?? [])
        .map(({ shuffle }) => shuffle)
        .filter(({ upstream }) => upstream.includes(task)),
  };
}

export class Witness {
  /** What must not be, in the order in which it happened. */
  readonly broken: string[] = [];
  readonly #production: Production;
  /** What was put by anybody, by task, number and attempt: the item alone may have its body elsewhere. */
  readonly #attempted = new Map<string, Attempt[]>();
  readonly #heads = new Map<string, Commit>();
  /** The commit of each record that may be sent. */
  readonly #sendable = new Map<string, { readonly task: string; readonly commit: Commit }>();
  /** Whose bundle was sent ahead, by partition and offset. */
  readonly #prepared = new Map<string, Map<number, string>>();
  readonly #rules: WitnessRules;

  constructor(production: Production, rules: WitnessRules) {
    this.#production = production;
    this.#rules = rules;
  }

  /** Somebody is going to put an entry. `inputEnd`: how far the task's input reached when the invocation began. */
  attempt(task: string, entry: LogEntry, inputEnd?: number): void {
    const name = nameOf(task, entry.sequenceNumber, entry.attemptId);
    const known = this.#attempted.get(name);
    if (known === undefined) this.#attempted.set(name, [{ entry, inputEnd }]);
    else known.push({ entry, inputEnd });
  }

  /** An item was written. */
  written({ pk, before, after }: Write): void {
    const [, kind, name] = /^(entries|chunks#\d+)#(.*)$/.exec(pk) ?? [];
    if (after === undefined || name === undefined) return;
    if (kind !== "entries") {
      const [from, to] = [Number(before?.asOf?.N ?? 0), Number(after.asOf?.N)];
      if (to < from) this.#note(`L6: a chunk of ${name} as of ${from} was replaced by one as of ${to}`);
      return;
    }
    const { entry, body } = this.#production.fromEntryItem(after);
    const changes = body?.changesBytes ?? entry.changes.length;
    const outputs = body === undefined ? entry.outputs.length : body.byteLength - body.changesBytes;
    this.#committed(name, entry, { changes, outputs });
  }

  #committed(task: string, stored: LogEntry, bodyBytes: { changes: number; outputs: number }): void {
    const { sequenceNumber, attemptId, previousAttemptId } = stored;
    const before = this.#heads.get(task);
    const expected = (before?.sequenceNumber ?? 0) + 1;
    if (sequenceNumber !== expected) {
      this.#note(`L2: entry ${sequenceNumber} of ${task} instead of ${expected}`);
      return;
    }
    if (previousAttemptId !== (before?.attemptId ?? ""))
      this.#note(`L1: entry ${sequenceNumber} of ${task} does not follow the one before it`);
    if (before !== undefined && stored.layout < before.layout)
      this.#note(`an old version wrote entry ${sequenceNumber} of ${task} behind a newer one's`);
    if (before !== undefined && before.unseen.size > 0)
      this.#note(`L9: entry ${sequenceNumber} of ${task} came before all of ${before.sequenceNumber} was sent`);
    const attempts = this.#attempted.get(nameOf(task, sequenceNumber, attemptId)) ?? [];
    const attempt = attempts.find(
      ({ entry: { changes, outputs } }) => changes.length === bodyBytes.changes && outputs.length === bodyBytes.outputs,
    );
    if (attempt === undefined) {
      this.#note(`entry ${sequenceNumber} of ${task} was put by nobody`);
      return;
    }
    const { entry } = attempt;
    // Whoever is before the last one is of no interest any more.
    if (before !== undefined) before.before = undefined;
    const { checkpoint, idle, nowMs } = JSON.parse(entry.meta) as Meta;
    const commit: Commit = {
      sequenceNumber,
      attemptId,
      layout: stored.layout,
      checkpoint,
      idle,
      nowMs: typeof nowMs === "number" ? nowMs : undefined,
      unseen: new Set<string>(),
      before,
    };
    this.#heads.set(task, commit);
    const batches = this.#production.toSend(this.#production.decodeOutbox(entry.outputs), task, sequenceNumber);
    for (const batch of batches) {
      for (const { value } of batch.records) this.#checkRelease(task, attemptId, batch, value);
      for (const fingerprint of fingerprintsOf(batch)) {
        commit.unseen.add(fingerprint);
        this.#sendable.set(fingerprint, { task, commit });
      }
    }
    this.#checkTime(task, commit, batches, attempt.inputEnd);
    this.#attempted.delete(nameOf(task, sequenceNumber, attemptId));
  }

  #checkTime(task: string, commit: Commit, batches: readonly OutgoingBatch[], inputEnd: number | undefined): void {
    const { sequenceNumber, before, checkpoint, idle, nowMs } = commit;
    if (before?.nowMs !== undefined && nowMs !== undefined && nowMs < before.nowMs)
      this.#note(`time: the clock of ${task} went back from ${before.nowMs} to ${nowMs} in entry ${sequenceNumber}`);
    if (idle === (before?.idle ?? false)) return;
    // Whatever has come since the invocation began need not have been seen.
    if (idle && inputEnd !== undefined && inputEnd > checkpoint + 1)
      this.#note(`time: ${task} was called idle at offset ${checkpoint}, with input up to ${inputEnd} to read`);
    const [, functionName = "", place = ""] = task.split("/");
    for (const { name, partitions } of this.#rules.shufflesOf(functionName, `${functionName}/${place}`)) {
      const told = new Set(batches.filter(({ topic }) => topic === name).map(({ partition }) => partition));
      if (told.size < partitions)
        this.#note(
          `time: ${task} told ${told.size} of ${partitions} partitions of ${name} that it is ${idle ? "" : "no longer "}idle`,
        );
    }
  }

  #checkRelease(task: string, attemptId: string, { topic, partition }: OutgoingBatch, value: Uint8Array | null): void {
    const release = decodeRelease(value);
    if (release === undefined) return;
    const prepared = this.#prepared.get(`${topic}-${partition}`)?.get(release.offset);
    if (release.attemptId !== attemptId || prepared !== attemptId)
      this.#note(`L5: ${task} releases what ${prepared ?? "nobody"} has sent ahead as ${attemptId}`);
  }

  /** An invocation with a task's input up to an offset has succeeded: nobody delivers it again. */
  succeeded(task: string, end: number): void {
    const head = this.#heads.get(task);
    const prepared = this.#prepared.get(task.split("/").at(-2) ?? "");
    let offset = end;
    // They count for nobody: whoever is given what stands before them, or their release, sees to it.
    while (prepared?.has(offset)) offset -= 1;
    if (offset < 0) return;
    if (head === undefined || head.checkpoint < offset)
      this.#note(`L5: ${task} succeeded with offset ${offset}, which no commit holds`);
    else if (head.unseen.size > 0 && (head.before?.checkpoint ?? -1) < offset)
      this.#note(`L5: ${task} succeeded with offset ${offset}, although not all of ${head.sequenceNumber} was sent`);
  }

  /** Records reached a partition, whether or not a transaction around them will be committed. */
  sent({ topic, partition, records }: SentBatch): void {
    if (this.#rules.unlogged.has(topic)) return;
    const place = `${topic}-${partition}`;
    const released = records.filter(({ value, offset }) => {
      if (!isPrepared(value)) return true;
      const ofPartition = this.#prepared.get(place) ?? new Map<number, string>();
      this.#prepared.set(place, ofPartition.set(offset, decodePrepared(value).attemptId));
      return false;
    });
    for (const fingerprint of fingerprintsOf({ topic, partition, records: released })) {
      const found = this.#sendable.get(fingerprint);
      if (found === undefined) {
        this.#note(`L5, O2, O4: ${topic} was sent what no commit holds`);
        return;
      }
      const { task, commit } = found;
      commit.unseen.delete(fingerprint);
      const { before } = commit;
      if (before !== undefined && before.unseen.size > 0)
        this.#note(`O5: ${task} sent of ${commit.sequenceNumber} before all of ${before.sequenceNumber}`);
    }
  }

  #note(sentence: string): void {
    this.broken.push(sentence);
  }
}

function nameOf(task: string, sequenceNumber: number, attemptId: string): string {
  return `${task} ${sequenceNumber} ${attemptId}`;
}

/** All of a record and where it goes, as text. */
function fingerprintsOf({ topic, partition, records }: OutgoingBatch): string[] {
  return records.map(
    ({ key, value, timestampMs, headers }: OutgoingRecord) =>
      `${topic} ${partition} ${timestampMs} ${textOf(key)} ${textOf(value)} ${headers.map(([name, bytes]) => `${name}=${textOf(bytes)}`).join()}`,
  );
}

function textOf(bytes: Uint8Array | null): string {
  return bytes === null ? "null" : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
}
