/** What the servers that this process started have used of the processors: they share them with whoever is measured. */

import { readdirSync, readFileSync } from "node:fs";

/** Of Linux's clock, in which it counts them for all programs. */
const TICKS_PER_SECOND = 100;

/** CPU seconds of all Java processes below this one; undefined where the system has no /proc. */
export function cpuSecondsOfServers(): number | undefined {
  const processes = new Map(listProcesses().map((one) => [one.pid, one]));
  if (processes.size === 0) return undefined;
  const isBelow = (pid: number): boolean => {
    const parent = processes.get(pid)?.parent;
    return parent === process.pid || (parent !== undefined && isBelow(parent));
  };
  const servers = [...processes.values()].filter(({ pid, name }) => name === "java" && isBelow(pid));
  return servers.reduce((sum, { ticks }) => sum + ticks, 0) / TICKS_PER_SECOND;
}

function listProcesses() {
  let pids: readonly string[];
  try {
    pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
  return pids.flatMap((pid) => {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
      // The name stands in parentheses and may hold some; see proc(5).
      const end = stat.lastIndexOf(")");
      const [, parent, ...rest] = stat.slice(end + 2).split(" ");
      const ticks = Number(rest[9]) + Number(rest[10]);
      return [{ pid: Number(pid), parent: Number(parent), name: stat.slice(stat.indexOf("(") + 1, end), ticks }];
    } catch {
      // It has ended meanwhile.
      return [];
    }
  });
}
