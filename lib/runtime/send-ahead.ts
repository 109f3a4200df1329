/**
 * Sends the large bundles of a commit before it, so that the commit holds only where they stand (wire/sent-ahead.ts): what crosses a shuffle then costs the state log the bytes of a
 * release instead of its own.
 *
 * L5: nothing of it counts before the commit releases it. Whoever dies or loses in between leaves bundles behind that nobody names; who processes the batch again sends it ahead again.
 */

import type { Broker } from "../kafka/broker.ts";
import type { OutgoingRecord } from "../wire/outgoing-record.ts";
import { encodePrepared, encodeRelease } from "../wire/sent-ahead.ts";
import { COMMIT_LIMITS, type CommitLimits } from "./commit-limits.ts";
import { type OutboxBatch, recordsIn } from "./outbox.ts";

/** The share of `aheadBytesMin` that a bundle must have: a smaller one, such as one with a watermark alone, takes little more room in the commit than its release. */
const BUNDLE_SHARE_MIN = 1 / 8;

/** The batches as commit `attemptId` is to hold them, when what is sent ahead has been acknowledged. */
export async function sendAhead(
  broker: Broker,
  batches: readonly OutboxBatch[],
  attemptId: string,
  { aheadBytesMin }: CommitLimits = COMMIT_LIMITS,
): Promise<readonly OutboxBatch[]> {
  const ahead = recordsIn(batches)
    .filter(({ bundles }) => bundles !== undefined)
    .flatMap(({ topic, partition, records }) => records.map((record) => ({ topic, partition, record })))
    .filter(({ record }) => bytesOf(record) >= aheadBytesMin * BUNDLE_SHARE_MIN);
  if (ahead.length === 0 || ahead.reduce((sum, { record }) => sum + bytesOf(record), 0) < aheadBytesMin) return batches;
  const offsets = await broker.produce(
    ahead.map(({ topic, partition, record }) => ({
      topic,
      partition,
      records: [{ ...record, value: encodePrepared(attemptId, record.value as Uint8Array) }],
    })),
  );
  const offsetOf = new Map(ahead.map(({ record }, i) => [record, offsets[i] as number]));
  return batches.map((batch): OutboxBatch => {
    if (batch.kind !== "sealed" || batch.bundles === undefined) return batch;
    const { task, generation, number: first } = batch.bundles;
    const records = batch.records.map((record, i) => {
      const offset = offsetOf.get(record);
      if (offset === undefined) return record;
      return { ...record, value: encodeRelease({ task, generation, number: first + i, attemptId, offset }) };
    });
    return { ...batch, records };
  });
}

function bytesOf({ value }: OutgoingRecord): number {
  return (value as Uint8Array).length;
}
