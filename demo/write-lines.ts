/** Writes lines to a topic at their event times, from where an earlier run stopped, and counts them directly on the way. */

import { MillraceError, type Topic } from "millrace";
import type { Broker, OutgoingBatch, OutgoingRecord } from "../lib/kafka/broker.ts";
import type { DirectCount } from "./direct-count.ts";
import type { EventTimes } from "./event-times.ts";

/** Written at once: all of a batch is there, or nothing. */
const BATCH_LINES = 2_000;

export type WriteOptions = {
  readonly broker: Broker;
  readonly topic: Pick<Topic<string, string, unknown, null>, "topicName">;
  readonly pieces: AsyncIterable<readonly Uint8Array[]>;
  readonly times: EventTimes;
  readonly directCount: DirectCount;
  readonly folder: string;
  onProgress(lines: number): void;
};

/**
 * Since a batch is atomic, the topic always holds the first n lines and nothing else: those are skipped. Throws a MillraceError
 * "state-unusable" where it holds something else. Returns how many lines were there already.
 */
export async function writeLines(options: WriteOptions): Promise<number> {
  const { broker, topic, times, directCount } = options;
  const there = (await broker.offsets(topic.topicName)).map(({ high }) => high);
  const skipped = there.reduce((sum, high) => sum + high, 0);
  const skippedByPartition = there.map(() => 0);
  const batch = there.map((): OutgoingRecord[] => []);
  let batched = 0;

  const writeBatch = async () => {
    const batches = batch.map((records, partition): OutgoingBatch => ({ topic: topic.topicName, partition, records }));
    await broker.produce(batches.filter(({ records }) => records.length > 0));
    for (const records of batch) records.length = 0;
    batched = 0;
    options.onProgress(directCount.lines);
  };

  for await (const lines of options.pieces) {
    for (const line of lines) {
      const { timestampMs, partition } = times.next();
      directCount.add(line, timestampMs);
      if (directCount.lines <= skipped) {
        skippedByPartition[partition]! += 1;
        continue;
      }
      batch[partition]!.push({ key: null, value: line, timestampMs, headers: [] });
      batched += 1;
      if (batched >= BATCH_LINES) await writeBatch();
    }
  }
  if (batched > 0) await writeBatch();
  if (skippedByPartition.some((lines, partition) => lines !== there[partition]))
    throw new MillraceError(
      "state-unusable",
      `Topic "${topic.topicName}" in ${options.folder} holds lines that this run has not written; delete the folder and start again.`,
    );
  return skipped;
}
