/** A terminal for tests: input given beforehand, output kept, Ctrl-C by a call. */

import type { Terminal } from "../../lib/cli/terminal.ts";

export class TestTerminal implements Terminal {
  readonly folder: string;
  readonly input: AsyncIterable<Uint8Array>;
  readonly inputIsTerminal = false;
  output = "";
  errors = "";
  /** The code that the process was ended with at once. */
  exitCode: number | undefined;
  readonly #listeners = new Set<() => void>();

  constructor(folder: string, input: string | Uint8Array | AsyncIterable<Uint8Array> = "") {
    this.folder = folder;
    this.input =
      typeof input === "object" && Symbol.asyncIterator in input
        ? input
        : (async function* () {
            yield Buffer.from(input);
          })();
  }

  async inputEnded(): Promise<void> {
    for await (const _ of this.input);
  }

  out(text: string): void {
    this.output += text;
  }

  err(text: string): void {
    this.errors += text;
  }

  async drained(): Promise<void> {}

  onInterrupt(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  exit(code: number): void {
    this.exitCode = code;
  }

  interrupt(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  /** Waits until the output contains a text. */
  shows(text: string): Promise<void> {
    return this.#until(() => this.output.includes(text));
  }

  /** Waits until the output has so many lines. */
  showsLines(count: number): Promise<void> {
    return this.#until(() => this.output.split("\n").length > count);
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
