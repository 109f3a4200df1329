/** Payments by card, the rules they must keep, and the alerts about those that do not. */

import { json, text, topic } from "millrace";

export type CardPayment = { readonly id: string; readonly card: string; readonly cents: number; readonly at: number };

/** A card's payments come in one partition, and so in the order in which they were made, but for those that are told of late. */
export const cardPayments = topic("card-payments", {
  value: json<CardPayment>(),
  timestampOf: (payment) => payment.at,
});

/** The most that a payment, or a session of payments, may have of something. */
export type Rule = { readonly of: "payment-cents" | "session-cents" | "session-payments"; readonly most: number };

/** By name; null withdraws a rule. Changes hold at once, for all cards. */
export const riskRules = topic("risk-rules", { key: text(), value: json<Rule>(), compacted: true });

export type Alert = {
  readonly card: string;
  readonly payment: string;
  readonly rule: string;
  readonly reached: number;
  readonly most: number;
};
export const alerts = topic("alerts", { key: text(), value: json<Alert>() });
