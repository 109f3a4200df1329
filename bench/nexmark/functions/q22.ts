/** Query 22, get URL directories: each bid with the three folders of its address. */

import { json, operator, topic } from "millrace";
import { bids } from "./topics.ts";

export const results = topic("q22", {
  value: json<{
    auction: number;
    bidder: number;
    price: number;
    channel: string;
    dir1: string | null;
    dir2: string | null;
    dir3: string | null;
  }>(),
});

export const handler = operator(
  "q22",
  bids.to(
    results.from(({ auction, bidder, price, channel, url }) => {
      const [, , , dir1 = null, dir2 = null, dir3 = null] = url.split("/");
      return { auction, bidder, price, channel, dir1, dir2, dir3 };
    }),
  ),
);
