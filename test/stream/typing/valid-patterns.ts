/** What must compile of patterns, and infer exactly this. Checked by tsc; never run. */

import {
  type KeyedStream,
  type Match,
  type MatchCtx,
  minutes,
  type PartialMatch,
  type Pattern,
  stream,
} from "millrace";
import { type Equal, expectType, type Open, type Order, orders, type Paid } from "./prelude.ts";

const byTenant = stream(orders).keyBy((order) => order.tenant);
const isPaid = (order: Order): order is Paid => order.kind === "paid";

// Names, numbers and types of stages say what a match is; a type predicate narrows, written out or inferred.
const several = byTenant
  .pattern((p) => {
    const pattern = p
      .begin("first", (order) => order.kind === "open")
      .next("second", isPaid)
      .followedBy("perhaps")
      .where(isPaid)
      .optional()
      .followedByAny("some", (order, soFar) => {
        expectType<Equal<typeof order, Order>>();
        expectType<Equal<typeof soFar.first, Open>>();
        expectType<Equal<typeof soFar.second, Paid>>();
        expectType<Equal<typeof soFar.perhaps, Paid | undefined>>();
        expectType<Equal<typeof soFar.some, readonly Order[]>>();
        return order.id === soFar.first.id;
      })
      .oneOrMore()
      .greedy()
      .notFollowedBy("never", (order, { some }) => order.id === some[0].id)
      .followedBy("any", isPaid)
      .times(2, 4)
      .consecutive()
      .next("anyOrNone")
      .timesOrMore(2)
      .allowCombinations()
      .optional()
      .until((order, { anyOrNone }, ctx) => anyOrNone.length > 3 && ctx.timestampMs > 0 && order.id !== "")
      .within(minutes(5))
      .afterMatch({ toFirst: "some" });
    return pattern;
  })
  .lateTo(orders)
  .timedOut((partial, ctx) => {
    expectType<Equal<typeof ctx, MatchCtx<string>>>();
    expectType<Equal<typeof partial.first, Open | undefined>>();
    expectType<Equal<typeof partial.some, readonly Order[]>>();
    return { late: partial.first?.id };
  })
  .select((match, { key }) => {
    expectType<Equal<typeof match.first, Open>>();
    expectType<Equal<typeof match.perhaps, Paid | undefined>>();
    expectType<Equal<typeof match.some, readonly [Order, ...Order[]]>>();
    expectType<Equal<typeof match.any, readonly [Paid, ...Paid[]]>>();
    expectType<Equal<typeof match.anyOrNone, readonly Order[]>>();
    return { key, total: match.any.reduce((sum, { amount }) => sum + amount, match.second.amount) };
  });
expectType<Equal<typeof several, KeyedStream<{ key: string; total: number } | { late: string | undefined }, string>>>();

// What is or'ed is as wide as the stream again.
byTenant
  .pattern((p) => p.begin("one", isPaid).or((order) => order.id === ""))
  .select(({ one }) => expectType<Equal<typeof one, Order>>());

// A pattern may be written apart from its stream, and a stream of more takes one of less.
type Stages = { readonly a: readonly ["one", { id: string }]; readonly b: readonly ["any", { id: string }] };
expectType<Equal<Match<Stages>, { readonly a: { id: string }; readonly b: readonly { id: string }[] }>>();
expectType<Equal<PartialMatch<Stages>["a"], { id: string } | undefined>>();
const count = <S>(pattern: Pattern<S>): Pattern<S> => pattern.afterMatch("past-last");
byTenant.pattern((p) => count(p.begin("a").times(0, 2).followedBy("b"))).select(({ a, b }) => [a.length, b.id]);
const animals: KeyedStream<{ readonly id: string }, string> = byTenant;
animals.pattern((p) => p.begin("a")).select(({ a }) => a.id);
byTenant
  .pattern((p) => p.begin("a"), { time: "processing", partialMatchesMax: 10 })
  .select(() => null, { name: "again" });
