/** Five hours of visits to a shop: people look at a few things of one kind, a machine at everything, and some views come too late. */

import { Chance } from "../chance.ts";
import { type InputOptions, toRecord } from "../example.ts";
import { type Generated, mixInBroken } from "../generated.ts";
import { type View, views } from "./functions/topics.ts";

const MINUTE_MS = 60_000;
/** As long as the last one to come may stay. */
const SPAN_MS = 300 * MINUTE_MS;
const BOUND_MS = 5_000;
const KINDS = ["tent", "stove", "rope", "boots", "lamp", "map"];

export function generateVisits({ records: count, seed, endMs }: InputOptions): Generated<View> {
  const chance = new Chance(seed);
  const elements: View[] = [];
  const startMs = endMs - SPAN_MS;
  for (let i = 0; elements.length < count; i += 1)
    elements.push(...(i % 1_000 === 50 ? crawl(`crawler-${i}`, startMs) : browse(chance, `v${i}`, startMs)));
  const records = elements.map((view) => toRecord(views, view, { timestampMs: view.at, by: view.visitor }));
  const late = elements.slice(0, 20).map((view) => ({ ...view, item: "late" }));
  return { ...mixInBroken(chance, chance.outOfOrder(records, BOUND_MS), "<html>"), elements, late };
}

/** One to three visits, far enough from each other. */
function browse(chance: Chance, visitor: string, startMs: number): readonly View[] {
  const seen: View[] = [];
  let at = startMs + chance.whole(0, SPAN_MS / 2);
  for (let visits = chance.popular([1, 2, 3]); visits > 0; visits -= 1) {
    const kind = chance.popular(KINDS);
    for (let left = chance.whole(1, 8); left > 0; left -= 1) {
      const item = `${chance.happens(0.85) ? kind : chance.popular(KINDS)}-${chance.popular([1, 2, 3, 4, 5])}`;
      seen.push({ visitor, item, at });
      at += chance.whole(1_000, 3 * MINUTE_MS);
    }
    at += chance.whole(16, 25) * MINUTE_MS;
  }
  return seen;
}

function crawl(visitor: string, startMs: number): readonly View[] {
  return Array.from({ length: 40 }, (_, i) => ({ visitor, item: `${KINDS[i % 6]}-${i}`, at: startMs + i * 1_000 }));
}
