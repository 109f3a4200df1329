/** References of the queries that look at one bid after the other. */

import { bidsOf, type Reference } from "./reference.ts";

export const q0: Reference = (events) =>
  bidsOf(events).map(({ auction, bidder, price, dateTime, extra }) => ({ auction, bidder, price, dateTime, extra }));

export const q1: Reference = (events) =>
  bidsOf(events).map(({ auction, bidder, price, dateTime, extra }) => ({
    auction,
    bidder,
    price: inEuros(price),
    dateTime,
    extra,
  }));

export const q2: Reference = (events) => {
  const some = new Set(Array.from({ length: 100_000 }, (_, i) => i * 123));
  return bidsOf(events).flatMap(({ auction, price }) => (some.has(auction) ? [{ auction, price }] : []));
};

export const q13: Reference = (events) =>
  bidsOf(events).map(({ auction, bidder, price, dateTime }) => ({
    auction,
    bidder,
    price,
    dateTime,
    value: String(auction % 10_000),
  }));

export const q14: Reference = (events) =>
  bidsOf(events).flatMap(({ auction, bidder, price, dateTime, extra }) => {
    const thousandths = BigInt(price) * 908n;
    if (thousandths <= 1_000_000_000n || thousandths >= 50_000_000_000n) return [];
    const hour = new Date(dateTime).getUTCHours();
    const isDay = [8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18].includes(hour);
    const bidTimeType = isDay ? "dayTime" : [7, 19].includes(hour) ? "otherTime" : "nightTime";
    const c_counts = [...extra].filter((letter) => letter === "c").length;
    return [{ auction, bidder, price: inEuros(price), bidTimeType, dateTime, extra, c_counts }];
  });

export const q21: Reference = (events) =>
  bidsOf(events).flatMap(({ auction, bidder, price, channel, url }) => {
    const known = ["Apple", "Google", "Facebook", "Baidu"].indexOf(channel);
    const channel_id = known >= 0 ? String(known) : new URL(url).searchParams.get("channel_id");
    return channel_id === null ? [] : [{ auction, bidder, price, channel, channel_id }];
  });

export const q22: Reference = (events) =>
  bidsOf(events).map(({ auction, bidder, price, channel, url }) => {
    const [dir1, dir2, dir3] = new URL(url).pathname.slice(1).split("/");
    return { auction, bidder, price, channel, dir1, dir2, dir3 };
  });

/** By its digits: whole euro cents, and three behind the point. */
function inEuros(price: number): number {
  const digits = String(BigInt(price) * 908n).padStart(4, "0");
  return Number(`${digits.slice(0, -3)}.${digits.slice(-3)}`);
}

export const q10: Reference = (events) =>
  bidsOf(events).map(({ auction, bidder, price, dateTime, extra }) => {
    const iso = new Date(dateTime).toISOString();
    return { auction, bidder, price, dateTime, extra, dt: iso.slice(0, 10), hm: iso.slice(11, 16) };
  });
