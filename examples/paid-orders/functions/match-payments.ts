/** Joins: orders with their payments by time, and both with what the customer was at that time. */

import { hours, minutes, operator, stream, table } from "millrace";
import { customers, latePayments, orders, paidOrders, payments } from "./topics.ts";

export const handler = operator(
  "match-payments",
  stream(orders)
    .keyBy((order) => order.id)
    .intervalJoin(stream(payments).keyBy((payment) => payment.order))
    .between(minutes(-5), hours(2))
    .lateTo({ right: latePayments })
    .map(({ id, customer, cents }, payment) => ({
      order: id,
      customer,
      paidCents: payment.cents,
      openCents: cents - payment.cents,
    }))
    .keyBy(({ customer }) => customer, { name: "by-customer" })
    .leftJoin(table(customers))
    .map(({ order, paidCents, openCents }, customer) => ({
      order,
      name: customer?.name ?? "unknown",
      tier: customer?.tier ?? "none",
      paidCents,
      openCents,
    }))
    .to(paidOrders.from((paid) => paid)),
);
