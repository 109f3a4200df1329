/** What an event source mapping does after an invocation: pure. */

/** How an invocation ended, as the mapping sees it. */
export type Outcome =
  | { readonly kind: "succeeded"; readonly response: unknown }
  | { readonly kind: "failed"; readonly error: unknown }
  | { readonly kind: "timed-out"; readonly error: unknown };

export type RetryPolicy = {
  /** Invocations of one batch, the first included; infinite in on-demand mode. */
  readonly attemptsMax: number;
  readonly bisect: boolean;
  readonly reportFailures: boolean;
  readonly backoffFirstMs: number;
  readonly backoffMaxMs: number;
};

/** What a delivery has behind it. */
export type Attempted = {
  readonly records: number;
  /** Failed invocations that count against the limit: a bisection does not. */
  readonly attempts: number;
  /** Failed invocations in a row. */
  readonly failures: number;
};

export type Verdict =
  | { readonly kind: "done" }
  /** Done below these offsets per partition; what is left is delivered again, as new. */
  | { readonly kind: "partly-done"; readonly failedFrom: ReadonlyMap<number, number>; readonly afterMs: number }
  | { readonly kind: "again"; readonly afterMs: number }
  | { readonly kind: "bisect"; readonly afterMs: number }
  | { readonly kind: "discard" };

/** Decides. `firstOffset` tells a partition's first offset in the batch, `has` whether an offset is in it. */
export function decide(outcome: Outcome, policy: RetryPolicy, attempted: Attempted, batch: BatchView): Verdict {
  const afterMs = Math.min(policy.backoffMaxMs, policy.backoffFirstMs * 2 ** attempted.failures);
  if (outcome.kind === "succeeded") {
    if (!policy.reportFailures) return { kind: "done" };
    const failedFrom = readFailures(outcome.response, batch);
    if (failedFrom !== "unreadable") {
      if (failedFrom.size === 0) return { kind: "done" };
      for (const [partition, offset] of failedFrom) {
        // Something went well, so the rest is a new batch with all its attempts.
        if (failedFrom.size < batch.partitions() || offset > batch.firstOffset(partition))
          return { kind: "partly-done", failedFrom, afterMs };
      }
    }
  } else if (policy.bisect && attempted.records > 1) return { kind: "bisect", afterMs };
  return attempted.attempts + 1 >= policy.attemptsMax ? { kind: "discard" } : { kind: "again", afterMs };
}

/** What a response is checked against. */
export interface BatchView {
  readonly topic: string;
  partitions(): number;
  firstOffset(partition: number): number;
  has(partition: number, offset: number): boolean;
}

/**
 * The first failed offset per partition, from `{batchItemFailures: [{itemIdentifier: {partition: "topic-0", offset: 1}}]}`. Nothing, null or an empty
 * list is success; what names no record of the batch fails it whole.
 * https://docs.aws.amazon.com/lambda/latest/dg/kafka-retry-configurations.html
 */
function readFailures(response: unknown, batch: BatchView): ReadonlyMap<number, number> | "unreadable" {
  const failures = (response as { batchItemFailures?: unknown } | null | undefined)?.batchItemFailures;
  const first = new Map<number, number>();
  if (failures === undefined || failures === null) return first;
  if (!Array.isArray(failures)) return "unreadable";
  for (const failure of failures) {
    const identifier = (failure as { itemIdentifier?: { partition?: unknown; offset?: unknown } | null } | null)
      ?.itemIdentifier;
    const { partition: name, offset } = identifier ?? {};
    if (typeof name !== "string" || typeof offset !== "number" || !name.startsWith(`${batch.topic}-`))
      return "unreadable";
    const partition = Number(name.slice(batch.topic.length + 1));
    if (!batch.has(partition, offset)) return "unreadable";
    first.set(partition, Math.min(offset, first.get(partition) ?? offset));
  }
  return first;
}
