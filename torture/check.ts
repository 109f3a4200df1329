/** Compares what a consumer read with the reference: nothing missing, nothing wrong, nothing twice, in order. */

import { Buffer } from "node:buffer";
import type { ResultRecord } from "./read-results.ts";
import { type Expected, sumOf, totalOf } from "./reference.ts";

/** What a topic promises: each result once, or repeats that can be told. */
export type Promised = "exactly-once" | "repeats-by-identity";

export type Checked = {
  readonly topic: string;
  readonly expected: number;
  readonly read: number;
  /** Records with the identity of one before. */
  readonly repeats: number;
  /** Sentences about what differs, the first of each kind. None: it is right. */
  readonly differences: readonly string[];
};

const SHOWN_MAX = 5;

/** Sentences by kind: how many there are, and the first ones. */
class Differences {
  readonly #kinds = new Map<string, string[]>();

  add(kind: string, what: string): void {
    const all = this.#kinds.get(kind) ?? [];
    this.#kinds.set(kind, all);
    all.push(what);
  }

  toSentences(): readonly string[] {
    return [...this.#kinds].map(([kind, all]) => {
      const more = all.length > SHOWN_MAX ? ` and ${all.length - SHOWN_MAX} more` : "";
      return `${all.length} ${kind}: ${all.slice(0, SHOWN_MAX).join("; ")}${more}`;
    });
  }
}

/** Checks the records of one topic, in the order of their offsets. */
export function checkTopic(
  topic: string,
  promised: Promised,
  records: readonly ResultRecord[],
  expected: Expected,
): Checked {
  const differences = new Differences();
  const byId = new Map<string, ResultRecord>();
  const found = new Set<string>();
  /** Per page, the last result: its windows, or sums, come one after the other. */
  const lastOfPage = new Map<string, { partition: number; order: number }>();
  let repeats = 0;
  for (const record of records) {
    const where = `partition ${record.partition}, offset ${record.offset}`;
    if (record.id === undefined) {
      differences.add("without an identity", where);
      continue;
    }
    const first = byId.get(record.id);
    if (first !== undefined) {
      repeats += 1;
      if (!isSame(first, record)) differences.add("repeats that differ from the first", `${record.id}, ${where}`);
      if (promised === "exactly-once") differences.add("repeated", `${record.id}, ${where}`);
      continue;
    }
    byId.set(record.id, record);
    const result = readResult(record);
    if (result === undefined) {
      differences.add("that cannot be read", `"${record.value.toString()}", ${where}`);
      continue;
    }
    const { page, order, name, text } = result;
    const wanted = expected.get(name);
    if (found.has(name)) differences.add("results twice, under two identities", `${name}, ${where}`);
    else if (wanted === undefined) differences.add("that should not be there", `${name} (${text}), ${where}`);
    else if (wanted !== text) differences.add("wrong", `${name} is ${text} and should be ${wanted}, ${where}`);
    found.add(name);
    const last = lastOfPage.get(page);
    if (last !== undefined && (last.partition !== record.partition || last.order >= order))
      differences.add("out of order", `${name} after ${last.order}, ${where}`);
    lastOfPage.set(page, { partition: record.partition, order });
  }
  for (const name of expected.keys()) if (!found.has(name)) differences.add("missing", name);
  return { topic, expected: expected.size, read: records.length, repeats, differences: differences.toSentences() };
}

function isSame(a: ResultRecord, b: ResultRecord): boolean {
  return a.partition === b.partition && a.key === b.key && Buffer.compare(a.value, b.value) === 0;
}

/** A total or a sum; undefined for anything else. */
function readResult({ key, value }: ResultRecord) {
  let parsed: Record<string, unknown>;
  try {
    parsed = JSON.parse(value.toString()) as Record<string, unknown>;
  } catch {
    return undefined;
  }
  const { page, windowStartMs, windows, views, worth } = parsed;
  const order = windowStartMs ?? windows;
  if (typeof page !== "string" || page !== key || typeof order !== "number") return undefined;
  if (typeof views !== "number" || typeof worth !== "number") return undefined;
  const named = windowStartMs === undefined ? sumOf(page, order, views, worth) : totalOf(page, order, views, worth);
  return { page, order, ...named };
}
