/** The processes of one run, found by the Kafka they work on: which there are, and the end of all of them, by id. */

import { execFile, execFileSync } from "node:child_process";
import { promisify } from "node:util";

export type Found = {
  readonly pid: number;
  readonly parentPid: number;
  /** undefined: it starts the others. */
  readonly functionName: string | undefined;
};

const LIST = ["-ww", "-eo", "pid=,ppid=,args="];

/** What runs on the Kafka at `bootstrap`, whose port nobody else's Kafka has. */
export async function findProcesses(bootstrap: string): Promise<readonly Found[]> {
  return parse((await promisify(execFile)("ps", LIST, { maxBuffer: 2 ** 24 })).stdout, bootstrap);
}

function parse(listed: string, bootstrap: string): readonly Found[] {
  return listed.split("\n").flatMap((line) => {
    const match = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line);
    if (match === null || !line.includes("millrace.js run") || !line.includes(`--kafka ${bootstrap} `)) return [];
    const [, pid, parentPid, args] = match as unknown as [string, string, string, string];
    return [{ pid: Number(pid), parentPid: Number(parentPid), functionName: /--only (\S+)/.exec(args)?.[1] }];
  });
}

/** Sends a signal; false where there is no such process any more. */
export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
    throw error;
  }
}

/** Kills whatever is left of a run; stopped processes too, which could not end by themselves. At once, so that it can be done at the very end. */
export function killAll(bootstrap: string): void {
  for (const { pid } of parse(execFileSync("ps", LIST, { encoding: "utf8", maxBuffer: 2 ** 24 }), bootstrap))
    signal(pid, "SIGKILL");
}
