/** Query 3, local item suggestion: who sells things of category 10 in Oregon, Idaho or California. Auctions wait for their seller, as either may come first. */

import { json, listState, operator, topic, valueState } from "millrace";
import type { Person } from "../event.ts";
import { auctions, people } from "./topics.ts";

type Seller = Pick<Person, "id" | "name" | "city" | "state">;

export const results = topic("q3", { value: json<{ name: string; city: string; state: string; id: number }>() });

const local = people
  .filter(({ state }) => state === "OR" || state === "ID" || state === "CA")
  .map(({ id, name, city, state }): Seller => ({ id, name, city, state }));

const sold = auctions.filter(({ category }) => category === 10).map(({ id, seller }) => ({ id, seller }));

export const handler = operator(
  "q3",
  sold
    .keyBy(({ seller }) => seller)
    .connect(local.keyBy(({ id }) => id))
    .process({
      state: { seller: valueState<Seller>(), waiting: listState<number>() },
      onLeft({ id }, { state }) {
        const seller = state.seller.get();
        if (seller !== undefined) return [suggest(seller, id)];
        state.waiting.add(id);
        return [];
      },
      onRight(seller, { state }) {
        state.seller.set(seller);
        const waiting = state.waiting.get();
        state.waiting.clear();
        return waiting.map((id) => suggest(seller, id));
      },
    })
    .to(results),
);

function suggest({ name, city, state }: Seller, id: number) {
  return { name, city, state, id };
}
