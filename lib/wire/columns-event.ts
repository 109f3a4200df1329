/** An event without a text: records that this process has read from Kafka itself, handed to a function in the same process as they are. */

import type { PartitionInput } from "./read-event.ts";

/** Known to all copies of this module in a process, and to no JSON. */
const COLUMNS: unique symbol = Symbol.for("millrace.columns");

/** The records of each partition once. */
export type ColumnsEvent = {
  readonly eventSource: "millrace:columns";
  readonly [COLUMNS]: readonly PartitionInput[];
};

export function toColumnsEvent(inputs: readonly PartitionInput[]): ColumnsEvent {
  return { eventSource: "millrace:columns", [COLUMNS]: inputs };
}

/** The records of such an event; undefined for every other value. */
export function columnsIn(event: unknown): readonly PartitionInput[] | undefined {
  return (event as Partial<ColumnsEvent> | null | undefined)?.[COLUMNS];
}
