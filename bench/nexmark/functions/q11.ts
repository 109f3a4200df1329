/** Query 11, user sessions: how many bids someone made until nothing came for ten seconds. */

import { json, operator, seconds, session, topic } from "millrace";
import { bids } from "./topics.ts";

export const results = topic("q11", {
  value: json<{ bidder: number; bid_count: number; starttime: number; endtime: number }>(),
});

export const handler = operator(
  "q11",
  bids
    .keyBy(({ bidder }) => bidder)
    .window(session(seconds(10)))
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
