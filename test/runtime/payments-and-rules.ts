/** Payments by card and rules for them: what tests of broadcast streams have in common. Each card's payments come from a partition of its own of four. */

import { at, boundedOutOfOrderness, json, milliseconds, type Operator, stream, testDriver, topic } from "millrace";

type Payment = { readonly card: string; readonly cents: number };
export type Rule = { readonly name: string; readonly mostCents: number };

export const watermark = boundedOutOfOrderness(milliseconds(0));
export const payments = topic("payments", { value: json<Payment>(), watermark, partitions: 4 });
export const rules = topic("rules", { value: json<Rule>(), watermark, partitions: 1 });
export const out = topic("out", { value: json<string>(), partitions: 1 });

export const pay = (card: string, cents: number, ms = 1) =>
  at(ms, { card, cents }, { partition: Number(card.slice(5)) % 4 });
export const start = (handler: Operator, options = {}) => testDriver(handler, { partitions: "declared", ...options });
export const byCard = stream(payments).keyBy(({ card }) => card);
