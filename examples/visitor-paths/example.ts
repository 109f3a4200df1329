/** Visits and abandoned carts by plain loops over the clicks of each visitor. */

import { type Example, expectIn, toRecord } from "../example.ts";
import {
  type AbandonedCart,
  abandonedCarts,
  type Click,
  clicks,
  lateClicks,
  type Visit,
  visits,
} from "./functions/topics.ts";
import { generateClicks } from "./input.ts";

const HALF_HOUR_MS = 30 * 60_000;

export const visitorPaths: Example = {
  name: "visitor-paths",
  title: "the path of every visit (sessions), and carts that were left behind (a pattern)",
  plan(options) {
    const input = generateClicks(options);
    const byVisitor = new Map<string, Click[]>();
    for (const click of input.elements) byVisitor.set(click.visitor, [...(byVisitor.get(click.visitor) ?? []), click]);
    const inOrder = [...byVisitor.values()].map((own) => own.sort((a, b) => a.at - b.at));
    return {
      waves: [
        { what: "the clicks of four hours", records: input.records },
        {
          what: "clicks of a telephone that was offline",
          records: input.late.map((click) => toRecord(clicks, click, { timestampMs: click.at, by: "offline" })),
        },
      ],
      expected: [
        expectIn(visits, inOrder.flatMap(visitsOf)),
        expectIn(abandonedCarts, inOrder.flatMap(abandonedOf)),
        expectIn(lateClicks, input.late),
      ],
      deadLetters: { "follow-visits": input.broken, "find-abandoned-carts": input.broken },
    };
  },
};

function visitsOf(own: readonly Click[]): readonly Visit[] {
  const found: Click[][] = [];
  for (const [i, click] of own.entries()) {
    const before = own[i - 1];
    if (before === undefined || click.at - before.at > HALF_HOUR_MS) found.push([click]);
    else found.at(-1)?.push(click);
  }
  return found.map((visit) => {
    const [first, last] = [visit[0] as Click, visit.at(-1) as Click];
    return {
      visitor: first.visitor,
      from: new Date(first.at).toISOString(),
      seconds: (last.at - first.at) / 1_000,
      path: visit.map(({ kind, item }) => `${kind} ${item}`).join(" > "),
    };
  });
}

/** For every view: the first later cart with it, unless that is too late, or an order follows in time. */
function abandonedOf(own: readonly Click[]): readonly AbandonedCart[] {
  const found: AbandonedCart[] = [];
  for (const [i, view] of own.entries()) {
    if (view.kind !== "view") continue;
    const { item, visitor } = view;
    const inTime = own.slice(i + 1).filter(({ at }) => at < view.at + HALF_HOUR_MS);
    const cart = inTime.find((click) => click.kind === "cart" && click.item === item);
    if (cart === undefined) continue;
    if (inTime.some((click) => click.kind === "order" && click.item === item && click.at > cart.at)) continue;
    found.push({ visitor, item, viewedAt: view.at, cartAt: cart.at });
  }
  return found;
}
