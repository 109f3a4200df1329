/** Visits and their pairs by plain loops: how often any two items were viewed together, hour by hour. */

import { type Example, expectIn, toRecord } from "../example.ts";
import { type Recommendation, recommendations, type View, views } from "./functions/topics.ts";
import { generateVisits } from "./input.ts";

const GAP_MS = 15 * 60_000;
const TOP = 3;

export const recommendationsExample: Example = {
  name: "recommendations",
  title: "what is viewed in the same visits, the top 3 per item and hour",
  plan(options) {
    const input = generateVisits(options);
    const all = pairDirectly(input.elements);
    return {
      waves: [
        { what: "the views of five hours", records: input.records },
        {
          what: "views that come too late, and count for nothing",
          records: input.late.map((view) => toRecord(views, view, { timestampMs: view.at, by: view.visitor })),
        },
      ],
      expected: [
        // All pairs are expected, and the first three of them told: which of equal ones they are is open.
        expectIn(recommendations, all, {
          identify: ({ item, hour }) => `${item} ${hour}`,
          isRight: (expected, actual) => isTopOf(expected.alsoViewed, actual.alsoViewed),
        }),
      ],
      deadLetters: { recommend: input.broken },
    };
  },
};

type Also = Recommendation["alsoViewed"];

function isTopOf(all: Also, told: Also): boolean {
  const most = all.map(({ visits }) => visits).sort((a, b) => b - a);
  return (
    told.length === Math.min(TOP, all.length) &&
    new Set(told.map(({ item }) => item)).size === told.length &&
    told.every(({ item, visits }, i) => visits === most[i] && all.some((a) => a.item === item && a.visits === visits))
  );
}

function pairDirectly(all: readonly View[]): readonly Recommendation[] {
  const counts = new Map<string, Map<string, number>>();
  for (const visit of visitsOf(all)) {
    const items = new Set(visit.map(({ item }) => item));
    if (items.size > 30) continue;
    // A visit counts for the hour in which it is known to be over.
    const overMs = (visit.at(-1)?.at ?? 0) + GAP_MS - 1;
    const hour = new Date(overMs).toISOString().slice(0, 13);
    for (const item of items) {
      for (const other of items) {
        if (item === other) continue;
        const name = `${item} ${hour}`;
        const others = counts.get(name) ?? new Map<string, number>();
        counts.set(name, others.set(other, (others.get(other) ?? 0) + 1));
      }
    }
  }
  return [...counts].map(([name, others]) => {
    const [item = "", hour = ""] = name.split(" ");
    return { item, hour, alsoViewed: [...others].map(([other, visits]) => ({ item: other, visits })) };
  });
}

function visitsOf(all: readonly View[]): readonly View[][] {
  const visits: View[][] = [];
  const open = new Map<string, View[]>();
  for (const view of [...all].sort((a, b) => a.at - b.at)) {
    const current = open.get(view.visitor);
    if (current !== undefined && view.at - (current.at(-1) as View).at <= GAP_MS) current.push(view);
    else {
      const begun = [view];
      visits.push(begun);
      open.set(view.visitor, begun);
    }
  }
  return visits;
}
