/** Mistakes with patterns that must not compile, each with the first line of what the compiler says about it. */

import type { Mistake } from "./mistakes.ts";

const BY_ID = "stream(orders).keyBy((o) => o.id)";

const pattern = (text: string, rest = ".select((match) => match)") => `${BY_ID}.pattern((p) => p${text})${rest}`;

export const MISTAKES_OF_PATTERNS: readonly Mistake[] = [
  {
    title: "a name twice",
    code: pattern('.begin("a").next("a")'),
    error: `TS2345: Argument of type '"a"' is not assignable to parameter of type '"a" & Mistake<"the pattern has a stage called a already; give each a name of its own">'.`,
  },
  {
    title: "a stage that comes later",
    code: pattern('.begin("a").next("b", (o, { c }) => o.id === c.id).next("c")'),
    error: `TS2339: Property 'c' does not exist on type 'SoFar<Order, { readonly a: readonly ["one", Order]; }, "b">'.`,
  },
  {
    title: "a property that the element has not",
    code: pattern('.begin("a", (o) => o.price > 1)'),
    error: "TS2339: Property 'price' does not exist on type 'Order'.",
  },
  {
    title: "one element of several",
    code: pattern('.begin("a").oneOrMore().next("b", (o, { a }) => o.id === a.id)'),
    error: "TS2339: Property 'id' does not exist on type 'readonly [Order, ...Order[]]'.",
  },
  {
    title: "an optional element as if it were there",
    code: pattern('.begin("a").next("b").optional()', ".select(({ b }) => b.id)"),
    error: "TS18048: 'b' is possibly 'undefined'.",
  },
  {
    title: "a skip to no stage",
    code: pattern('.begin("a").afterMatch({ toFirst: "b" })'),
    error: `TS2322: Type '"b"' is not assignable to type '"a"'.`,
  },
  {
    title: "a time as a number",
    code: pattern('.begin("a").within(5)'),
    error: "TS2345: Argument of type 'number' is not assignable to parameter of type 'Duration'.",
  },
  {
    title: "a stage behind the whole",
    code: pattern('.begin("a").within(seconds(5)).next("b")'),
    error: `TS2339: Property 'next' does not exist on type 'Pattern<{ readonly a: readonly ["one", Order]; }>'.`,
  },
  {
    title: "a quantifier of what must not come",
    code: pattern('.begin("a").notNext("b").oneOrMore()'),
    error: `TS2339: Property 'oneOrMore' does not exist on type 'NotStage<Order, { readonly a: readonly ["one", Order]; }, "b">'.`,
  },
  {
    title: "what must not come in a match",
    code: pattern('.begin("a").notNext("b").next("c")', ".select(({ b }) => b)"),
    error: `TS2339: Property 'b' does not exist on type 'Match<{ readonly a: readonly ["one", Order]; } & { readonly c: readonly ["one", Order]; }>'.`,
  },
  {
    title: "an async condition of a stage",
    code: pattern('.begin("a", async (o) => o.id === "")'),
    error: `TS2345: Argument of type '(o: Order) => Promise<boolean>' is not assignable to parameter of type 'Condition<Order, unknown, "a">'.`,
  },
  {
    title: "an async select",
    code: pattern('.begin("a")', ".select(async ({ a }) => a.id)"),
    error:
      "TS2322: Type 'Promise<string>' is not assignable to type 'Promise<string> & Mistake<\"this function must not be async: use mapAsync\">'.",
  },
  {
    title: "no pattern",
    code: `${BY_ID}.pattern(() => ({})).select(() => 1)`,
    error:
      "TS2739: Type '{}' is missing the following properties from type 'Pattern<unknown>': [stages], within, afterMatch",
  },
  {
    title: "late elements of a pattern to a topic of something else",
    code: pattern('.begin("a")', ".lateTo(lines).select(() => 1)"),
    error:
      "TS2345: Argument of type 'Topic<string, string, unknown, null>' is not assignable to parameter of type 'Topic<Order, unknown, string, unknown>'.",
  },
  {
    title: "a date in a pattern",
    code: `${BY_ID}.map((o) => ({ id: o.id, at: new Date() })).pattern((p) => p.begin("a")).select(() => 1)`,
    error:
      "TS2741: Property 'mistake' is missing in type 'KeyedStream<{ id: string; at: Date; }, string>' but required in type 'Mistake<\".at cannot be kept in state; use JSON values, bigint or Uint8Array (a date as epoch milliseconds)\">'.",
  },
];
