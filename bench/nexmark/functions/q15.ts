/** Query 15, bidding statistics: bids, bidders and auctions of each day so far, every two seconds. */

import { json, operator, topic } from "millrace";
import { type BidCounts, bidStatistics, dayOf, toDayText } from "./bid-statistics.ts";
import { bids } from "./topics.ts";

export const results = topic("q15", { key: json<number>(), value: json<{ day: string } & BidCounts>() });

export const handler = operator(
  "q15",
  bids
    .keyBy(({ dateTime }) => dayOf(dateTime))
    .process(bidStatistics<number>())
    .to(results.from(({ key, counts }) => ({ day: toDayText(key), ...counts }))),
);
