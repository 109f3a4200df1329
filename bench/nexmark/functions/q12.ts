/** Query 12, windows of the clock: how many bids someone made within ten seconds of processing time. */

import { json, operator, seconds, topic, tumbling } from "millrace";
import { bids } from "./topics.ts";

export const results = topic("q12", {
  value: json<{ bidder: number; bid_count: number; starttime: number; endtime: number }>(),
});

export const handler = operator(
  "q12",
  bids
    .keyBy(({ bidder }) => bidder)
    .window(tumbling(seconds(10), { time: "processing" }))
    .count()
    .to(
      results.from(({ key, value, window }) => ({
        bidder: key,
        bid_count: value,
        starttime: window.startMs,
        endtime: window.endMs,
      })),
    ),
);
