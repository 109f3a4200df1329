/** What a command talks to: the process's streams and signals, or a test's. */

export interface Terminal {
  /** The current folder. */
  readonly folder: string;
  /** Standard input. */
  readonly input: AsyncIterable<Uint8Array>;
  /** Resolves when standard input has ended, as it does with the process that holds its other end. Waiting for it keeps nobody alive. */
  inputEnded(): Promise<void>;
  /** Whether a person types the input. */
  readonly inputIsTerminal: boolean;
  /** Writes to standard output: what was asked for. */
  out(text: string): void;
  /** Writes to standard error: everything else. */
  err(text: string): void;
  /** Resolves when whoever reads the output has taken what was written so far. */
  drained(): Promise<void>;
  /** Calls back on Ctrl-C and on a polite request to end. Returns a function that ends it. */
  onInterrupt(listener: () => void): () => void;
  /** Ends the process at once. */
  exit(code: number): void;
}

/** The exit code of whoever was ended by Ctrl-C: 128 and the number of SIGINT. */
export const INTERRUPTED = 130;

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/** The terminal of this process. */
export function processTerminal(): Terminal {
  const { stdin, stdout, stderr } = process;
  // Who reads our output may stop in the middle (`| head`): that is no failure, and there is nobody left to tell.
  stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit(0);
  });
  return {
    folder: process.cwd(),
    input: stdin as AsyncIterable<Uint8Array>,
    inputEnded: () => {
      const ended = new Promise<void>((resolve) => {
        for (const event of ["end", "close", "error"]) stdin.once(event, () => resolve());
      });
      stdin.resume();
      // Or who is done would stay until the other end is closed. A file has nothing to let go of.
      (stdin as Partial<Pick<typeof stdin, "unref">>).unref?.();
      return ended;
    },
    inputIsTerminal: stdin.isTTY === true,
    out: (text) => void stdout.write(text),
    err: (text) => void stderr.write(text),
    drained: () =>
      stdout.writableNeedDrain ? new Promise((resolve) => stdout.once("drain", resolve)) : Promise.resolve(),
    onInterrupt(listener) {
      for (const signal of SIGNALS) process.on(signal, listener);
      return () => {
        for (const signal of SIGNALS) process.off(signal, listener);
      };
    },
    exit: (code) => process.exit(code),
  };
}
