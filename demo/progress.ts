/** What is known of a run while it runs: gathered from what tasks report and from the results read so far. */

import type { TaskReport } from "../lib/runtime/report.ts";
import type { FaultCounts } from "../lib/simulation/faults.ts";
import type { WindowCounts } from "./direct-count.ts";

export type Progress = {
  readonly phase: "writing" | "counting";
  readonly lines: number;
  readonly linesDone: number;
  readonly linesPerSecond: number;
  /** The least watermark of the tasks that count; undefined before all have one. */
  readonly watermarkMs: number | undefined;
  readonly windowsClosed: number;
  readonly results: number;
  readonly newestWindow: NewestWindow | undefined;
  /** What was done to the run on purpose; undefined where nothing is. */
  readonly injected: Readonly<FaultCounts> | undefined;
};

export type NewestWindow = {
  readonly startMs: number;
  readonly endMs: number;
  readonly top: readonly (readonly [word: string, count: number])[];
};

const WINDOW_MS = 5_000;
const TOP_WORDS = 8;

/** Counts what the tasks of the two functions of one operator report: the one that reads the lines, and the one that counts. */
export class ReportCounts {
  lines = 0;
  late = 0;
  deadLetters = 0;
  duplicates = 0;
  /** When the last line was counted, by the clock given to `add`. */
  lastLineAtMs: number | undefined;
  readonly #operatorName: string;
  readonly #partitions: number;
  readonly #watermarks = new Map<number, number>();

  /** `partitions`: of the shuffle between the two. */
  constructor(operatorName: string, partitions: number) {
    this.#operatorName = operatorName;
    this.#partitions = partitions;
  }

  add(report: TaskReport, nowMs: number): void {
    if (report.functionName === this.#operatorName) {
      this.lines += report.records;
      this.deadLetters += report.deadLetters;
      if (report.records > 0) this.lastLineAtMs = nowMs;
    } else if (report.functionName === `${this.#operatorName}--by-key`) {
      this.late += report.late;
      this.duplicates += report.duplicates;
      this.#watermarks.set(report.partition, report.watermarkMs);
    }
  }

  get watermarkMs(): number | undefined {
    if (this.#watermarks.size < this.#partitions) return undefined;
    const least = Math.min(...this.#watermarks.values());
    return Number.isFinite(least) ? least : undefined;
  }
}

/** How many windows with results can get no more. */
export function countClosed(windows: WindowCounts, watermarkMs: number | undefined): number {
  if (watermarkMs === undefined) return 0;
  let closed = 0;
  for (const startMs of windows.keys()) if (startMs + WINDOW_MS - 1 <= watermarkMs) closed += 1;
  return closed;
}

/** The newest window that has results, with its most frequent words. */
export function findNewestWindow(windows: WindowCounts): NewestWindow | undefined {
  let startMs = Number.NEGATIVE_INFINITY;
  for (const start of windows.keys()) if (start > startMs) startMs = start;
  const counts = windows.get(startMs);
  if (counts === undefined) return undefined;
  const top = [...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1)).slice(0, TOP_WORDS);
  return { startMs, endMs: startMs + WINDOW_MS, top };
}
