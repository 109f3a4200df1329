/** A Java server as a child process: ready when its log says so, ended by its process id, and never outliving this process. */

import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readdirSync, readFileSync, statSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * Starts the server and says its process id; kills it when standard input closes, which it does even where this process is killed and cannot
 * clean up. The shell is told apart from the server, so that signals go to the server alone.
 */
const GUARD = `exec 3<&0
"$@" </dev/null 3<&- >&2 & server=$!
echo $server
(cat <&3 >/dev/null; kill -9 $server) 2>/dev/null & guard=$!
wait $server; status=$?
kill $guard 2>/dev/null
exit $status`;

const READY_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 15_000;
const POLL_MS = 25;
const LOG_TAIL_LINES = 15;
const STOP_LOOKS_MAX = 20;
const STOP_LOOK_MS = 5;

export type JavaProcess = {
  /** Asks it to end, and kills it if it does not. */
  stop(): Promise<void>;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** SIGSTOP and SIGCONT. It has stopped when `freeze` returns. */
  freeze(): void;
  thaw(): void;
  /** Resolves when it has ended, for whatever reason. */
  readonly ended: Promise<void>;
};

/** Starts `java` with `arguments_`; resolves when a line of the log, which is appended to, contains `readyText`. */
export async function startJava(
  name: string,
  arguments_: readonly string[],
  logFile: string,
  readyText: string,
): Promise<JavaProcess> {
  const log = openSync(logFile, "a");
  const logStart = statSync(logFile).size;
  const child = spawn("sh", ["-c", GUARD, "sh", "java", ...arguments_], { stdio: ["pipe", "pipe", log] });
  closeSync(log);
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.stdin?.on("error", () => {});
  const signal = (kind: NodeJS.Signals) => {
    try {
      if (pid !== undefined && child.exitCode === null) process.kill(pid, kind);
    } catch {
      // It has ended meanwhile.
    }
  };
  const killAtExit = () => signal("SIGKILL");
  process.once("exit", killAtExit);
  void ended.then(() => process.removeListener("exit", killAtExit));

  const pid = await pidOf(child, ended);
  const logged = () => readFileSync(logFile).subarray(logStart).toString();
  for (const startedMs = Date.now(); !logged().includes(readyText); await sleep(POLL_MS)) {
    if (child.exitCode === null && child.signalCode === null && Date.now() - startedMs < READY_TIMEOUT_MS) continue;
    signal("SIGKILL");
    const tail = logged().split("\n").slice(-LOG_TAIL_LINES).join("\n");
    throw new Error(`${name} did not start; is Java 17 or later there? The end of ${logFile}:\n${tail}`);
  }

  const kill = async () => {
    signal("SIGKILL");
    await ended;
  };
  return {
    async stop() {
      signal("SIGTERM");
      await Promise.race([ended, sleep(STOP_TIMEOUT_MS, undefined, { ref: false })]);
      await kill();
    },
    kill,
    freeze: () => {
      signal("SIGSTOP");
      if (pid !== undefined) waitUntilStopped(pid);
    },
    thaw: () => signal("SIGCONT"),
    ended,
  };
}

/** A process goes on for a moment after the signal, and may answer in it. Where nothing tells, the moment is waited for. */
function waitUntilStopped(pid: number): void {
  const isStopped = () => {
    try {
      return readdirSync(`/proc/${pid}/task`).every((thread) =>
        /^State:\s*[Tt]/m.test(readFileSync(`/proc/${pid}/task/${thread}/status`, "utf8")),
      );
    } catch {
      return false;
    }
  };
  const clock = new Int32Array(new SharedArrayBuffer(4));
  for (let looks = 0; looks < STOP_LOOKS_MAX && !isStopped(); looks += 1) Atomics.wait(clock, 0, 0, STOP_LOOK_MS);
}

async function pidOf(child: ChildProcess, ended: Promise<void>): Promise<number | undefined> {
  const said = new Promise<number>((resolve) => child.stdout?.once("data", (line) => resolve(Number(String(line)))));
  return Promise.race([said, ended.then(() => undefined)]);
}
