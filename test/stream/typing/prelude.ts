/** What the type tests share: topics as an application would declare them. */

import { boundedOutOfOrderness, json, seconds, text, topic } from "millrace";
import { z } from "zod";

export type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** Compiles only for `true`. */
export function expectType<_Holds extends true>(): void {}

export type Order =
  | { readonly kind: "paid"; readonly id: string; readonly tenant: string; readonly amount: number }
  | { readonly kind: "open"; readonly id: string; readonly tenant: string };
export type Paid = Extract<Order, { kind: "paid" }>;
export type Open = Extract<Order, { kind: "open" }>;

export const Access = z.object({
  at: z.number(),
  url: z.string(),
  status: z.number(),
  ms: z.number(),
  user: z.string().optional(),
});
export type Access = z.infer<typeof Access>;

export const lines = topic("lines", { value: text(), watermark: boundedOutOfOrderness(seconds(5)) });
export const access = topic("access", {
  key: text(),
  value: json(Access),
  timestampOf: (a) => a.at,
  watermark: boundedOutOfOrderness(seconds(5), { idleAfter: seconds(30) }),
});
export const orders = topic("orders", { key: text(), value: json<Order>() });
export const latest = topic("latest", { key: text(), value: json<Order>(), compacted: true });
export const kinds = topic("kinds", { key: text(), value: json<{ readonly kind: "a" | "b"; readonly n: number }>() });
export const numbers = topic("numbers", { value: json<number>() });
export const pairs = topic("pairs", { key: json<readonly [string, number]>(), value: json<number>() });
export const wordCounts = topic("word-counts", {
  key: text(),
  value: json<{ readonly word: string; readonly count: number; readonly windowStartMs: number }>(),
});
