/** What a process has used, as Linux counts it: of the processors in hundredths of a second, with all its threads, and of the memory. */

import { readFileSync } from "node:fs";

/** Of Linux's clock, in which it counts them for all programs. */
const TICKS_PER_SECOND = 100;

/** CPU seconds since it started, of the system on its behalf too. Throws where the process has ended, or the system has no /proc. */
export function cpuSecondsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  // The name stands in parentheses and may hold some; see proc(5).
  const [, , ...rest] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(rest[9]) + Number(rest[10])) / TICKS_PER_SECOND;
}

/** The most memory that it has held. */
export function peakBytesOf(pid: number): number {
  return Number(/^VmHWM:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) * 1_024;
}
