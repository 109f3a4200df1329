/** Query 18, last bid: the newest of each bidder for each auction. A result replaces the one before of the same two. */

import { json, operator, topic, valueState } from "millrace";
import type { Bid } from "../event.ts";
import { bids } from "./topics.ts";

export const results = topic("q18", { key: json<readonly [bidder: number, auction: number]>(), value: json<Bid>() });

export const handler = operator(
  "q18",
  bids
    .keyBy(({ bidder, auction }) => [bidder, auction])
    .process({
      state: { newestMs: valueState<number>() },
      onElement(bid, { state }) {
        if (bid.dateTime < (state.newestMs.get() ?? 0)) return [];
        state.newestMs.set(bid.dateTime);
        return [bid];
      },
    })
    .to(results),
);
