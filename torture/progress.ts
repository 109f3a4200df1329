/** What a run shows while it goes on: a line that is drawn over itself on a terminal, and a line every few seconds elsewhere. */

import { showCount, showPlural } from "../lib/cli/printable.ts";
import { BLOW_KINDS, type BlowKind } from "./plan.ts";
import type { Dealt } from "./recovery.ts";

export type Progress = {
  readonly elapsedMs: number;
  readonly records: number;
  readonly written: number;
  readonly done: number;
  readonly recordsPerSecond: number;
  readonly kills: readonly Dealt[];
};

export interface ProgressLine {
  show(progress: Progress): void;
  /** Writes a line that stays. */
  say(line: string): void;
}

const LINE_EVERY_MS = 5_000;
const ERASE = "\r\u001b[K";

/** For a stream, or undefined for nobody. */
export function newProgressLine(stream: (NodeJS.WritableStream & { readonly isTTY?: boolean }) | undefined) {
  let shownAtMs = Number.NEGATIVE_INFINITY;
  const line: ProgressLine = {
    show(progress) {
      if (stream === undefined) return;
      if (stream.isTTY === true) stream.write(`${ERASE}${describeProgress(progress)}`);
      else if (progress.elapsedMs - shownAtMs >= LINE_EVERY_MS) {
        shownAtMs = progress.elapsedMs;
        stream.write(`${describeProgress(progress)}\n`);
      }
    },
    say: (text) => void stream?.write(`${stream.isTTY === true ? ERASE : ""}${text}\n`),
  };
  return line;
}

/** A progress as one line. */
function describeProgress({ elapsedMs, records, written, done, recordsPerSecond, kills }: Progress): string {
  return [
    `${(elapsedMs / 1_000).toFixed(0)} s`,
    `${showCount(done)} of ${showPlural(records, "record")}`,
    `${showCount(Math.round(recordsPerSecond))}/s`,
    `${showCount(written - done)} behind`,
    describeKinds(countKinds(kills)),
  ].join(", ");
}

export function countKinds(kills: readonly Dealt[]): Readonly<Partial<Record<BlowKind, number>>> {
  const counts: Partial<Record<BlowKind, number>> = {};
  for (const { kind } of kills) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

/** "12 kills (function 8, kafka 2, supervisor 2), 1 zombie" */
export function describeKinds(counts: Readonly<Partial<Record<BlowKind, number>>>): string {
  const killed = BLOW_KINDS.filter((kind) => kind !== "zombie" && counts[kind] !== undefined);
  const kills = killed.reduce((sum, kind) => sum + (counts[kind] ?? 0), 0);
  const kinds = killed.length === 0 ? "" : ` (${killed.map((kind) => `${kind} ${counts[kind]}`).join(", ")})`;
  return `${showPlural(kills, "kill")}${kinds}, ${showPlural(counts.zombie ?? 0, "zombie")}`;
}
