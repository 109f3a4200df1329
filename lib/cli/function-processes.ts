/** A process per function, as Lambdas are: started, started again when one ends, and ended with this one, however it ends. */

import { type ChildProcess, spawn } from "node:child_process";
import * as nodeModule from "node:module"; // not by name: flushCompileCache is missing before Node 22.10
import { fileURLToPath } from "node:url";
import { INTERRUPTED, type Terminal } from "./terminal.ts";
import type { Interrupt } from "./wait.ts";

/** This command line, from the source as from the built package. */
const MILLRACE = fileURLToPath(new URL("../../bin/millrace.js", import.meta.url));

const RESTART_MS_FIRST = 200;
const RESTART_MS_MAX = 10_000;
/** Who ran this long did not fail at the start: its next restart is quick again. */
const HEALTHY_MS = 10_000;
/** Longer than a runtime waits for what is under way. */
const STOP_MS_MAX = 15_000;

type FunctionProcess = { child: ChildProcess; failures: number; startedAtMs: number };

/** Runs `millrace run` with these arguments once for each function, until interrupted. */
export async function runFunctionProcesses(
  names: readonly string[],
  args: readonly string[],
  terminal: Terminal,
  interrupt: Interrupt,
): Promise<void> {
  const running = new Map<string, FunctionProcess>();
  const restarts = new Set<NodeJS.Timeout>();
  let isStopping = false;

  const start = (name: string, failures: number): void => {
    const child = spawn(process.execPath, [...process.execArgv, MILLRACE, ...args, "--only", name, "--supervised"], {
      cwd: terminal.folder,
      // Standard input ends with this process, by which the other one knows. A group of its own: Ctrl-C is for us to pass on.
      stdio: ["pipe", "pipe", "pipe"],
      detached: true,
    });
    running.set(name, { child, failures, startedAtMs: Date.now() });
    child.stdout.on("data", (bytes) => terminal.out(String(bytes)));
    child.stderr.on("data", (bytes) => terminal.err(String(bytes)));
    child.stdin.on("error", () => {});
    child.on("error", (error) => terminal.err(`${name} cannot be started: ${error.message}\n`));
    child.on("close", (code, signal) => ended(name, code, signal));
  };

  const ended = (name: string, code: number | null, signal: string | null): void => {
    const before = running.get(name);
    running.delete(name);
    if (isStopping || before === undefined) return;
    const failures = Date.now() - before.startedAtMs > HEALTHY_MS ? 1 : before.failures + 1;
    const waitMs = Math.min(RESTART_MS_MAX, RESTART_MS_FIRST * 2 ** (failures - 1));
    terminal.err(`${name} ended (${signal ?? `exit code ${code}`}); it starts again in ${waitMs / 1_000} s.\n`);
    const timer = setTimeout(() => {
      restarts.delete(timer);
      start(name, failures);
    }, waitMs);
    restarts.add(timer);
  };

  // What this process has compiled the others need too; otherwise it is kept only when this one ends.
  (nodeModule as Partial<Pick<typeof nodeModule, "flushCompileCache">>).flushCompileCache?.();
  for (const name of names) start(name, 0);
  await interrupt.over;
  isStopping = true;
  for (const timer of restarts) clearTimeout(timer);
  const killAll = (signal: NodeJS.Signals) => {
    for (const { child } of running.values()) child.kill(signal);
  };
  const impatient = terminal.onInterrupt(() => {
    killAll("SIGKILL");
    terminal.err("Stopped at once. Nothing is lost: the next run goes on from the last commits.\n");
    terminal.exit(INTERRUPTED);
  });
  const all = [...running.values()].map(
    ({ child }) => new Promise((closed) => (child.exitCode === null ? child.once("close", closed) : closed(undefined))),
  );
  killAll("SIGINT");
  const tooLong = setTimeout(() => killAll("SIGKILL"), STOP_MS_MAX);
  await Promise.all(all);
  clearTimeout(tooLong);
  impatient();
}
