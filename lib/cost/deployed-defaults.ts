/** How functions are deployed where nobody says otherwise: how records are gathered for them, their memory and their time. */

/** Without a word about it Lambda gathers records from Kafka for so long; whole seconds can be said. */
export const LAMBDA_WINDOW_SECONDS = 0.5;

const BATCH_RECORDS_MAX = 10_000;

/**
 * Small batches at once, or larger ones that wait. Each batch is an invocation, a line in the log and a write to the state log for each of its tasks, so that
 * with few records the wait is what decides what they cost: `millrace cost --window 0` shows it. Behind a shuffle records wait once more.
 */
export const TUNINGS = {
  /** Invoked with what a poll brings. */
  latency: { maxRecords: 1_000, windowSeconds: 0 },
  balanced: { maxRecords: BATCH_RECORDS_MAX, windowSeconds: LAMBDA_WINDOW_SECONDS },
  throughput: { maxRecords: BATCH_RECORDS_MAX, windowSeconds: 5 },
} as const;

/** A core is had from 1,769 MB on; a small function waits more than it computes. */
export const WITHOUT_LOG = { memoryMb: 512, timeoutSeconds: 60 };
/** A task whose cache is cold reads all its state first. */
export const WITH_LOG = { memoryMb: 1_024, timeoutSeconds: 180 };
