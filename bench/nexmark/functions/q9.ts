/** Query 9, winning bids: each auction with the bid that won it, when it closes. */

import { json, operator, topic } from "millrace";
import type { Auction, Bid } from "../event.ts";
import { closing } from "./closing.ts";
import { auctions, bids } from "./topics.ts";

type Offer = Pick<Bid, "auction" | "bidder" | "price" | "dateTime" | "extra">;
type Won = Auction & { auction: number; bidder: number; price: number; bid_dateTime: number; bid_extra: string };

export const results = topic("q9", { value: json<Won>() });

const offers = bids.map(
  ({ auction, bidder, price, dateTime, extra }): Offer => ({ auction, bidder, price, dateTime, extra }),
);

export const handler = operator(
  "q9",
  auctions
    .keyBy(({ id }) => id)
    .connect(offers.keyBy(({ auction }) => auction))
    .process(closing<Auction, Offer>())
    .to(
      results.from(({ lot, offer: { auction, bidder, price, dateTime, extra } }) => ({
        ...lot,
        auction,
        bidder,
        price,
        bid_dateTime: dateTime,
        bid_extra: extra,
      })),
    ),
);
