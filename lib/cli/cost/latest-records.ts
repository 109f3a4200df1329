/** What the topics of an application hold already, as a sample of what will come. */

import type { Application } from "../../local/application.ts";
import { hasWorkspace } from "../../local/workspace.ts";
import type { OutgoingRecord } from "../../wire/outgoing-record.ts";
import { isOnServices, openPlace, type PlaceOptions, toStateFolder } from "../place.ts";
import { readRecords } from "../read-records.ts";
import type { Terminal } from "../terminal.ts";
import { outsideTopics } from "./sample.ts";

/** Of each topic. */
const RECORDS_MAX = 10_000;

/** Nothing where the application has not run here. */
export async function latestRecords(
  { topology }: Application,
  options: PlaceOptions,
  terminal: Terminal,
): Promise<ReadonlyMap<string, readonly OutgoingRecord[]>> {
  const latest = new Map<string, readonly OutgoingRecord[]>();
  const isElsewhere = isOnServices(options) || options.deployed !== undefined;
  if (!isElsewhere && !hasWorkspace(toStateFolder(options, terminal))) return latest;
  const { workspace } = await openPlace(options, terminal, { exclusive: false });
  try {
    for (const { topicName } of outsideTopics(topology)) {
      const ranges = await workspace.broker.offsets(topicName);
      const each = Math.ceil(RECORDS_MAX / ranges.length);
      const positions = ranges.map(({ low, high }) => Math.max(low, high - each));
      const records: OutgoingRecord[] = [];
      const ends = ranges.map(({ high }) => high);
      for await (const { key, value, timestampMs, headers } of readRecords(
        workspace.broker,
        topicName,
        positions,
        ends,
      ))
        records.push({ key, value, timestampMs, headers });
      latest.set(topicName, records);
    }
    return latest;
  } finally {
    await workspace.close();
  }
}
