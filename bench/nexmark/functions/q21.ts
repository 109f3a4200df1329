/** Query 21, add channel id: each bid with the number of its channel, where there is one. */

import { json, operator, topic } from "millrace";
import { bids } from "./topics.ts";

const KNOWN: Readonly<Record<string, string>> = { apple: "0", google: "1", facebook: "2", baidu: "3" };

export const results = topic("q21", {
  value: json<{ auction: number; bidder: number; price: number; channel: string; channel_id: string }>(),
});

export const handler = operator(
  "q21",
  bids
    .flatMap(({ auction, bidder, price, channel, url }) => {
      const channel_id = KNOWN[channel.toLowerCase()] ?? /(?:&|^)channel_id=([^&]*)/.exec(url)?.[1];
      return channel_id === undefined ? [] : [{ auction, bidder, price, channel, channel_id }];
    })
    .to(results),
);
