/** Processes of a benchmark: started, listened to line by line, and never outliving this one. */

import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

/** Writing a profile takes a moment. */
const ENDING_MS_MAX = 10_000;

export class Child {
  readonly #process: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #ended: Promise<void>;

  /** Runs a command. What it complains of is shown. */
  constructor(command: string, args: readonly string[]) {
    const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
    this.#process = child;
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const kill = () => child.kill("SIGKILL");
    process.once("exit", kill);
    this.#ended = new Promise((resolve) => child.once("close", () => resolve()));
    void this.#ended.then(() => process.removeListener("exit", kill));
    child.stdin.on("error", () => {});
  }

  tell(word: string): void {
    this.#process.stdin?.write(`${word}\n`);
  }

  /** The next line that it says; throws where it ends instead. */
  async line(): Promise<string> {
    const next = await this.#lines.next();
    if (next.done !== true) return next.value;
    await this.#ended;
    throw new Error(
      `A process of the benchmark ended too soon (${this.#process.exitCode ?? this.#process.signalCode}).`,
    );
  }

  /** Waits until it has ended by itself, but not for long. */
  async ending(): Promise<void> {
    await Promise.race([this.#ended, sleep(ENDING_MS_MAX, undefined, { ref: false })]);
  }

  async kill(): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#ended;
  }
}

/** Runs a module of this repository with the same Node and the same switches. */
export function startModule(module: URL, args: readonly string[]): Child {
  return new Child(process.execPath, [...process.execArgv, fileURLToPath(module), ...args]);
}
