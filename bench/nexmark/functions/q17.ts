/** Query 17, auction statistics: how many bids each auction had on a day so far, by rank of price, and their prices, every two seconds. */

import { days, json, operator, seconds, topic, tumbling } from "millrace";
import { bids } from "./topics.ts";

export const results = topic("q17", {
  key: json<number>(),
  value: json<{
    auction: number;
    day: string;
    total_bids: number;
    rank1_bids: number;
    rank2_bids: number;
    rank3_bids: number;
    min_price: number;
    max_price: number;
    avg_price: number;
    sum_price: number;
  }>(),
});

export const handler = operator(
  "q17",
  bids
    .map(({ auction, price }) => ({ auction, price }))
    .keyBy(({ auction }) => auction)
    .window(tumbling(days(1)), { emit: { every: seconds(2) } })
    .aggregate((on) => ({
      total_bids: on.count(),
      rank1_bids: on.count(({ price }) => price < 10_000),
      rank2_bids: on.count(({ price }) => price >= 10_000 && price < 1_000_000),
      rank3_bids: on.count(({ price }) => price >= 1_000_000),
      min_price: on.min(({ price }) => price),
      max_price: on.max(({ price }) => price),
      avg_price: on.average(({ price }) => price),
      sum_price: on.sum(({ price }) => price),
    }))
    .to(
      results.from(({ key, value, window }) => ({
        auction: key,
        day: new Date(window.startMs).toISOString().slice(0, 10),
        ...value,
        avg_price: Math.trunc(value.avg_price),
      })),
    ),
);
