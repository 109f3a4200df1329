/** Query 19, auction top ten: the ten highest bids of each auction. A result replaces the one before of the same auction and rank. */

import { json, operator, topic, valueState } from "millrace";
import type { Bid } from "../event.ts";
import { bids } from "./topics.ts";

const RANKS = 10;

export const results = topic("q19", { key: json<number>(), value: json<Bid & { rank_number: number }>() });

export const handler = operator(
  "q19",
  bids
    .keyBy(({ auction }) => auction)
    .process({
      state: { highest: valueState<readonly Bid[]>() },
      onElement(bid, { state }) {
        const before = state.highest.get() ?? [];
        const higher = before.filter(({ price }) => price >= bid.price);
        if (higher.length >= RANKS) return [];
        const highest = [...higher, bid, ...before.slice(higher.length)].slice(0, RANKS);
        state.highest.set(highest);
        return highest.slice(higher.length).map((ranked, i) => ({ ...ranked, rank_number: higher.length + i + 1 }));
      },
    })
    .to(results),
);
