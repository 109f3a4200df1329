/** Two days of sales: shops are closed at night, tills are behind, some records are broken, and one till comes back after days. */

import { Chance } from "../chance.ts";
import { type InputOptions, type InputRecord, toBrokenRecord, toRecord } from "../example.ts";
import { type Sale, sales } from "./functions/topics.ts";

const HOUR_MS = 60 * 60_000;
const SPAN_MS = 48 * HOUR_MS;
const BOUND_MS = 60_000;
const OPENS_AT_HOUR = 7;
const CLOSES_AT_HOUR = 21;
const SHOPS = ["Zürich", "Bern", "Basel", "Genève", "Lugano"];

export type ShopSales = {
  readonly records: readonly InputRecord[];
  readonly sales: readonly Sale[];
  /** Come when both days are over. */
  readonly late: readonly Sale[];
  readonly broken: number;
};

export function generateSales({ records: count, seed, endMs }: InputOptions): ShopSales {
  const chance = new Chance(seed);
  const records: InputRecord[] = [];
  const sold: Sale[] = [];
  let broken = 0;
  const draw = (at: number): Sale => ({ shop: chance.popular(SHOPS), cents: chance.whole(150, 20_000), at });
  for (const at of chance.arrivals(count, endMs - SPAN_MS, endMs, BOUND_MS)) {
    const hour = new Date(at).getUTCHours();
    if (hour < OPENS_AT_HOUR || hour >= CLOSES_AT_HOUR) continue;
    const sale = draw(at);
    const by = `${sale.shop} ${chance.whole(1, 4)}`;
    if (chance.happens(0.003)) {
      broken += 1;
      records.push(toBrokenRecord(sales, `${sale.shop};${sale.cents}`, { timestampMs: at, by }));
      continue;
    }
    sold.push(sale);
    records.push(toRecord(sales, sale, { timestampMs: at, by }));
  }
  const late = Array.from({ length: 20 }, () => draw(endMs - SPAN_MS + chance.whole(8, 20) * HOUR_MS));
  return { records, sales: sold, late, broken };
}
