/** References of the queries over windows: each element is put into every window that it belongs to, and each window is looked at in the end. */

import { auctionsOf, bidsOf, getOrMake, peopleOf, type Reference } from "./reference.ts";

const TEN_SECONDS = 10_000;

const windowOf = (ms: number) => Math.floor(ms / TEN_SECONDS) * TEN_SECONDS;

export const q5: Reference = (events) => {
  const windows = new Map<number, Map<number, number>>();
  for (const { auction, dateTime } of bidsOf(events)) {
    const newest = Math.floor(dateTime / 2_000) * 2_000;
    for (let start = newest; start > dateTime - TEN_SECONDS; start -= 2_000) {
      const counts = getOrMake(windows, start, () => new Map<number, number>());
      counts.set(auction, (counts.get(auction) ?? 0) + 1);
    }
  }
  return [...windows.values()].flatMap((counts) => {
    let most = 0;
    for (const num of counts.values()) most = Math.max(most, num);
    return [...counts].filter(([, num]) => num === most).map(([auction, num]) => ({ auction, num }));
  });
};

export const q7: Reference = (events) => {
  const bids = bidsOf(events);
  const highest = new Map<number, number>();
  for (const { dateTime, price } of bids)
    highest.set(windowOf(dateTime), Math.max(price, highest.get(windowOf(dateTime)) ?? 0));
  return bids
    .filter(({ dateTime, price }) => price === highest.get(windowOf(dateTime)))
    .map(({ auction, bidder, price, dateTime, extra }) => ({ auction, bidder, price, dateTime, extra }));
};

export const q8: Reference = (events) => {
  const sellers = new Map<number, Set<number>>();
  for (const { seller, dateTime } of auctionsOf(events))
    getOrMake(sellers, windowOf(dateTime), () => new Set<number>()).add(seller);
  return peopleOf(events)
    .filter(({ id, dateTime }) => sellers.get(windowOf(dateTime))?.has(id) === true)
    .map(({ id, name, dateTime }) => ({ id, name, stime: windowOf(dateTime) }));
};

export const q11: Reference = (events) => {
  const times = new Map<number, number[]>();
  for (const { bidder, dateTime } of bidsOf(events)) getOrMake(times, bidder, () => []).push(dateTime);
  const sessions = [];
  for (const [bidder, all] of times) {
    let session: { bidder: number; bid_count: number; starttime: number; endtime: number } | undefined;
    for (const ms of all.sort((a, b) => a - b)) {
      // What is exactly the gap apart is one session.
      if (session === undefined || ms > session.endtime)
        sessions.push((session = { bidder, bid_count: 0, starttime: ms, endtime: 0 }));
      session.bid_count += 1;
      session.endtime = ms + TEN_SECONDS;
    }
  }
  return sessions;
};

export const q12: Reference = (events, clockMsOf) => {
  const windows = new Map<number, Map<number, number>>();
  for (const [i, event] of events.entries()) {
    if (event.event_type !== 2) continue;
    const counts = getOrMake(windows, windowOf(clockMsOf(i)), () => new Map<number, number>());
    counts.set(event.bid.bidder, (counts.get(event.bid.bidder) ?? 0) + 1);
  }
  return [...windows].flatMap(([starttime, counts]) =>
    [...counts].map(([bidder, bid_count]) => ({ bidder, bid_count, starttime, endtime: starttime + TEN_SECONDS })),
  );
};
