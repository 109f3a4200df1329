/** Kafka events for tests: as objects, and as the text that Lambda sends. */

import { Buffer } from "node:buffer";
import type { KafkaEvent, KafkaEventRecord } from "../../lib/wire/lambda-event.ts";
import type { PartitionInput } from "../../lib/wire/read-event.ts";
import { type Header, headersAt, keyBytesAt, valueBytesAt } from "../../lib/wire/record-columns.ts";

/** What a test says of a record; the rest is as usual. */
export type GivenRecord = {
  readonly offset?: number;
  readonly timestamp?: number;
  readonly key?: Uint8Array | string | null;
  readonly value?: Uint8Array | string | null;
  readonly headers?: readonly Header[];
};

/** A record with its fields in Lambda's order; a key or value that is not given is left out. */
function toEventRecord(topic: string, partition: number, offset: number, given: GivenRecord): KafkaEventRecord {
  return {
    topic,
    partition,
    offset: given.offset ?? offset,
    timestamp: given.timestamp ?? 1_000,
    timestampType: "CREATE_TIME",
    ...(given.key !== undefined && { key: toBase64(given.key) }),
    ...(given.value !== undefined && { value: toBase64(given.value) }),
    // Lambda writes signed bytes.
    headers: (given.headers ?? []).map(([name, bytes]) => ({ [name]: [...new Int8Array(bytes)] })),
  };
}

/** An event of records by partition name, `topic-0`. Offsets count from `firstOffset`. */
export function toEvent(partitions: Readonly<Record<string, readonly GivenRecord[]>>, firstOffset = 0): KafkaEvent {
  const records = Object.entries(partitions).map(([name, given]) => {
    const dash = name.lastIndexOf("-");
    const [topic, partition] = [name.slice(0, dash), Number(name.slice(dash + 1))];
    return [name, given.map((record, i) => toEventRecord(topic, partition, firstOffset + i, record))];
  });
  return { eventSource: "aws:kafka", bootstrapServers: "b-1:9092", records: Object.fromEntries(records) };
}

/** What was read, as plain values that can be compared. */
export function plain(inputs: readonly PartitionInput[]) {
  return inputs.map(({ topic, partition, records }) => ({
    topic,
    partition,
    records: Array.from({ length: records.count }, (_, i) => ({
      offset: records.offsets[i],
      timestampMs: records.timestampsMs[i],
      key: toHex(keyBytesAt(records, i)),
      value: toHex(valueBytesAt(records, i)),
      headers: headersAt(records, i).map(([name, bytes]) => [name, toHex(bytes)]),
    })),
  }));
}

function toBase64(bytes: Uint8Array | string | null): string | null {
  return bytes === null ? null : Buffer.from(bytes as string).toString("base64");
}

function toHex(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : Buffer.from(bytes).toString("hex");
}
