/** Query 14, calculation: bids within bounds, in euros, with the time of the day and how many letters "c" they have. */

import { json, operator, topic } from "millrace";
import { bids } from "./topics.ts";

export const results = topic("q14", {
  value: json<{
    auction: number;
    bidder: number;
    price: number;
    bidTimeType: "dayTime" | "nightTime" | "otherTime";
    dateTime: number;
    extra: string;
    c_counts: number;
  }>(),
});

/** In thousandths, which are whole. */
const EUROS_MIN = 1_000_000_000;
const EUROS_MAX = 50_000_000_000;

export const handler = operator(
  "q14",
  bids
    .filter(({ price }) => price * 908 > EUROS_MIN && price * 908 < EUROS_MAX)
    .to(
      results.from(({ auction, bidder, price, dateTime, extra }) => ({
        auction,
        bidder,
        price: (price * 908) / 1_000,
        bidTimeType: toTimeType(dateTime),
        dateTime,
        extra,
        c_counts: countLetter(extra, "c"),
      })),
    ),
);

function toTimeType(ms: number) {
  const hour = Math.floor(ms / 3_600_000) % 24;
  if (hour >= 8 && hour <= 18) return "dayTime";
  return hour <= 6 || hour >= 20 ? "nightTime" : "otherTime";
}

function countLetter(text: string, letter: string): number {
  let count = 0;
  for (let at = text.indexOf(letter); at >= 0; at = text.indexOf(letter, at + 1)) count += 1;
  return count;
}
