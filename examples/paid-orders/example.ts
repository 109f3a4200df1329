/** Every order with every payment, by plain loops, and the customer as of then. */

import { type Example, expectIn, toRecord } from "../example.ts";
import { latePayments, type PaidOrder, paidOrders, payments } from "./functions/topics.ts";
import { generateOrders, type Ordering } from "./input.ts";

const MINUTE_MS = 60_000;

export const paidOrdersExample: Example = {
  name: "paid-orders",
  title: "orders joined with their payments by time, and with their customers as of then",
  plan(options) {
    const input = generateOrders(options);
    return {
      waves: [
        { what: "orders, payments and customers of half a day", records: input.records },
        {
          what: "payments that a bank tells of too late",
          records: input.late.map(({ value, at }) => toRecord(payments, value, { timestampMs: at, by: "bank" })),
        },
      ],
      expected: [
        expectIn(paidOrders, matchDirectly(input)),
        expectIn(
          latePayments,
          input.late.map(({ value }) => value),
        ),
      ],
      deadLetters: { "match-payments": input.broken },
    };
  },
};

function matchDirectly({ orders, payments, customers }: Ordering): readonly PaidOrder[] {
  const byId = new Map(orders.map((order) => [order.value.id, order]));
  const matches: PaidOrder[] = [];
  for (const { value: payment, at } of payments) {
    const order = byId.get(payment.order);
    if (order === undefined || at < order.at - 5 * MINUTE_MS || at > order.at + 120 * MINUTE_MS) continue;
    const { id, customer, cents } = order.value;
    const asOfMs = Math.max(at, order.at);
    const known = customers.get(customer)?.findLast((version) => version.at <= asOfMs)?.value ?? undefined;
    matches.push({
      order: id,
      name: known?.name ?? "unknown",
      tier: known?.tier ?? "none",
      paidCents: payment.cents,
      openCents: cents - payment.cents,
    });
  }
  return matches;
}
