/** Orders, payments and customers, and what is known of an order when it is paid. */

import { boundedOutOfOrderness, json, seconds, text, topic } from "millrace";

const watermark = boundedOutOfOrderness(seconds(5), { idleAfter: seconds(1) });

export type Order = { readonly id: string; readonly customer: string; readonly cents: number };
export const orders = topic("orders", { value: json<Order>(), watermark });

export type Payment = { readonly order: string; readonly cents: number };
/** An order may be paid in parts; what is paid in a shop may be known before the order. */
export const payments = topic("payments", { value: json<Payment>(), watermark });

export type Customer = { readonly name: string; readonly tier: "basic" | "gold" };
/** The newest of each customer; null: has left. */
export const customers = topic("customers", { key: text(), value: json<Customer>(), watermark, compacted: true });

export type PaidOrder = {
  readonly order: string;
  readonly name: string;
  readonly tier: string;
  readonly paidCents: number;
  readonly openCents: number;
};
export const paidOrders = topic("paid-orders", { value: json<PaidOrder>() });

/** Payments that came when nothing could be said of their time any more. */
export const latePayments = topic("late-payments", { value: json<Payment>() });
