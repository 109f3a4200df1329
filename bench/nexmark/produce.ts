/** Writes generated events to a topic of any broker, for whatever reads them. */

import type { Broker, OutgoingRecord } from "../../lib/kafka/broker.ts";
import type { NexmarkEvent } from "./event.ts";
import { type GeneratorOptions, nexmarkEvents } from "./generate.ts";

/** Events written at once, over all partitions. */
const AT_ONCE = 20_000;
/** Behind everything that is generated before: all windows close. */
const LATER_MS = 86_400_000;

export type ProduceOptions = GeneratorOptions & {
  readonly topic: string;
  readonly partitions: number;
  readonly from: number;
  readonly to: number;
  /** Closes with a person in each partition who comes a day later, so that every window closes and nothing else comes of it. */
  readonly closes: boolean;
  readonly progress?: (done: number, of: number) => void;
};

/**
 * Makes the topic where it is missing and writes the events to its partitions in turn, with their time as the record's. Throws a MillraceError "kafka" for what the broker
 * refuses; what was written before stays.
 */
export async function produceEvents(broker: Broker, options: ProduceOptions): Promise<void> {
  const { topic, partitions, from, to, closes, progress } = options;
  await broker.ensureTopics([{ name: topic, partitions, compacted: false, retentionMs: undefined }]);
  const write = (all: readonly (readonly OutgoingRecord[])[]) =>
    broker.produce(all.map((records, partition) => ({ topic, partition, records })));
  let lastMs = 0;
  for (let first = from; first < to; first += AT_ONCE) {
    progress?.(first - from, to - from);
    const records = Array.from({ length: partitions }, (): OutgoingRecord[] => []);
    let n = first;
    for (const { json, key, timestampMs } of nexmarkEvents(first, Math.min(to, first + AT_ONCE), options)) {
      records[n % partitions]?.push(toRecord(json, key, timestampMs));
      lastMs = Math.max(lastMs, timestampMs);
      n += 1;
    }
    await write(records);
  }
  if (closes) await write(Array.from({ length: partitions }, () => [closingRecord(lastMs + LATER_MS)]));
  progress?.(to - from, to - from);
}

function closingRecord(dateTime: number): OutgoingRecord {
  const nobody = { id: 0, name: "", emailAddress: "", creditCard: "", city: "", state: "", extra: "" };
  const event: NexmarkEvent = { event_type: 0, person: { ...nobody, dateTime } };
  return toRecord(JSON.stringify(event), "0", dateTime);
}

function toRecord(json: string, key: string, timestampMs: number): OutgoingRecord {
  return { key: Buffer.from(key), value: Buffer.from(json), timestampMs, headers: [] };
}
