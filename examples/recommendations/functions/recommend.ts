/** Recommendations: which items are viewed in the same visit, the three most frequent per item and hour. */

import { hours, minutes, operator, session, stream, tumbling } from "millrace";
import { recommendations, type View, views } from "./topics.ts";

/** Whoever looks at more in one visit is a machine. */
const ITEMS_MAX = 30;

export const handler = operator(
  "recommend",
  stream(views)
    .keyBy((view) => view.visitor)
    .window(session(minutes(15)))
    .process(pairsOf)
    .keyBy((pair) => pair, { name: "by-pair" })
    .window(tumbling(hours(1)))
    .count()
    .keyBy(({ key: [item] }) => item, { name: "by-item" })
    .window(tumbling(hours(1)))
    .topN(3, ({ value }) => value)
    .to(
      recommendations.from(({ key, value, window }) => ({
        item: key,
        hour: new Date(window.startMs).toISOString().slice(0, 13),
        alsoViewed: value.map(({ key: [, other], value: visits }) => ({ item: other, visits })),
      })),
    ),
);

/** Each item of a visit with each other one. */
function pairsOf(visit: readonly View[]): [item: string, other: string][] {
  const items = [...new Set(visit.map(({ item }) => item))];
  if (items.length > ITEMS_MAX) return [];
  return items.flatMap((item) =>
    items.filter((other) => other !== item).map((other): [string, string] => [item, other]),
  );
}
