/** Mistakes at the end of streams that must not compile, each with the first line of what the compiler says about it. */

import type { Mistake } from "./mistakes.ts";

export const MISTAKES_OF_SINKS: readonly Mistake[] = [
  {
    title: "a route to a topic that the element does not fit",
    code: `stream(orders).to(route({ orders, kinds }, (order) => order.tenant))`,
    error:
      'TS2322: Type \'Topic<{ readonly kind: "a" | "b"; readonly n: number; }, { readonly kind: "a" | "b"; readonly n: number; }, string, string>\' is not assignable to type \'Writer<NoInfer<Order>, string>\'.',
  },
  {
    title: "a route to a topic that the key does not fit",
    code: `stream(orders).keyBy(() => 1).to(route({ orders }, (order) => order.tenant))`,
    error: "TS2322: Type 'Topic<Order, Order, string, string>' is not assignable to type 'Writer<NoInfer<Order>, 1>'.",
  },
  {
    title: "a route by something that is no text",
    code: `stream(orders).to(route({ orders }, (order) => order.id.length))`,
    error: "TS2322: Type 'number' is not assignable to type 'string'.",
  },
];
