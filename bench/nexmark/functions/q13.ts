/** Query 13, bounded side input join: each bid with what a list, which does not change, says of its auction. */

import { asyncFunction, json, operator, seconds, topic } from "millrace";
import type { Bid } from "../event.ts";
import { bids } from "./topics.ts";

const LISTED = 10_000;

/** The list that Nexmark makes: each number with itself as a text. It is loaded once in each execution environment; a real one would come from a file or a table. */
const listed = asyncFunction({
  open: () => new Map(Array.from({ length: LISTED }, (_, i) => [i, String(i)])),
  callBatch: async (of: readonly Bid[], { client }) => of.map(({ auction }) => client.get(auction % LISTED) ?? null),
  maxBatchSize: 1_000,
  timeout: seconds(5),
});

export const results = topic("q13", {
  value: json<{ auction: number; bidder: number; price: number; dateTime: number; value: string }>(),
});

export const handler = operator(
  "q13",
  bids
    .mapAsync(listed, {
      combine: ({ auction, bidder, price, dateTime }, value) => ({ auction, bidder, price, dateTime, value }),
    })
    .flatMap(({ value, ...bid }) => (value === null ? [] : [{ ...bid, value }]))
    .to(results),
);
