/** Time as the local runtime sees it, so that tests and the simulation can bring their own. */

export interface Clock {
  /** Epoch milliseconds. */
  now(): number;
  /** Ends after `ms`, or at once when the signal aborts; it never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Lets everything else that is ready have its turn: timers, input, other mappings. */
  turn(): Promise<void>;
}

/** The machine's time. */
export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const end = () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", end);
        resolve();
      };
      const timer = setTimeout(end, ms);
      signal?.addEventListener("abort", end, { once: true });
    }),
  turn: () => new Promise((resolve) => setImmediate(resolve)),
};
