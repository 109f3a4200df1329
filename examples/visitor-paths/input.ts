/** Four hours of clicks: people view, come back to what they viewed, fill carts, and order some of it; a few clicks come too late. */

import { Chance } from "../chance.ts";
import { type InputOptions, toRecord } from "../example.ts";
import { type Generated, mixInBroken } from "../generated.ts";
import { type Click, clicks } from "./functions/topics.ts";

const MINUTE_MS = 60_000;
const SPAN_MS = 240 * MINUTE_MS;
const BOUND_MS = 5_000;
const ITEMS = ["tent", "stove", "rope", "boots", "lamp", "map"];

export function generateClicks({ records: count, seed, endMs }: InputOptions): Generated<Click> {
  const chance = new Chance(seed);
  const elements: Click[] = [];
  for (let i = 0; elements.length < count; i += 1) elements.push(...visitOf(chance, `v${i}`, endMs));
  const records = elements.map((click) => toRecord(clicks, click, { timestampMs: click.at, by: click.visitor }));
  const late = elements.slice(0, 20);
  return { ...mixInBroken(chance, chance.outOfOrder(records, BOUND_MS), "visitor,kind,item"), elements, late };
}

/** What one visitor does, at times that all differ; with pauses, some of them long enough to end a visit. */
function visitOf(chance: Chance, visitor: string, endMs: number): readonly Click[] {
  const done: Click[] = [];
  const inCart: string[] = [];
  let at = endMs - SPAN_MS + chance.whole(0, SPAN_MS / 2);
  const lastMs = endMs - 10 * MINUTE_MS;
  for (let left = chance.whole(2, 12); left > 0 && at < lastMs; left -= 1) {
    const item = chance.popular(ITEMS);
    done.push({ visitor, kind: "view", item, at });
    at += chance.whole(1_000, 4 * MINUTE_MS);
    if (chance.happens(0.4)) {
      done.push({ visitor, kind: "cart", item, at });
      inCart.push(item);
      at += chance.whole(1_000, 2 * MINUTE_MS);
    }
    if (inCart.length > 0 && chance.happens(0.3)) {
      done.push({ visitor, kind: "order", item: inCart.pop() as string, at });
      at += chance.whole(1_000, MINUTE_MS);
    }
    if (chance.happens(0.03)) at += chance.whole(20, 40) * MINUTE_MS;
  }
  return done;
}
