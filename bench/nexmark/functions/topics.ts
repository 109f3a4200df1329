/** The topic that all queries read, and what is in it. */

import { boundedOutOfOrderness, json, seconds, stream, topic } from "millrace";
import { type NexmarkEvent, timeOf } from "../event.ts";

/** As in Nexmark for Flink events may be four seconds behind, and people, auctions and bids come in one topic. */
export const nexmark = topic("nexmark", {
  value: json<NexmarkEvent>(),
  timestampOf: timeOf,
  watermark: boundedOutOfOrderness(seconds(4), { idleAfter: seconds(10) }),
});

export const people = stream(nexmark)
  .filter((event) => event.event_type === 0)
  .map((event) => event.person);

export const auctions = stream(nexmark)
  .filter((event) => event.event_type === 1)
  .map((event) => event.auction);

export const bids = stream(nexmark)
  .filter((event) => event.event_type === 2)
  .map((event) => event.bid);
