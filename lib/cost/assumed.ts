/** What cannot be measured without an account, and is assumed where nobody says what was measured in one. */

/**
 * Milliseconds that an invocation waits: for the put of its commits, which go side by side, with the SDK's own work; for its records to be on all replicas; for
 * reads of state; and what is left of the event and the answer on their way.
 */
export const ASSUMED_MS = { commit: 8, send: 10, read: 8, rest: 2 } as const;

/** What a record takes a core where nobody has measured it, and what our own line in the log has where none was written. */
export const ASSUMED_RECORD_MS = 0.005;
export const ASSUMED_LINE_BYTES = 700;

/** What Lambda itself logs of an invocation in JSON, its start, its end and its report, about. */
export const PLATFORM_LOG_BYTES = 650;
/** What CloudWatch adds to each line. */
export const LOG_LINE_BYTES = 26;
/** What Kafka adds to a record and its part of a batch, about. */
export const RECORD_OWN_BYTES = 12;
/** A poller of Lambda's takes so much. */
const POLLER_BYTES_PER_SECOND = 5_000_000;
/** The memory at which a function has a core; below it has a part of one. */
const CORE_MB = 1_769;

export type Waits = { readonly committed: boolean; readonly sent: boolean; readonly read: boolean };

/** Milliseconds that an invocation is waiting. */
export function waitMs({ committed, sent, read }: Waits): number {
  const { commit, send, read: readMs, rest } = ASSUMED_MS;
  return rest + (committed ? commit : 0) + (sent ? send : 0) + (read ? readMs : 0);
}

/** Milliseconds that work takes which takes a whole core `cpuMs`. */
export function computeMs(cpuMs: number, memoryMb: number): number {
  return cpuMs * Math.max(1, CORE_MB / memoryMb);
}

/** Into how many that poll at once Lambda divides a topic's partitions. */
export function pollersFor(bytesPerSecond: number, partitions: number): number {
  return Math.max(1, Math.min(partitions, Math.ceil(bytesPerSecond / POLLER_BYTES_PER_SECOND)));
}
