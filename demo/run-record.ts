/** What a run remembers beside its state, so that after a `kill -9` the next one can go on with the same lines at the same event times. */

import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export type RunRecord = {
  readonly fingerprint: string;
  readonly seed: number;
  /** Where the event times begin. */
  readonly baseMs: number;
  readonly finished: boolean;
};

export type RunStart =
  | { readonly kind: "fresh"; readonly seed: number; readonly reason: string | undefined }
  | { readonly kind: "resumed"; readonly record: RunRecord };

/** Whether a run goes on with what it finds, and if not, why. */
export function decideStart(
  found: RunRecord | undefined,
  wanted: { readonly fingerprint: string; readonly seed: number | undefined; readonly newSeed: number },
): RunStart {
  const fresh = (reason?: string): RunStart => ({ kind: "fresh", seed: wanted.seed ?? wanted.newSeed, reason });
  if (found === undefined || found.finished) return fresh();
  if (found.fingerprint !== wanted.fingerprint) return fresh("An unfinished run had other lines; starting afresh.");
  if (wanted.seed !== undefined && wanted.seed !== found.seed)
    return fresh(`An unfinished run had the seed ${found.seed}; starting afresh.`);
  return { kind: "resumed", record: found };
}

/** undefined where there is none, or none that can be read. */
export function readRunRecord(folder: string): RunRecord | undefined {
  try {
    const found: Partial<RunRecord> = JSON.parse(readFileSync(join(folder, RUN_FILE), "utf8"));
    const { fingerprint, seed, baseMs, finished } = found;
    if (typeof fingerprint !== "string" || typeof seed !== "number" || typeof baseMs !== "number") return undefined;
    return { fingerprint, seed, baseMs, finished: finished !== false };
  } catch {
    return undefined;
  }
}

/** Replaces the record in one step. */
export function writeRunRecord(folder: string, record: RunRecord): void {
  writeFileSync(join(folder, `${RUN_FILE}.new`), `${JSON.stringify(record, undefined, 2)}\n`);
  renameSync(join(folder, `${RUN_FILE}.new`), join(folder, RUN_FILE));
}

const RUN_FILE = "run.json";
