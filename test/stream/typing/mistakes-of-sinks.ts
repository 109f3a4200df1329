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
  {
    title: "a number as a key that is a string",
    code: `stream(orders).to(dynamoTable("t", { partitionKey: (order) => order.id.length }))`,
    error: "TS2322: Type '(order: Order) => number' is not assignable to type 'TableKey<Order>'.",
  },
  {
    title: "a string as a key that is a number",
    code: `stream(orders).to(dynamoTable("t", { partitionKey: { type: "number", value: (order) => order.id } }))`,
    error:
      "TS2322: Type '{ type: \"number\"; value: (order: Order) => string; }' is not assignable to type 'TableKey<Order>'.",
  },
  {
    title: "a table of other elements",
    code: `stream(lines).to(dynamoTable("t", { partitionKey: (order: { id: string }) => order.id }))`,
    error:
      "TS2345: Argument of type 'DynamoTable<{ id: string; }>' is not assignable to parameter of type 'Writer<string, null>'.",
  },
  {
    title: "an item that is no object",
    code: `stream(orders).to(dynamoTable("t", { partitionKey: (order) => order.id, item: (order) => order.id }))`,
    error: "TS2322: Type '(order: Order) => string' is not assignable to type '(element: Order) => object | null'.",
  },
  {
    title: "a sink of other elements",
    code: `stream(lines).to(sink("s", { write: async (batch: readonly SinkElement<number>[]) => {} }))`,
    error:
      "TS2345: Argument of type 'OutsideSink<number, unknown>' is not assignable to parameter of type 'Writer<string, null>'.",
  },
  {
    title: "a write that is not awaited",
    code: `stream(lines).to(sink("s", { write: (batch) => {} }))`,
    error:
      "TS2322: Type '(batch: readonly SinkElement<string, null>[]) => void' is not assignable to type '(batch: readonly SinkElement<string, null>[], call: SinkCall<undefined>) => PromiseLike<void | SinkRefusals>'.",
  },
  {
    title: "a refusal without a reason",
    code: `stream(lines).to(sink("s", { write: async (batch) => ({ refused: batch.map(({ id }) => ({ id })) }) }))`,
    error:
      "TS2322: Type 'Promise<{ refused: { id: string; }[]; }>' is not assignable to type 'PromiseLike<void | SinkRefusals>'.",
  },
];
