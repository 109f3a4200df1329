/** Five hours of visits to a shop: people look at a few things of one kind, a machine at everything, and some views come too late. */

import { Chance } from "../chance.ts";
import { type InputOptions, type InputRecord, toBrokenRecord, toRecord } from "../example.ts";
import { type View, views } from "./functions/topics.ts";

const MINUTE_MS = 60_000;
/** As long as the last one to come may stay. */
const SPAN_MS = 300 * MINUTE_MS;
const BOUND_MS = 5_000;
const KINDS = ["tent", "stove", "rope", "boots", "lamp", "map"];

export type Visits = {
  readonly records: readonly InputRecord[];
  readonly views: readonly View[];
  /** Come when all visits are over. */
  readonly late: readonly View[];
  readonly broken: number;
};

export function generateVisits({ records: count, seed, endMs }: InputOptions): Visits {
  const chance = new Chance(seed);
  const seen: View[] = [];
  const startMs = endMs - SPAN_MS;
  for (let visitor = 0; seen.length < count; visitor += 1)
    seen.push(
      ...(visitor % 1_000 === 50 ? crawl(`crawler-${visitor}`, startMs) : browse(chance, `v${visitor}`, startMs)),
    );
  const records: InputRecord[] = [];
  let broken = 0;
  for (const view of seen) {
    records.push(toRecord(views, view, { timestampMs: view.at, by: view.visitor }));
    if (!chance.happens(0.002)) continue;
    broken += 1;
    records.push(toBrokenRecord(views, "<html>", { timestampMs: view.at, by: view.visitor }));
  }
  const late = seen.slice(0, 20).map((view) => ({ ...view, item: "late" }));
  return { records: chance.outOfOrder(records, BOUND_MS), views: seen, late, broken };
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
