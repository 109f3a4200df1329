/** References of the queries whose results are told again and again: what must be told last. */

import type { Bid, NexmarkEvent } from "../event.ts";
import { bidsOf, getOrMake, type Reference } from "./reference.ts";

export const q15: Reference = (events) =>
  [...groupBids(events, ({ dateTime }) => dayOf(dateTime))].map(([day, bids]) => ({ day, ...countAll(bids) }));

export const q16: Reference = (events) =>
  [...groupBids(events, ({ channel, dateTime }) => `${channel} ${dayOf(dateTime)}`)].map(([name, bids]) => {
    const [channel, day] = name.split(" ");
    const minutes = bids.map(({ dateTime }) => new Date(dateTime).toISOString().slice(11, 16)).sort();
    return { channel, day, minute: minutes.at(-1), ...countAll(bids) };
  });

export const q17: Reference = (events) =>
  [...groupBids(events, ({ auction, dateTime }) => `${auction} ${dayOf(dateTime)}`)].map(([name, bids]) => {
    const [auction, day] = name.split(" ");
    const prices = bids.map(({ price }) => price).sort((a, b) => a - b);
    const sum = prices.reduce((all, price) => all + BigInt(price), 0n);
    return {
      auction: Number(auction),
      day,
      total_bids: bids.length,
      rank1_bids: ranked(bids, 1).length,
      rank2_bids: ranked(bids, 2).length,
      rank3_bids: ranked(bids, 3).length,
      min_price: prices[0],
      max_price: prices.at(-1),
      avg_price: Number(sum / BigInt(bids.length)),
      sum_price: Number(sum),
    };
  });

/** Of several of the same time the one that came last. */
export const q18: Reference = (events) =>
  [...groupBids(events, ({ bidder, auction }) => `${bidder} ${auction}`).values()].map((bids) => {
    const newest = Math.max(...bids.map(({ dateTime }) => dateTime));
    return bids.findLast(({ dateTime }) => dateTime === newest);
  });

/** Of several of the same price the one that came first. */
export const q19: Reference = (events) =>
  [...groupBids(events, ({ auction }) => String(auction)).values()].flatMap((bids) =>
    bids
      .sort((a, b) => b.price - a.price)
      .slice(0, 10)
      .map((bid, i) => ({ ...bid, rank_number: i + 1 })),
  );

function groupBids(events: readonly NexmarkEvent[], by: (bid: Bid) => string): Map<string, Bid[]> {
  const groups = new Map<string, Bid[]>();
  for (const bid of bidsOf(events)) getOrMake(groups, by(bid), () => []).push(bid);
  return groups;
}

function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

function countAll(bids: readonly Bid[]) {
  const count = <T>(some: readonly T[]) => new Set(some).size;
  const [first, second, third] = [ranked(bids, 1), ranked(bids, 2), ranked(bids, 3)];
  const bidders = (some: readonly Bid[]) => count(some.map(({ bidder }) => bidder));
  const auctions = (some: readonly Bid[]) => count(some.map(({ auction }) => auction));
  return {
    ...{ total_bids: bids.length, total_bidders: bidders(bids), total_auctions: auctions(bids) },
    ...{ rank1_bids: first.length, rank1_bidders: bidders(first), rank1_auctions: auctions(first) },
    ...{ rank2_bids: second.length, rank2_bidders: bidders(second), rank2_auctions: auctions(second) },
    ...{ rank3_bids: third.length, rank3_bidders: bidders(third), rank3_auctions: auctions(third) },
  };
}

function ranked(bids: readonly Bid[], rank: 1 | 2 | 3): Bid[] {
  const [from, to] = [
    [0, 10_000],
    [10_000, 1_000_000],
    [1_000_000, Number.POSITIVE_INFINITY],
  ][rank - 1] as [number, number];
  return bids.filter(({ price }) => price >= from && price < to);
}
