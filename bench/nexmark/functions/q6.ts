/** Query 6, average selling price by seller: of the last ten auctions of each that closed, told anew with each that closes. */

import { json, operator, topic } from "millrace";
import { closing, type Lot, type Offer } from "./closing.ts";
import { auctions, bids } from "./topics.ts";

export const results = topic("q6", { key: json<number>(), value: json<{ seller: number; avg_price: number }>() });

const lots = auctions.map(({ id, dateTime, expires, seller }) => ({ id, dateTime, expires, seller }));
const offers = bids.map(({ auction, price, dateTime }): Offer => ({ auction, price, dateTime }));

export const handler = operator(
  "q6",
  lots
    .keyBy(({ id }) => id)
    .connect(offers.keyBy(({ auction }) => auction))
    .process(closing<Lot & { seller: number }, Offer>())
    .map(({ lot, offer }) => ({ seller: lot.seller, price: offer.price }))
    .keyBy(({ seller }) => seller, { name: "by-seller" })
    .countWindow(10, 1)
    .average(({ price }) => price)
    .to(results.from(({ key, value }) => ({ seller: key, avg_price: Math.trunc(value) }))),
);
