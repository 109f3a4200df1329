/** Makes the event of a batch for a function in this process that takes columns: what Kafka answered, without base64 and JSON in between. */

import { type ColumnsEvent, toColumnsEvent } from "../wire/columns-event.ts";
import { joinColumns } from "../wire/join-columns.ts";
import { sliceColumns } from "../wire/slice-columns.ts";
import type { Slice } from "./batching.ts";

/** Slices of one partition stand together, in order, and become one piece: a task commits a batch of its partition at once. */
export function columnsEventOf(topic: string, slices: readonly Slice[]): ColumnsEvent {
  return toColumnsEvent(
    [...Map.groupBy(slices, ({ partition }) => partition)].map(([partition, own]) => ({
      topic,
      partition,
      records: joinColumns(own.map(({ columns, from, to }) => sliceColumns(columns, from, to))),
    })),
  );
}
