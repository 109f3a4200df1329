/** What the commands of verified runs do about their process: Ctrl-C, readers that leave, the screen, and exit codes. */

import { MillraceError } from "millrace";
import { ProblemLog } from "../lib/cli/problem-log.ts";
import { openScreen, type ProgressView, type Screen } from "./screen.ts";

export const EXIT_DIFFERS = 1;
const EXIT_USAGE = 2;
/** Ended by Ctrl-C: 128 and the number of SIGINT. */
const EXIT_INTERRUPTED = 130;

export type Command = {
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  /** Opens the screen, which is closed by `Shown.close`, or when the command ends. */
  open<P>(view: ProgressView<P>, options: { readonly json: boolean }): Shown<P>;
};

type Shown<P> = {
  readonly screen: Screen<P>;
  /** Says what went wrong and will be tried again. */
  onProblem(sentence: string): void;
  close(): void;
};

/** Runs `work` and makes what it returns, throws, or is interrupted by the exit code of this process. `goesOn` is said after Ctrl-C. */
export async function carryOut(work: (command: Command) => Promise<number>, goesOn: string): Promise<void> {
  const abort = new AbortController();
  const { stdout, stderr, env } = process;
  let closeScreen = () => {};
  // Who reads our output may stop in the middle (`| head`): that is no failure, and there is nobody left to tell.
  stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit(0);
  });
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      if (abort.signal.aborted) {
        closeScreen();
        process.exit(EXIT_INTERRUPTED);
      }
      abort.abort();
    });
  }
  const open: Command["open"] = (view, { json }) => {
    const isLive = stdout.isTTY && env.TERM !== "dumb";
    const screen = openScreen(json ? "silent" : isLive ? "live" : "plain", stdout, view);
    closeScreen = () => screen.close();
    const problems = new ProblemLog((sentence) => (json ? void stderr.write(`${sentence}\n`) : screen.say(sentence)));
    return { screen, onProblem: (sentence) => problems.add(sentence), close: closeScreen };
  };
  try {
    process.exitCode = await work({ signal: abort.signal, open });
  } catch (error) {
    closeScreen();
    if (abort.signal.aborted) {
      stderr.write(`Stopped. ${goesOn}\n`);
      // Who was interrupted waits for nothing: not for what was under way, nor for zombies that --crash has made.
      process.exit(EXIT_INTERRUPTED);
    }
    if (!(error instanceof MillraceError)) throw error;
    stderr.write(`${error.message}\n`);
    process.exitCode = error.code === "usage" ? EXIT_USAGE : EXIT_DIFFERS;
  }
}
