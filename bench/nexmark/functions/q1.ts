/** Query 1, currency conversion: each bid in euros. */

import { json, operator, topic } from "millrace";
import type { Bid } from "../event.ts";
import { bids } from "./topics.ts";

/** Exact: whole thousandths of a dollar cent are divided once. */
const toEuros = (price: number) => (price * 908) / 1_000;

export const results = topic("q1", { value: json<Pick<Bid, "auction" | "bidder" | "price" | "dateTime" | "extra">>() });

export const handler = operator(
  "q1",
  bids.to(
    results.from(({ auction, bidder, price, dateTime, extra }) => ({
      auction,
      bidder,
      price: toEuros(price),
      dateTime,
      extra,
    })),
  ),
);
