/** Query 8, monitor new users: who came and put something up for auction in the same ten seconds. */

import { json, operator, seconds, topic, tumbling } from "millrace";
import { auctions, people } from "./topics.ts";

export const results = topic("q8", { value: json<{ id: number; name: string; stime: number }>() });

const newPeople = people.map(({ id, name }) => ({ id, name })).keyBy(({ id }) => id);
const newAuctions = auctions.map(({ seller }) => ({ seller })).keyBy(({ seller }) => seller);

export const handler = operator(
  "q8",
  newPeople
    .coGroup(newAuctions)
    .window(tumbling(seconds(10)))
    .flatMap((came, sold, { window }) =>
      sold.length > 0 ? came.map(({ id, name }) => ({ id, name, stime: window.startMs })) : [],
    )
    .to(results),
);
