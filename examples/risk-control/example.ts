/** Alerts by one plain loop over the payments, in the order in which they were written. */

import { type Example, expectIn } from "../example.ts";
import { type Alert, alerts, type CardPayment } from "./functions/topics.ts";
import { CHANGED_RULES, generatePayments, RULES, type RuleSet, toPaymentRecord, toRuleRecords } from "./input.ts";

const GAP_MS = 30 * 60_000;

export const riskControl: Example = {
  name: "risk-control",
  title: "payments against rules that change: limits per session, an alert at once",
  plan(options) {
    const { before, after, beforeRecords, last, broken } = generatePayments(options);
    return {
      waves: [
        { what: "the rules", records: toRuleRecords({}, RULES, options.endMs - 1) },
        { what: "payments", records: beforeRecords },
        { what: "other rules", records: toRuleRecords(RULES, CHANGED_RULES, options.endMs - 1) },
        { what: "more payments", records: after.map(toPaymentRecord) },
        { what: "a payment that is too large", records: [toPaymentRecord(last)], answeredIn: alerts },
      ],
      expected: [
        expectIn(
          alerts,
          checkDirectly([
            [before, RULES],
            [[...after, last], CHANGED_RULES],
          ]),
        ),
      ],
      deadLetters: { "check-payments": broken },
    };
  },
};

function checkDirectly(phases: readonly (readonly [readonly CardPayment[], RuleSet])[]): readonly Alert[] {
  const found: Alert[] = [];
  const sessions = new Map<string, { payments: CardPayment[]; told: Set<string> }>();
  for (const [payments, rules] of phases) {
    for (const payment of payments) {
      const { card, id } = payment;
      let session = sessions.get(card);
      const lastMs = Math.max(...(session?.payments.map(({ at }) => at) ?? []));
      if (session === undefined || payment.at > lastMs + GAP_MS)
        sessions.set(card, (session = { payments: [], told: new Set() }));
      session.payments.push(payment);
      const reached = {
        "payment-cents": payment.cents,
        "session-cents": session.payments.reduce((sum, { cents }) => sum + cents, 0),
        "session-payments": session.payments.length,
      };
      for (const [rule, { of, most }] of Object.entries(rules)) {
        if (reached[of] <= most || session.told.has(rule)) continue;
        session.told.add(rule);
        found.push({ card, payment: id, rule, reached: reached[of], most });
      }
    }
  }
  return found;
}
