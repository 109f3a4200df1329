/** Query 16, channel statistics: bids, bidders and auctions of each channel and day so far, every two seconds, and the minute of the last bid. */

import { json, operator, topic } from "millrace";
import { type BidCounts, bidStatistics, dayOf, toDayText } from "./bid-statistics.ts";
import { bids } from "./topics.ts";

export const results = topic("q16", {
  key: json<readonly [channel: string, day: number]>(),
  value: json<{ channel: string; day: string; minute: string } & BidCounts>(),
});

export const handler = operator(
  "q16",
  bids
    .keyBy(({ channel, dateTime }) => [channel, dayOf(dateTime)])
    .process(bidStatistics<readonly [string, number]>())
    .to(
      results.from(({ key: [channel, day], lastMs, counts }) => ({
        channel,
        day: toDayText(day),
        minute: new Date(lastMs).toISOString().slice(11, 16),
        ...counts,
      })),
    ),
);
