/**
 * Puts dead letters through a task's chain again.
 *
 * R1: in the commit that processes a dead letter its identity goes into the task's state, and who finds it there leaves the letter out. So it is processed
 * once, however often, by however many, and wherever interrupted a redrive is repeated. Checkpoint, watermark and upstream positions stay as they are: a
 * letter is of its own time, and may be late.
 */

import { KeyedState, type KeyedTable } from "../state/keyed-state.ts";
import { decodeValue } from "../state/value-encoding.ts";
import { MillraceError } from "../stream/error.ts";
import { decodeKey } from "../stream/key.ts";
import { parseIdentity } from "../wire/identity.ts";
import type { RecordColumns } from "../wire/record-columns.ts";
import type { DeadLetter, Detail } from "./dead-letter.ts";
import { type BuriedElement, buryElement, buryRecord, reasonOf } from "./dead-letters.ts";
import { deepFreeze } from "./deep-freeze.ts";
import type { OpenTask } from "./open-task.ts";
import { type ReadSettings, readSource } from "./read-source.ts";
import { pushFor, takerFor } from "./receiver.ts";
import type { Problem } from "./units.ts";

/** What became of each dead letter: the reason where it failed again, null where it was processed. */
export type Redriven = ReadonlyMap<DeadLetter, string | null>;

/** What a task remembers of a dead letter that was redriven. */
export type Mark = "done" | "failed";

/** Steps' tables are called by keyBy and step, with a slash between: no step has this one. */
const TABLE = "redriven";

/** The table of redriven dead letters among a task's; not for those who look at what steps keep. */
export function isMarkTable(name: string): boolean {
  return name === TABLE;
}

/** What a task's state says of dead letters, by `id`. */
export class Marks {
  readonly #table: KeyedTable;

  constructor(state: KeyedState) {
    this.#table = state.table(TABLE);
  }

  of(id: string): Mark | undefined {
    const { namespace, key } = cellOf(id);
    return this.#table.get(namespace, key) as Mark | undefined;
  }

