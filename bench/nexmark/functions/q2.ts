/** Query 2, selection: the bids for some auctions. */

import { json, operator, topic } from "millrace";
import { bids } from "./topics.ts";

export const results = topic("q2", { value: json<{ auction: number; price: number }>() });

export const handler = operator(
  "q2",
  bids.filter(({ auction }) => auction % 123 === 0).to(results.from(({ auction, price }) => ({ auction, price }))),
);
