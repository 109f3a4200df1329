/**
 * Sends the large bundles of a commit before it, so that the commit holds only where they stand (wire/sent-ahead.ts): what crosses a shuffle then costs the state log the bytes of a
 * release instead of its own.
 *
 * L5: nothing of it counts before the commit releases it. Whoever dies or loses in between leaves bundles behind that nobody names; who processes the batch again sends it ahead again.
 */

import type { Broker } from "../kafka/broker.ts";
import type { OutgoingRecord } from "../wire/outgoing-record.ts";
import { encodePrepared, encodeRelease } from "../wire/sent-ahead.ts";
import { type OutboxBatch, recordsIn } from "./outbox.ts";

/** Large bundles that have fewer bytes together go with their commit: a round trip to the broker would cost more than the write units. */
const COMMIT_BYTES_MIN = 4 * 1024;
/** A smaller bundle, such as one with a watermark alone, takes no more room in the commit than its release. */
const BUNDLE_BYTES_MIN = 512;

/** The batches as commit `attemptId` is to hold them, when what is sent ahead has been acknowledged. */
export async function sendAhead(
  broker: Broker,
  batches: readonly OutboxBatch[],
  attemptId: string,
): Promise<readonly OutboxBatch[]> {
  const ahead = recordsIn(batches)
    .filter(({ bundles }) => bundles !== undefined)
    .flatMap(({ topic, partition, records }) => records.map((record) => ({ topic, partition, record })))
    .filter(({ record }) => bytesOf(record) >= BUNDLE_BYTES_MIN);
  if (ahead.reduce((sum, { record }) => sum + bytesOf(record), 0) < COMMIT_BYTES_MIN) return batches;
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
  return value?.length ?? 0;
}
