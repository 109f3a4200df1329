/** The operator whose state is opened cold, and its input: what who builds the state and who opens it must agree on. */

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { hours, json, monotonic, operator, stream, text, topic, tumbling } from "millrace";
import type { OutgoingRecord } from "../../lib/wire/outgoing-record.ts";

/** `note` is random text, so that it hardly gets smaller by compression: the bytes in the store are about those of the state. */
type Reading = { readonly note: string };

export const READINGS_TOPIC = "readings";

const START_MS = 1_700_000_400_000;

/** Keeps the last reading of each sensor, until a window ends that never does. */
export const keepLast = operator(
  "keep-last",
  stream(topic(READINGS_TOPIC, { key: text(), value: json<Reading>(), watermark: monotonic(), partitions: 1 }))
    .keyedByTopicKey()
    .window(tumbling(hours(24)))
    .aggregate((on) => ({ last: on.last(), count: on.count() }))
    .to(
      topic("last-readings", { key: text(), value: json<unknown>(), partitions: 1 }).from(({ key, value }) => ({
        key,
        value,
      })),
    ),
);

/** The reading of sensor `i`; every sensor has one. */
export function readingOf(i: number): OutgoingRecord {
  const note = createHash("sha512").update(String(i)).digest("base64url").slice(0, 80);
  return {
    key: Buffer.from(`sensor-${i}`),
    value: Buffer.from(JSON.stringify({ note })),
    timestampMs: START_MS,
    headers: [],
  };
}
