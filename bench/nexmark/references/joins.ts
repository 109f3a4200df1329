/** References of the queries that bring people, auctions and bids together: all of one kind are gathered first, then the others look them up. */

import type { Auction, Bid, NexmarkEvent } from "../event.ts";
import { auctionsOf, bidsOf, getOrMake, peopleOf, type Reference } from "./reference.ts";

export const q3: Reference = (events) => {
  const people = new Map(peopleOf(events).map((person) => [person.id, person]));
  return auctionsOf(events).flatMap(({ id, seller, category }) => {
    const person = people.get(seller);
    if (category !== 10 || person === undefined || !["OR", "ID", "CA"].includes(person.state)) return [];
    return [{ name: person.name, city: person.city, state: person.state, id }];
  });
};

/** The average of what is told last of each category. */
export const q4: Reference = (events) => {
  const prices = new Map<number, number[]>();
  for (const { auction, bid } of winnersOf(events)) getOrMake(prices, auction.category, () => []).push(bid.price);
  return [...prices].map(([id, all]) => ({ id, final: averageOf(all) }));
};

/** Auctions close in the order of their ends, those of one millisecond in that of their ids as texts. */
export const q6: Reference = (events) => {
  const closed = winnersOf(events).sort(
    (a, b) => a.auction.expires - b.auction.expires || (String(a.auction.id) < String(b.auction.id) ? -1 : 1),
  );
  const prices = new Map<number, number[]>();
  return closed.map(({ auction: { seller }, bid }) => {
    const all = getOrMake(prices, seller, () => []);
    all.push(bid.price);
    return { seller, avg_price: averageOf(all.slice(-10)) };
  });
};

export const q9: Reference = (events) =>
  winnersOf(events).map(({ auction: lot, bid: { auction, bidder, price, dateTime, extra } }) => ({
    ...lot,
    auction,
    bidder,
    price,
    bid_dateTime: dateTime,
    bid_extra: extra,
  }));

export const q20: Reference = (events) => {
  const auctions = new Map(auctionsOf(events).map((auction) => [auction.id, auction]));
  return bidsOf(events).flatMap(({ auction, bidder, price, channel, url, dateTime, extra }) => {
    const lot = auctions.get(auction);
    if (lot?.category !== 10) return [];
    const { itemName, description, initialBid, reserve, expires, seller, category } = lot;
    return [
      {
        ...{ auction, bidder, price, channel, url, bid_dateTime: dateTime, bid_extra: extra },
        ...{ itemName, description, initialBid, reserve, auction_dateTime: lot.dateTime, expires, seller, category },
        auction_extra: lot.extra,
      },
    ];
  });
};

/** Of the bids in an auction's time the highest, of as high ones the earliest. */
function winnersOf(events: readonly NexmarkEvent[]): { auction: Auction; bid: Bid }[] {
  const bids = new Map<number, Bid[]>();
  for (const bid of bidsOf(events)) getOrMake(bids, bid.auction, () => []).push(bid);
  return auctionsOf(events).flatMap((auction) => {
    const [bid] = (bids.get(auction.id) ?? [])
      .filter(({ dateTime }) => dateTime >= auction.dateTime && dateTime <= auction.expires)
      .sort((a, b) => b.price - a.price || a.dateTime - b.dateTime);
    return bid === undefined ? [] : [{ auction, bid }];
  });
}

/** As SQL divides integers. */
function averageOf(prices: readonly number[]): number {
  const sum = prices.reduce((all, price) => all + BigInt(price), 0n);
  return Number(sum / BigInt(prices.length));
}
