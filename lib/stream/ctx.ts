/** What authors' functions are told besides the element. */

/**
 * The second argument of authors' functions. One object is reused for all elements: read it at once, do not keep it. Functions that
 * declare fewer than two parameters do not get it.
 */
export interface Ctx {
  /** The element's timestamp, epoch milliseconds. */
  readonly timestampMs: number;
  /** The task's clock, epoch milliseconds: the same for a whole batch, however often that is gone through before its commit. Use it instead of Date.now(). */
  readonly processingTimeMs: number;
  /** Published with the commit that won, not with each attempt. */
  readonly log: Log;
  /** Published with the commit that won, not with each attempt. */
  readonly metrics: Metrics;
}

/** Log lines of a batch, the first 1,000 of each. */
export interface Log {
  debug(message: string, fields?: object): void;
  info(message: string, fields?: object): void;
  warn(message: string, fields?: object): void;
  error(message: string, fields?: object): void;
}

/** Counters of the author's own. */
export interface Metrics {
  /** Adds `n` (default 1) to the operator's counter of that name. */
  count(name: string, n?: number): void;
}
