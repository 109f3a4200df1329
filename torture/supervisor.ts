/** `millrace run` as a child process: all functions of the pipeline, or one of them. It ends with this process, however that ends. */

import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "..");
const STOP_MS_MAX = 20_000;
/** As a service manager does. */
const RESTART_MS = 200;

export type RunPlace = { readonly kafka: string; readonly dynamodb: string; readonly logFile: string };

/** Starts it; what it says is appended to the log file. `only`: one function. */
export function startMillrace({ kafka, dynamodb, logFile }: RunPlace, only?: string): ChildProcess {
  const log = openSync(logFile, "a");
  const where = ["--app", import.meta.dirname, "--kafka", kafka, "--dynamodb", dynamodb, "--supervised"];
  const which = only === undefined ? [] : ["--only", only];
  const child = spawn(process.execPath, ["bin/millrace.js", "run", ...where, ...which], {
    cwd: ROOT,
    // Its standard input ends with this process. A group of its own: Ctrl-C is for us to pass on.
    stdio: ["pipe", log, log],
    detached: true,
  });
  closeSync(log);
  child.stdin?.on("error", () => {});
  return child;
}

/** Runs all functions, and starts again whatever ends: killed, or because a server was down when it began. */
export class KeptRun {
  readonly #place: RunPlace;
  #child: ChildProcess;
  #restart: NodeJS.Timeout | undefined;
  #isStopping = false;

  constructor(place: RunPlace) {
    this.#place = place;
    this.#child = this.#start();
  }

  /** SIGKILL. */
  kill(): void {
    this.#child.kill("SIGKILL");
  }

  /** SIGKILL, and nobody takes its place. */
  abandon(): void {
    this.#isStopping = true;
    clearTimeout(this.#restart);
    this.kill();
  }

  /** Asks it to end, as Ctrl-C does, and waits; kills it if it does not. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    clearTimeout(this.#restart);
    const child = this.#child;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise<void>((resume) => child.once("exit", () => resume()));
    child.kill("SIGINT");
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS_MAX);
    await ended;
    clearTimeout(timer);
  }

  #start(): ChildProcess {
    const child = startMillrace(this.#place);
    child.once("exit", () => {
      if (this.#isStopping) return;
      this.#restart = setTimeout(() => {
        this.#child = this.#start();
      }, RESTART_MS);
    });
    return child;
  }
}
