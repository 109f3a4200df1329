/** The input of the comparison, what is to come out of it, and the operator that counts it: what all sides and whoever checks them must agree on. */

import { boundedOutOfOrderness, json, operator, seconds, stream, text, topic, tumbling } from "millrace";
import type { Broker } from "../../lib/kafka/broker.ts";
import type { Application } from "../../lib/local/application.ts";
import { buildTopology } from "../../lib/stream/topology.ts";
import { type PageView, viewRecord } from "../events.ts";

export const VIEWS_TOPIC = "views";
export const PARTITIONS = 4;
export const USERS = 1_000;
export const WINDOW_MS = 5_000;
/** Records in a batch of Kafka's. */
const BATCH = 2_000;
/** Who closes the last windows: a record of each partition, behind everything, in a window that never closes itself. */
const CLOSING_USER = "closing";
const CLOSING_MS = 1_700_086_400_000;

export type Count = { readonly user: string; readonly count: number; readonly startMs: number };

const views = topic(VIEWS_TOPIC, {
  value: json<PageView>(),
  watermark: boundedOutOfOrderness(seconds(1)),
  partitions: PARTITIONS,
});

/** The topic of the results of a round. */
export function resultsOf(round: string) {
  return topic(`counts-${round}`, { key: text(), value: json<Count>(), partitions: PARTITIONS });
}

/** An application of its own for each round, that reads the same views. */
export function countingApplication(round: string): Application {
  const counting = operator(
    `count-${round}`,
    stream(views)
      .keyBy((view) => view.user)
      .window(tumbling(seconds(WINDOW_MS / 1_000)))
      .count()
      .to(resultsOf(round).from(({ key, value, window }) => ({ user: key, count: value, startMs: window.startMs }))),
  );
  const name = `peers-${round}`;
  return { name, folder: ".", operators: [counting], topology: buildTopology(name, [counting.definition]) };
}

/** Writes so many views, a batch to each partition in turn, so that all have all users, and the closing ones. Returns the counts to come, by `resultKey`. */
export async function writeViews(
  broker: Broker,
  count: number,
  progress: (done: number) => void,
  topicName = VIEWS_TOPIC,
): Promise<ReadonlyMap<string, number>> {
  const expected = new Map<string, number>();
  for (let from = 0; from < count; from += BATCH * PARTITIONS) {
    progress(from);
    const records = Array.from({ length: PARTITIONS }, (): ReturnType<typeof viewRecord>[] => []);
    for (let i = from; i < Math.min(count, from + BATCH * PARTITIONS); i += 1) {
      const record = viewRecord(i, USERS);
      records[Math.floor((i - from) / BATCH)]?.push(record);
      const { user } = JSON.parse(String(record.value)) as PageView;
      const key = resultKey(user, record.timestampMs - (record.timestampMs % WINDOW_MS));
      expected.set(key, (expected.get(key) ?? 0) + 1);
    }
    await broker.produce(records.map((records, partition) => ({ topic: topicName, partition, records })));
  }
  const closing = { ...viewRecord(0, USERS), timestampMs: CLOSING_MS, value: closingValue() };
  const last = Array.from({ length: PARTITIONS }, (_, partition) => partition);
  await broker.produce(last.map((partition) => ({ topic: topicName, partition, records: [closing] })));
  return expected;
}

export function resultKey(user: string, startMs: number): string {
  return `${startMs} ${user}`;
}

function closingValue(): Buffer {
  const view = JSON.parse(String(viewRecord(0, USERS).value)) as PageView;
  return Buffer.from(JSON.stringify({ ...view, user: CLOSING_USER }));
}
