/** Half a day of orders: most are paid, in one or two parts, some too early or too late; customers come, rise, and leave. */

import { Chance } from "../chance.ts";
import { type InputOptions, type InputRecord, toRecord } from "../example.ts";
import { mixInBroken } from "../generated.ts";
import { type Customer, customers, type Order, orders, type Payment, payments } from "./functions/topics.ts";

const MINUTE_MS = 60_000;
const SPAN_MS = 12 * 60 * MINUTE_MS;
const BOUND_MS = 5_000;
const CUSTOMERS = 200;

/** An element with its time. */
export type Timed<T> = { readonly value: T; readonly at: number };

export type Ordering = {
  readonly records: readonly InputRecord[];
  readonly orders: readonly Timed<Order>[];
  readonly payments: readonly Timed<Payment>[];
  readonly late: readonly Timed<Payment>[];
  /** What became of each customer, in order of time; null: has left. */
  readonly customers: ReadonlyMap<string, readonly Timed<Customer | null>[]>;
  readonly broken: number;
};

export function generateOrders({ records: count, seed, endMs }: InputOptions): Ordering {
  const chance = new Chance(seed);
  const records: InputRecord[] = [];
  const placed: Timed<Order>[] = [];
  const paid: Timed<Payment>[] = [];
  const known = new Map<string, Timed<Customer | null>[]>();
  const startMs = endMs - SPAN_MS;
  for (let i = 0; i < CUSTOMERS; i += 1) known.set(`c${i}`, draftCustomer(chance, i, startMs));
  for (const at of chance.arrivals(Math.ceil(count / 2), startMs, endMs - 3 * 60 * MINUTE_MS, 0)) {
    const value = {
      id: `o${placed.length}`,
      customer: `c${chance.whole(0, CUSTOMERS + 4)}`,
      cents: chance.whole(500, 30_000),
    };
    placed.push({ value, at });
    const parts = chance.popular([1, 2, 0]);
    for (let part = 0; part < parts; part += 1) {
      // From a little too early to a little too late to meet its order.
      const behindMs = chance.whole(-6, 125) * MINUTE_MS;
      paid.push({ value: { order: value.id, cents: Math.round(value.cents / parts) }, at: at + behindMs });
    }
  }
  for (const { value, at } of placed) records.push(toRecord(orders, value, { timestampMs: at, by: value.customer }));
  for (const { value, at } of paid) records.push(toRecord(payments, value, { timestampMs: at, by: value.order }));
  for (const [key, versions] of known)
    for (const { value, at } of versions) records.push(toRecord(customers, value, { timestampMs: at, key }));
  const late = paid.slice(0, 20);
  const mixed = mixInBroken(chance, chance.outOfOrder(records, BOUND_MS), "order=");
  return { ...mixed, orders: placed, payments: paid, late, customers: known };
}

/** Known from the beginning, or from some time on; some rise, some leave. */
function draftCustomer(chance: Chance, i: number, startMs: number): Timed<Customer | null>[] {
  const name = `Customer ${i}`;
  const cameAt = startMs + (chance.happens(0.8) ? -60 : chance.whole(0, 300)) * MINUTE_MS + i;
  const versions: Timed<Customer | null>[] = [{ value: { name, tier: "basic" }, at: cameAt }];
  const laterMs = () => (versions.at(-1)?.at ?? 0) + chance.whole(60, 200) * MINUTE_MS;
  if (chance.happens(0.4)) versions.push({ value: { name, tier: "gold" }, at: laterMs() });
  if (chance.happens(0.2)) versions.push({ value: null, at: laterMs() });
  return versions;
}
