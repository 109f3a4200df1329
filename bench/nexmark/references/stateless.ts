/** References of the queries that look at one bid after the other. */

import { bidsOf, type Reference } from "./reference.ts";

export const q0: Reference = (events) =>
  bidsOf(events).map(({ auction, bidder, price, dateTime, extra }) => ({ auction, bidder, price, dateTime, extra }));

/** Euros by their digits: whole ones, and three behind the point. */
export const q1: Reference = (events) =>
  bidsOf(events).map(({ auction, bidder, price, dateTime, extra }) => {
    const digits = String(BigInt(price) * 908n).padStart(4, "0");
    const euros = Number(`${digits.slice(0, -3)}.${digits.slice(-3)}`);
    return { auction, bidder, price: euros, dateTime, extra };
  });

export const q2: Reference = (events) => {
  const some = new Set(Array.from({ length: 100_000 }, (_, i) => i * 123));
  return bidsOf(events).flatMap(({ auction, price }) => (some.has(auction) ? [{ auction, price }] : []));
};
