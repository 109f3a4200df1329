/** Payments of an evening, before and after the rules change: most cards are used now and then, some very often, and a terminal tells late. */

import { Chance } from "../chance.ts";
import { type InputOptions, type InputRecord, toRecord } from "../example.ts";
import { mixInBroken } from "../generated.ts";
import { type CardPayment, cardPayments, type Rule, riskRules } from "./functions/topics.ts";

const HOUR_MS = 60 * 60_000;
const SPAN_MS = 6 * HOUR_MS;
const BOUND_MS = 5_000;

export type RuleSet = Readonly<Record<string, Rule>>;

export const RULES: RuleSet = {
  "one large payment": { of: "payment-cents", most: 90_000 },
  "much in one session": { of: "session-cents", most: 300_000 },
  "many in one session": { of: "session-payments", most: 12 },
};

/** Without the second, with a stricter third, and with one more. */
export const CHANGED_RULES: RuleSet = {
  "one large payment": { of: "payment-cents", most: 90_000 },
  "many in one session": { of: "session-payments", most: 8 },
  "very much in one session": { of: "session-cents", most: 400_000 },
};

export type CardPayments = {
  readonly before: readonly CardPayment[];
  readonly after: readonly CardPayment[];
  readonly beforeRecords: readonly InputRecord[];
  /** The last of all. */
  readonly last: CardPayment;
  readonly broken: number;
};

export function generatePayments({ records: count, seed, endMs }: InputOptions): CardPayments {
  const chance = new Chance(seed);
  const cards = Array.from({ length: Math.max(10, Math.ceil(count / 20)) }, (_, i) => `card-${i}`);
  const all: CardPayment[] = [];
  for (const arrivedAt of chance.arrivals(count, endMs - SPAN_MS, endMs, BOUND_MS)) {
    const card = chance.happens(0.02) ? `busy-${chance.whole(0, 5)}` : cards[chance.whole(0, cards.length - 1)]!;
    const at = chance.happens(0.01) ? arrivedAt - HOUR_MS : arrivedAt;
    all.push({ id: `p${all.length}`, card, cents: Math.min(500_000, chance.longTailMs(1_200)), at });
  }
  const half = Math.floor(all.length / 2);
  const last = { id: "last", card: "stolen", cents: 250_000, at: endMs - 1 };
  const before = all.slice(0, half);
  const after = all.slice(half);
  const { records, broken } = mixInBroken(chance, before.map(toPaymentRecord), '{"card":');
  return { before, after, beforeRecords: records, last, broken };
}

export function toPaymentRecord(payment: CardPayment): InputRecord {
  return toRecord(cardPayments, payment, { timestampMs: payment.at, by: payment.card });
}

/** What makes one set of rules of another. */
export function toRuleRecords(from: RuleSet, to: RuleSet, timestampMs: number): readonly InputRecord[] {
  const names = new Set([...Object.keys(from), ...Object.keys(to)]);
  return [...names].map((key) => toRecord(riskRules, to[key] ?? null, { timestampMs, key }));
}
