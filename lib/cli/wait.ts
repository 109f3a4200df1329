/** Waits for Ctrl-C, alone or with a time limit. */

import type { Terminal } from "./terminal.ts";

export type Interrupt = {
  /** Whether Ctrl-C was pressed. */
  isOver(): boolean;
  /** Resolves on Ctrl-C. */
  readonly over: Promise<void>;
  /** Resolves on Ctrl-C, or after a time. */
  orAfter(ms: number): Promise<void>;
  /** Stops listening. */
  end(): void;
};

/** Listens from now on. What else there is to wait for counts as Ctrl-C when it is over. */
export function waitForInterrupt(terminal: Terminal, other?: Promise<void>): Interrupt {
  let interrupted = false;
  let wake = () => {};
  const over = new Promise<void>((resolve) => {
    wake = resolve;
  });
  const interrupt = () => {
    interrupted = true;
    wake();
  };
  const end = terminal.onInterrupt(interrupt);
  void other?.then(interrupt, interrupt);
  return {
    isOver: () => interrupted,
    over,
    async orAfter(ms) {
      let timer: NodeJS.Timeout | undefined;
      const timeIsUp = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, ms);
      });
      await Promise.race([over, timeIsUp]);
      clearTimeout(timer);
    },
    end,
  };
}
