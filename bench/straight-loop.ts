/** What one would write by hand, without any guarantee: the measure of everything else. */

import type { KafkaEvent } from "../lib/wire/lambda-event.ts";
import type { PageView } from "./events.ts";

/** Parses an event, decodes and parses each value, counts per window and user in a Map of Maps. */
export function countStraight(text: string, windowMs: number, counts: Map<number, Map<string, number>>): void {
  const event = JSON.parse(text) as KafkaEvent;
  for (const records of Object.values(event.records)) {
    for (const record of records) {
      const view = JSON.parse(Buffer.from(record.value as string, "base64").toString()) as PageView;
      const start = record.timestamp - (record.timestamp % windowMs);
      let window = counts.get(start);
      if (window === undefined) {
        window = new Map();
        counts.set(start, window);
      }
      window.set(view.user, (window.get(view.user) ?? 0) + 1);
    }
  }
}
