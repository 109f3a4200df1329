/** What came out of a run: whether every window is right, what is wrong where not, and the figures. */

import type { FaultCounts } from "../lib/simulation/faults.ts";
import { compareWindows, type Difference, describeDifference } from "./compare-windows.ts";
import type { DirectCount } from "./direct-count.ts";
import type { ResultReader } from "./result-reader.ts";
import { describeInjected, formatCount, formatPlural } from "./screen-model.ts";
import { type InputSummary, LINE_BYTES_MAX } from "./text-input.ts";

const DIFFERENCES_SHOWN = 10;

/** The JSON summary, and what is said of it. */
export type Summary = {
  readonly verified: boolean;
  readonly files: number;
  readonly lines: number;
  readonly words: number;
  readonly windows: number;
  /** Words of windows: records of word-counts, repeats not counted. */
  readonly results: number;
  readonly seconds: number;
  readonly recordsPerSecond: number;
  readonly seed: number;
  readonly resumed: boolean;
  /** Lines that are not valid UTF-8; they are dead letters. */
  readonly unreadableLines: number;
  readonly linesTooLong: number;
  readonly late: number;
  /** Records of word-counts that repeat another one, and say so by their identity. */
  readonly repeats: number;
  /** The probability that was asked for. */
  readonly crash: number;
  /** What was injected; all zero without --crash. */
  readonly injected: Readonly<FaultCounts>;
  /** What differs, the first few as sentences; empty where everything is verified. */
  readonly problems: readonly string[];
};

export type Outcome = {
  readonly input: InputSummary;
  readonly seed: number;
  readonly isResumed: boolean;
  /** Whether repeats are to be expected: after a crash outputs may be sent again, with the same identity. */
  readonly mayRepeat: boolean;
  readonly directCount: Pick<DirectCount, "windows" | "lines" | "words" | "unreadable" | "results">;
  readonly results: Pick<ResultReader, "windows" | "contradictions" | "records" | "repeats">;
  readonly deadLetters: number;
  readonly late: number;
  readonly crash: number;
  readonly injected: Readonly<FaultCounts> | undefined;
  readonly seconds: number;
  readonly recordsPerSecond: number;
};

const NOTHING_INJECTED: FaultCounts = { crashes: 0, lostReplies: 0, delays: 0, duplicates: 0, splits: 0, timeouts: 0 };

export function summarize(outcome: Outcome): Summary {
  const { directCount, results, input } = outcome;
  const problems = findProblems(outcome);
  return {
    verified: problems.length === 0,
    files: input.files,
    lines: directCount.lines,
    words: directCount.words,
    windows: directCount.windows.size,
    results: results.records - results.repeats,
    seconds: round(outcome.seconds, 3),
    recordsPerSecond: Math.round(outcome.recordsPerSecond),
    seed: outcome.seed,
    resumed: outcome.isResumed,
    unreadableLines: directCount.unreadable,
    linesTooLong: input.linesTooLong,
    late: outcome.late,
    repeats: results.repeats,
    crash: outcome.crash,
    injected: { ...NOTHING_INJECTED, ...outcome.injected },
    problems,
  };
}

function findProblems({ directCount, results, deadLetters, mayRepeat }: Outcome): readonly string[] {
  const problems: string[] = [];
  const differences = compareWindows(directCount.windows, results.windows);
  if (differences.length > 0)
    problems.push(`${formatPlural(differences.length, "result differs", "results differ")} from the direct count:`);
  problems.push(...showFirst(differences));
  if (results.contradictions.length > 0)
    problems.push(
      `${formatPlural(results.contradictions.length, "result")} came more than once, with another identity:`,
    );
  problems.push(...showFirst(results.contradictions));
  if (results.repeats > 0 && !mayRepeat)
    problems.push(`${formatPlural(results.repeats, "result")} came twice, although nothing crashed.`);
  if (deadLetters !== directCount.unreadable)
    problems.push(
      `${formatPlural(deadLetters, "line")} became dead letters, and the direct count found ${formatPlural(directCount.unreadable, "line")} without valid UTF-8.`,
    );
  return problems;
}

function showFirst(differences: readonly Difference[]): readonly string[] {
  const shown = differences.slice(0, DIFFERENCES_SHOWN).map((difference) => `  ${describeDifference(difference)}`);
  const more = differences.length - shown.length;
  return more > 0 ? [...shown, `  and ${formatCount(more)} more.`] : shown;
}

/** What is said at the end, in lines. */
export function describeSummary(summary: Summary): readonly string[] {
  const { lines, words, windows, results, seconds, recordsPerSecond, unreadableLines, linesTooLong, repeats } = summary;
  const notes: string[] = [];
  if (unreadableLines > 0)
    notes.push(
      `${formatPlural(unreadableLines, "line is", "lines are")} not valid UTF-8: dead letters, and not counted directly either.`,
    );
  if (linesTooLong > 0)
    notes.push(
      `${formatPlural(linesTooLong, "line is", "lines are")} longer than ${LINE_BYTES_MAX / 1024} KiB and left out.`,
    );
  if (summary.crash > 0) notes.push(`Injected: ${describeInjected(summary.injected)}.`);
  if (repeats > 0 && summary.verified)
    notes.push(
      `${formatPlural(repeats, "result was", "results were")} written again after a crash; their identities told, and they were dropped.`,
    );
  notes.push(
    `${formatPlural(lines, "line")} and ${formatPlural(words, "word")} in ${seconds.toFixed(1)} s, ${formatCount(recordsPerSecond)} records/s while counting.`,
  );
  const verdict = summary.verified
    ? [
        `Verified: every window (${formatCount(windows)}) and every result in it (${formatCount(results)}) equals a direct count of the same lines (seed ${summary.seed}).`,
      ]
    : [`NOT verified (seed ${summary.seed}).`, ...summary.problems];
  return [...notes, ...verdict];
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
