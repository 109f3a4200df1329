/** How many bids, bidders and auctions there were, in all and in each of three ranks of price: for the queries that ask this exactly. */

import { type Key, type MapState, mapState, type ProcessCtx, seconds, type TimerCtx, valueState } from "millrace";
import type { Bid } from "../event.ts";

/** In all, and by rank. */
const FIELDS = {
  bids: ["total_bids", "rank1_bids", "rank2_bids", "rank3_bids"],
  bidders: ["total_bidders", "rank1_bidders", "rank2_bidders", "rank3_bidders"],
  auctions: ["total_auctions", "rank1_auctions", "rank2_auctions", "rank3_auctions"],
} as const;

type Field = (typeof FIELDS)[keyof typeof FIELDS][number];
export type BidCounts = Record<Field, number>;

/** Maps lie in cells of some entries each, so that of many bidders only those of a batch are written. Their values are the ranks seen, a bit each. */
const states = {
  counts: valueState<BidCounts & { lastMs: number }>(),
  bidders: mapState<number>(),
  auctions: mapState<number>(),
};

/** How often the counts are told, as long as they change. */
const EVERY_MS = seconds(2);

/** A process function of bids that tells the counts of each key, every two seconds of event time in which there was one. */
export function bidStatistics<K extends Key>() {
  return {
    state: states,

    onElement({ price, bidder, auction, dateTime }: Bid, { state, timers }: ProcessCtx<K, typeof states>): undefined {
      const counts = { ...(state.counts.get() ?? none()) };
      const rank = rankOf(price);
      counts.lastMs = Math.max(counts.lastMs, dateTime);
      counts[FIELDS.bids[0]] += 1;
      counts[FIELDS.bids[rank]] += 1;
      note(counts, FIELDS.bidders, state.bidders, String(bidder), rank);
      note(counts, FIELDS.auctions, state.auctions, String(auction), rank);
      state.counts.set(counts);
      timers.eventTime(Math.floor(dateTime / EVERY_MS + 1) * EVERY_MS - 1);
      return undefined;
    },

    onTimer({ key, state }: TimerCtx<K, typeof states>) {
      const { lastMs, ...counts } = state.counts.get() ?? none();
      return [{ key, lastMs, counts: counts as BidCounts }];
    },
  };
}

/** The day of a time in UTC, by its number and as text. */
export const dayOf = (ms: number) => Math.floor(ms / 86_400_000);
export const toDayText = (day: number) => new Date(day * 86_400_000).toISOString().slice(0, 10);

function rankOf(price: number): 1 | 2 | 3 {
  if (price < 10_000) return 1;
  return price < 1_000_000 ? 2 : 3;
}

function note(
  counts: BidCounts,
  fields: (typeof FIELDS)["bidders" | "auctions"],
  seen: MapState<number>,
  name: string,
  rank: 1 | 2 | 3,
): void {
  const ranks = seen.get(name) ?? 0;
  if (ranks === 0) counts[fields[0]] += 1;
  if ((ranks & (1 << rank)) !== 0) return;
  counts[fields[rank]] += 1;
  seen.set(name, ranks | (1 << rank));
}

function none() {
  const counts = Object.fromEntries(Object.values(FIELDS).flatMap((fields) => fields.map((field) => [field, 0])));
  return { ...(counts as BidCounts), lastMs: 0 };
}
