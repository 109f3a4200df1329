/** Query 0, pass through: what the machinery alone costs. */

import { json, operator, topic } from "millrace";
import type { Bid } from "../event.ts";
import { bids } from "./topics.ts";

export const results = topic("q0", { value: json<Pick<Bid, "auction" | "bidder" | "price" | "dateTime" | "extra">>() });

export const handler = operator(
  "q0",
  bids.to(results.from(({ auction, bidder, price, dateTime, extra }) => ({ auction, bidder, price, dateTime, extra }))),
);
