/**
 * How much one commit holds. When a million windows end at once, their results neither fit into memory nor into an entry: so a step stops where a commit is
 * full, and goes on after it, before anything else is processed. What crosses a shuffle may be sent ahead of the commit, which then holds only where it stands (send-ahead.ts).
 */

export type CommitLimits = {
  /** Results of windows and timers. */
  readonly resultsMax: number;
  /** Bytes of records for topics, of rows and of elements for sinks, before they are compressed. What is fired last may exceed them. */
  readonly bytesMax: number;
  /** Bytes of bundles, compressed, from which on they are sent ahead. Fewer go with their commit: a round trip to the broker is dearer than their write units. */
  readonly aheadBytesMin: number;
};

export const COMMIT_LIMITS: CommitLimits = {
  resultsMax: 20_000,
  bytesMax: 4 * 1024 * 1024,
  aheadBytesMin: 4 * 1024,
};