  /** The same without the rest of the state, which may be large. */
  detached(): Marks {
    const state = new KeyedState(1);
    const copy = state.table(TABLE);
    for (const namespace of this.#table.namespaces())
      this.#table.forEach(namespace, (key, mark) => copy.set(namespace, key, mark));
    return new Marks(state);
  }

  set(id: string, mark: Mark): void {
    const { namespace, key } = cellOf(id);
    this.#table.set(namespace, key, mark);
  }
}

/** A task's dead letters differ in commit and index; only those of a function without a log come from it and from its redrives. */
function cellOf(id: string): { namespace: string; key: string } {
  const identity = parseIdentity(id);
  if (identity === undefined) throw new MillraceError("format", `${JSON.stringify(id)} is no dead letter's identity.`);
  const { task, sequenceNumber, index } = identity;
  return { namespace: task.split("/").at(-2) as string, key: `${sequenceNumber}:${index}` };
}

/** Puts dead letters through the chain of `task`, which must be able to take them (obstacleTo), and marks them. */
export function readLetters(task: OpenTask, letters: readonly DeadLetter[], settings: ReadSettings): Redriven {
  const redriven = new Map<DeadLetter, string | null>();
  const marks = new Marks(task.state);
  const newestMs = [...task.meta.newestMs];
  for (const letter of letters) {
    const { id } = letter;
    redriven.set(letter, null);
    const failed = (problem: Problem) => redriven.set(letter, reasonOf(problem));
    if (letter.detail !== undefined) readDetail(task, letter, letter.detail, settings.freeze, failed);
    else {
      const records = toColumns(letter);
      const bury = (i: number, problem: Problem) => {
        failed(problem);
        buryRecord(task, records, i, problem, id);
      };
      readSource(task, records, 0, settings, { unit: id, bury });
    }
    marks.set(id, redriven.get(letter) === null ? "done" : "failed");
  }
  task.units.enter(undefined);
  task.meta.newestMs = newestMs;
  return redriven;
}

function readDetail(
  task: OpenTask,
  letter: DeadLetter,
  detail: Detail,
  freeze: boolean,
  failed: (problem: Problem) => void,
): void {
  const { units, chain } = task;
  const { id } = letter;
  const value = decodeValue(JSON.parse(new TextDecoder().decode(letter.value ?? undefined)));
  const known = units.bad.get(id);
  if (known !== undefined) {
    failed(known);
    const key = detail.kind === "result" ? null : detail.key;
    const buried: BuriedElement = { key, value, timestampMs: timeOf(letter, detail), detail };
    buryElement(task, letter.offset, buried, known, id);
    return;
  }
  if (freeze && detail.kind === "element") deepFreeze(value);
  units.enter(id);
  try {
    switch (detail.kind) {
      case "element":
        pushFor(task, detail)(value, decodeKey(detail.key), detail.timestampMs);
        break;
      case "partial": {
        const { windowStartMs, windowEndMs, key, elements } = detail;
        const spans =
          windowEndMs === undefined ? {} : { spans: { begins: [0], lengths: [windowEndMs - windowStartMs] } };
        const window = { namespace: windowStartMs, keys: [key], accumulators: [value], elements: [elements], ...spans };
        takerFor(task, detail)([window]);
        break;
      }
      case "result": {
        const accumulator = decodeValue(JSON.parse(detail.accumulator));
        chain.results.get(detail.table)?.(detail.namespace, detail.key, accumulator);
        break;
      }
      case "refused":
        task.collector.elements.named(detail.sink)?.(value, decodeValue(JSON.parse(detail.key)), detail.timestampMs);
        break;
      default:
        detail satisfies never;
    }
    if (units.careful) for (const step of chain.stateful) step.flush?.();
  } catch (error) {
    units.fail(id, error);
  }
}

function timeOf(letter: DeadLetter, detail: Detail): number {
  if (detail.kind === "element" || detail.kind === "refused") return detail.timestampMs;
  return detail.kind === "partial" ? detail.windowStartMs : letter.timestampMs;
}

/** Why a task cannot take a dead letter that is its own; undefined where it can. */
export function obstacleTo(task: OpenTask, letter: DeadLetter): string | undefined {
  const { detail, reference } = letter;
  if (detail === undefined) {
    if (letter.kind === "record" && task.plan.shuffle === undefined) return undefined;
    return reference ?? "it does not say what it was";
  }
  const { name } = task.plan;
  switch (detail.kind) {
    case "element":
      return refusalOf(() => pushFor(task, detail));
    case "partial":
      return refusalOf(() => takerFor(task, detail));
    case "result":
      return task.chain.results.get(detail.table) === undefined
        ? `it is a result of ${detail.table}, which ${name} does not have any more`
        : undefined;
    case "refused":
      return task.collector.elements.named(detail.sink) === undefined
        ? `it was for the sink ${detail.sink}, which ${name} does not write to any more`
        : undefined;
    default:
      return detail satisfies never;
  }
}

function refusalOf(find: () => unknown): string | undefined {
  try {
    find();
    return undefined;
  } catch (error) {
    if (error instanceof MillraceError && error.code === "state-unusable") return error.message;
    throw error;
  }
}

/** The original record, alone. */
function toColumns({ key, value, headers, timestampMs, offset }: DeadLetter): RecordColumns {
  const keyBytes = key?.length ?? 0;
  const bytes = new Uint8Array(keyBytes + (value?.length ?? 0));
  if (key !== null) bytes.set(key);
  if (value !== null) bytes.set(value, keyBytes);
  return {
    count: 1,
    offsets: Float64Array.of(Number(offset)),
    timestampsMs: Float64Array.of(timestampMs),
    bytes,
    keyStart: Int32Array.of(key === null ? -1 : 0),
    keyEnd: Int32Array.of(keyBytes),
    valueStart: Int32Array.of(value === null ? -1 : keyBytes),
    valueEnd: Int32Array.of(bytes.length),
    headers: headers.length === 0 ? undefined : [headers],
  };
}
