/** Two days of sales: shops are closed at night, tills are behind, some records are broken, and one till comes back after days. */

import { Chance } from "../chance.ts";
import { type InputOptions, toRecord } from "../example.ts";
import { type Generated, mixInBroken } from "../generated.ts";
import { type Sale, sales } from "./functions/topics.ts";

const HOUR_MS = 60 * 60_000;
const SPAN_MS = 48 * HOUR_MS;
const BOUND_MS = 60_000;
const OPENS_AT_HOUR = 7;
const CLOSES_AT_HOUR = 21;
const SHOPS = ["Zürich", "Bern", "Basel", "Genève", "Lugano"];

export function generateSales({ records: count, seed, endMs }: InputOptions): Generated<Sale> {
  const chance = new Chance(seed);
  const startMs = endMs - SPAN_MS;
  const draw = (at: number): Sale => ({ shop: chance.popular(SHOPS), cents: chance.whole(150, 20_000), at });
  const elements = [...chance.arrivals(count, startMs, endMs, BOUND_MS)].filter(isOpen).map(draw);
  const records = elements.map((sale) =>
    toRecord(sales, sale, { timestampMs: sale.at, by: `${sale.shop} ${chance.whole(1, 4)}` }),
  );
  const late = Array.from({ length: 20 }, () => draw(startMs + chance.whole(8, 20) * HOUR_MS));
  return { ...mixInBroken(chance, records, "Bern;1200"), elements, late };
}

function isOpen(atMs: number): boolean {
  const hour = new Date(atMs).getUTCHours();
  return hour >= OPENS_AT_HOUR && hour < CLOSES_AT_HOUR;
}
