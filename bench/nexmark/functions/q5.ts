/** Query 5, hot items: which auctions had the most bids in the last ten seconds, every two seconds; all of them, where several had as many. */

import { json, operator, seconds, sliding, topic, tumbling } from "millrace";
import { bids } from "./topics.ts";

type Hottest = { num: number; auctions: number[] };

export const results = topic("q5", { value: json<{ auction: number; num: number }>() });

export const handler = operator(
  "q5",
  bids
    .keyBy(({ auction }) => auction)
    .window(sliding(seconds(10), seconds(2)))
    .count()
    // Each count is at the end of its window, so those of two seconds are of one window.
    .windowAll(tumbling(seconds(2)))
    .aggregate((on) =>
      on.custom({
        create: (): Hottest => ({ num: 0, auctions: [] }),
        add: (hottest, { key, value }) => hotterOf(hottest, { num: value, auctions: [key] }),
        merge: hotterOf,
        result: (hottest) => hottest,
      }),
    )
    .flatMap(({ value: { num, auctions } }) => auctions.map((auction) => ({ auction, num })))
    .to(results),
);

function hotterOf(a: Hottest, b: Hottest): Hottest {
  if (a.num !== b.num) return a.num > b.num ? a : b;
  return { num: a.num, auctions: [...a.auctions, ...b.auctions] };
}
