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

/** Listens from now on. */
export function waitForInterrupt(terminal: Terminal): Interrupt {
  let interrupted = false;
  let wake = () => {};
  const over = new Promise<void>((resolve) => {
    wake = resolve;
  });
  const end = terminal.onInterrupt(() => {
    interrupted = true;
    wake();
  });
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
