/** Query 20, expand bid with auction: each bid for something of category 10, with what that is. Bids that come before their auction wait for it. */

import { json, listState, operator, topic, valueState } from "millrace";
import type { Auction, Bid } from "../event.ts";
import { auctions, bids } from "./topics.ts";

type Expanded = Omit<Bid, "dateTime" | "extra"> &
  Omit<Auction, "id" | "dateTime" | "extra"> & {
    bid_dateTime: number;
    bid_extra: string;
    auction_dateTime: number;
    auction_extra: string;
  };

export const results = topic("q20", { value: json<Expanded>() });

/** Of the others only that they are others, so that bids for them need not wait for ever. */
const lots = auctions.map((auction) => ({ id: auction.id, wanted: auction.category === 10 ? auction : null }));

export const handler = operator(
  "q20",
  lots
    .keyBy(({ id }) => id)
    .connect(bids.keyBy(({ auction }) => auction))
    .process({
      state: { auction: valueState<Auction | null>(), waiting: listState<Bid>() },
      onLeft({ wanted }, { state }) {
        state.auction.set(wanted);
        const waiting = state.waiting.get();
        state.waiting.clear();
        return wanted === null ? [] : waiting.map((bid) => expand(bid, wanted));
      },
      onRight(bid, { state }) {
        const auction = state.auction.get();
        if (auction === undefined) state.waiting.add(bid);
        return auction ? [expand(bid, auction)] : [];
      },
    })
    .to(results),
);

function expand({ dateTime, extra, ...bid }: Bid, auction: Auction): Expanded {
  const { id: _, dateTime: auction_dateTime, extra: auction_extra, ...listed } = auction;
  return { ...bid, bid_dateTime: dateTime, bid_extra: extra, ...listed, auction_dateTime, auction_extra };
}
