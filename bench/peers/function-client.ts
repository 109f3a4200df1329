/** Invokes a function that runs in a process of its own (function-process.ts): sends it the text of an event, and waits for its answer. */

import { Buffer } from "node:buffer";
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** The number of the invocation and the length of its event, four bytes each. */
export const FRAME_HEAD_BYTES = 8;

/** Of the function: with so much, Lambda gives a whole processor. Its runtime tells Node to use a twentieth for what is new and nine tenths in all. */
const MEMORY_MB = 1_769;
const MEMORY = [
  `--max-semi-space-size=${Math.floor(MEMORY_MB / 20)}`,
  `--max-old-space-size=${MEMORY_MB - Math.floor(MEMORY_MB / 10)}`,
];

type Waiting = { readonly resolve: () => void; readonly reject: (error: Error) => void };

export class FunctionClient {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  #invocations = 0;

  private constructor(child: ChildProcess) {
    this.#process = child;
    process.once("exit", () => child.kill("SIGKILL"));
  }

  /** Resolves when it has loaded its code and opened its connections. */
  static async start(args: readonly string[]): Promise<FunctionClient> {
    const module = fileURLToPath(new URL("./function-process.ts", import.meta.url));
    const child = spawn(process.execPath, [...process.execArgv, ...MEMORY, module, ...args], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    const client = new FunctionClient(child);
    await new Promise<void>((resolve, reject) => {
      child.once("exit", (code) => reject(new Error(`A function's process ended too soon (${code}).`)));
      createInterface({ input: child.stdout }).on("line", (line) => {
        if (line === "ready") resolve();
        else client.#answered(line);
      });
    });
    return client;
  }

  get pid(): number {
    return this.#process.pid as number;
  }

  invoke(eventText: string): Promise<void> {
    this.#invocations += 1;
    const id = this.#invocations;
    const event = Buffer.from(eventText);
    const head = Buffer.alloc(FRAME_HEAD_BYTES);
    head.writeUInt32BE(id, 0);
    head.writeUInt32BE(event.length, 4);
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#process.stdin?.write(head);
      this.#process.stdin?.write(event);
    });
  }

  /** It ends when its input does. */
  async stop(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#process.once("exit", () => resolve());
    this.#process.stdin?.end();
    await promise;
  }

  #answered(line: string): void {
    const space = line.indexOf(" ");
    const id = Number(space < 0 ? line : line.slice(0, space));
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (space < 0) waiting?.resolve();
    else waiting?.reject(new Error(line.slice(space + 1)));
  }
}
