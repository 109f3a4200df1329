/** Turns records that a mapping has given up on into records of its on-failure topic: the originals, each with a header that says what happened. */

import { Buffer } from "node:buffer";
import { type OutgoingBatch, type OutgoingRecord, recordBytes } from "../wire/outgoing-record.ts";
import { headersAt, keyBytesAt, valueBytesAt } from "../wire/record-columns.ts";
import type { Slice } from "./batching.ts";
import type { Discarded } from "./mapping-options.ts";

/** The header's name; its value is JSON. */
const FAILURE_HEADER = "lambda-failure";

type Destination = { readonly topic: string; readonly partitions: number; readonly recordBytesMax: number };

/** One batch per slice. A record that the header would make too large goes without it. */
export function toFailureBatches(
  discarded: Discarded,
  slices: readonly Slice[],
  destination: Destination,
): readonly OutgoingBatch[] {
  const { condition, functionName, topic, invocations, error } = discarded;
  const errorMessage = error instanceof Error ? error.message : error === undefined ? undefined : String(error);
  return slices.map(({ partition, columns, from, to }) => {
    const records: OutgoingRecord[] = [];
    for (let row = from; row < to; row += 1) {
      const failure = {
        condition,
        functionName,
        topic,
        partition,
        offset: columns.offsets[row],
        invocations,
        errorMessage,
      };
      const original: OutgoingRecord = {
        key: keyBytesAt(columns, row),
        value: valueBytesAt(columns, row),
        timestampMs: columns.timestampsMs[row] as number,
        headers: headersAt(columns, row),
      };
      const explained: OutgoingRecord = {
        ...original,
        headers: [...original.headers, [FAILURE_HEADER, Buffer.from(JSON.stringify(failure))]],
      };
      records.push(recordBytes(explained) <= destination.recordBytesMax ? explained : original);
    }
    return { topic: destination.topic, partition: partition % destination.partitions, records };
  });
}
