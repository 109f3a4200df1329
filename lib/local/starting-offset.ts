/** Where a consumer group begins in each partition. */

import type { Broker, OffsetRange } from "../kafka/broker.ts";
import type { StartingPosition } from "./mapping-options.ts";

const SCAN_LIMITS = { bytesMax: 4 * 1024 * 1024, recordsMax: 10_000 };

/** The committed offsets, and where there is none, the starting position's. */
export async function findStarts(
  broker: Broker,
  topic: string,
  group: string,
  startingPosition: StartingPosition,
): Promise<readonly number[]> {
  const ranges = await broker.offsets(topic);
  return Promise.all(
    ranges.map(async (range, partition) => {
      const committed = await broker.committedOffset(group, topic, partition);
      return committed ?? (await findStart(broker, topic, partition, range, startingPosition));
    }),
  );
}

/**
 * The first offset to read. For a time it is the first record with that timestamp or a later one, or the end; found by reading, since the port
 * knows no index by time.
 */
async function findStart(
  broker: Broker,
  topic: string,
  partition: number,
  range: OffsetRange,
  startingPosition: StartingPosition,
): Promise<number> {
  if (startingPosition === "TRIM_HORIZON") return range.low;
  if (startingPosition === "LATEST") return range.high;
  for (let offset = range.low; offset < range.high; ) {
    const { records, nextOffset } = await broker.fetch(topic, partition, offset, SCAN_LIMITS);
    for (let row = 0; row < records.count; row += 1) {
      if ((records.timestampsMs[row] as number) >= startingPosition.atTimestampMs)
        return records.offsets[row] as number;
    }
    if (nextOffset <= offset) break;
    offset = nextOffset;
  }
  return range.high;
}
