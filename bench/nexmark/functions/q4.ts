/** Query 4, average price for a category: of what its auctions closed at, told anew with each that closes. */

import { json, operator, topic } from "millrace";
import { closing, type Lot, type Offer } from "./closing.ts";
import { auctions, bids } from "./topics.ts";

export const results = topic("q4", { key: json<number>(), value: json<{ id: number; final: number }>() });

const lots = auctions.map(({ id, dateTime, expires, category }) => ({ id, dateTime, expires, category }));
const offers = bids.map(({ auction, price, dateTime }): Offer => ({ auction, price, dateTime }));

export const handler = operator(
  "q4",
  lots
    .keyBy(({ id }) => id)
    .connect(offers.keyBy(({ auction }) => auction))
    .process(closing<Lot & { category: number }, Offer>())
    .map(({ lot, offer }) => ({ category: lot.category, price: offer.price }))
    .keyBy(({ category }) => category, { name: "by-category" })
    .average(({ price }) => price)
    .to(results.from(({ key, value }) => ({ id: key, final: Math.trunc(value) }))),
);
