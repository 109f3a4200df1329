/** Query 7, highest bid: the bid with the highest price of every ten seconds; all of them, where several have it. */

import { json, operator, seconds, topic, tumbling } from "millrace";
import type { Bid } from "../event.ts";
import { bids } from "./topics.ts";

type Offer = Pick<Bid, "auction" | "bidder" | "price" | "dateTime" | "extra">;
type Highest = { price: number; offers: Offer[] };

export const results = topic("q7", { value: json<Offer>() });

export const handler = operator(
  "q7",
  bids
    .windowAll(tumbling(seconds(10)))
    .aggregate((on) =>
      on.custom({
        create: (): Highest => ({ price: 0, offers: [] }),
        add: (highest, bid) =>
          bid.price < highest.price ? highest : higherOf(highest, { price: bid.price, offers: [toOffer(bid)] }),
        merge: higherOf,
        result: ({ offers }) => offers,
      }),
    )
    .flatMap(({ value }) => value)
    .to(results),
);

function higherOf(a: Highest, b: Highest): Highest {
  if (a.price !== b.price) return a.price > b.price ? a : b;
  return { price: a.price, offers: [...a.offers, ...b.offers] };
}

function toOffer({ auction, bidder, price, dateTime, extra }: Bid): Offer {
  return { auction, bidder, price, dateTime, extra };
}
