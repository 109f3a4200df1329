/** What must compile, and infer exactly this. Checked by tsc; never run. */

import type { Context, Handler, MSKEvent } from "aws-lambda";
import {
  type Duration,
  json,
  type KafkaRecord,
  type KeyedStream,
  minutes,
  operator,
  type Result,
  records,
  type Sink,
  type Stream,
  seconds,
  stream,
  type TimeWindow,
  type Topic,
  text,
  topic,
  tumbling,
  type WindowResult,
  type Writer,
} from "millrace";
import { z } from "zod";
import {
  type Access,
  access,
  type Equal,
  expectType,
  kinds,
  latest,
  lines,
  numbers,
  type Open,
  type Order,
  orders,
  type Paid,
  pairs,
  wordCounts,
} from "./prelude.ts";

// The word count of the documentation, with nothing annotated.
const countWords = operator(
  "count-words",
  stream(lines)
    .flatMap((line) =>
      line
        .toLowerCase()
        .split(/\W+/)
        .filter((word) => word !== ""),
    )
    .keyBy((word) => word)
    .window(tumbling(seconds(5)))
    .count()
    .to(wordCounts.from(({ key, value, window }) => ({ word: key, count: value, windowStartMs: window.startMs }))),
);
expectType<Equal<typeof countWords.operatorName, "count-words">>();
/** What the types of Lambda take as the handler of an MSK trigger that answers with partial failures. */
export const asLambdaHandler: Handler<MSKEvent, unknown> = (event, context: Context) => countWords(event, context);

// Topics: what is written, what is read, which keys.
expectType<Equal<typeof lines, Topic<string, string, unknown, null>>>();
expectType<Equal<typeof latest, Topic<Order | null, Order | null, string, string>>>();
const defaulted = topic("defaulted", { key: text(), value: json(z.object({ n: z.number().default(0) })) });
expectType<Equal<typeof defaulted, Topic<{ n?: number | undefined }, { n: number }, string, string>>>();
stream(numbers)
  .map((n) => (n > 1 ? { n } : {}))
  .to(defaulted.record({ value: (e) => e, key: () => "k" }));

// Sources.
const words = stream(lines);
expectType<Equal<typeof words, Stream<string, null>>>();
const accesses = stream(access, { timestampOf: (a) => a.at + 1, startAt: "latest" });
expectType<Equal<typeof accesses, Stream<Access, string>>>();
const raw = records(access, { timestampOf: (r) => r.timestampMs });
expectType<Equal<typeof raw, Stream<KafkaRecord<string, Access>, string>>>();

// Steps.
const lengths = words.map((line, ctx) => ({ length: line.length, at: ctx.timestampMs }));
expectType<Equal<typeof lengths, Stream<{ length: number; at: number }, null>>>();
const generated = stream(orders).flatMap(function* (order) {
  if (order.kind === "paid") yield { id: order.id, kind: "sold" as const };
});
expectType<Equal<typeof generated, Stream<{ id: string; kind: "sold" }, string>>>();
const conditional = stream(orders).flatMap((order) => (order.kind === "paid" ? [order.amount] : []));
expectType<Equal<typeof conditional, Stream<number, string>>>();
const peeked = words.peek((line, ctx) => ctx.log.info(line));
expectType<Equal<typeof peeked, Stream<string, null>>>();
words.peek(() => {});

// Filters narrow where TypeScript sees that they do.
const paid = stream(orders).filter((order) => order.kind === "paid");
expectType<Equal<typeof paid, Stream<Paid, string>>>();
const large = stream(orders).filter((order) => order.id.length > 3);
expectType<Equal<typeof large, Stream<Order, string>>>();
const present = stream(latest).filter((order) => order !== null);
expectType<Equal<typeof present, Stream<Order, string>>>();
const named = stream(orders).filter(function isOpen(order): order is Open {
  return order.kind === "open";
});
expectType<Equal<typeof named, Stream<Open, string>>>();

// A split gives what each predicate leaves, and the rest what they take away.
const {
  paid: paidBranch,
  long,
  rest,
} = stream(orders).split({
  paid: (order) => order.kind === "paid",
  long: (order) => order.id.length > 3,
});
expectType<Equal<typeof paidBranch, Stream<Paid, string>>>();
expectType<Equal<typeof long, Stream<Order, string>>>();
expectType<Equal<typeof rest, Stream<Open, string>>>();

// A union has all keys that its streams have.
const united = words.union(
  stream(access).map((a) => a.url),
  stream(pairs).map((n) => String(n)),
);
expectType<Equal<typeof united, Stream<string, string | readonly [string, number] | null>>>();
const wider: Stream<Order, string> = paid;
wider.union(rest).to(orders);

// Keys: literals and tuples stay, null is left out, and a key stays until the next keyBy.
const byKind = stream(orders).keyBy((order) => order.kind);
expectType<Equal<typeof byKind, KeyedStream<Order, "paid" | "open">>>();
const byTuple = stream(orders).keyBy((order) => [order.tenant, order.id, 1n]);
expectType<Equal<typeof byTuple, KeyedStream<Order, readonly [string, string, 1n]>>>();
const byMaybe = stream(access).keyBy((a) => a.user ?? null);
expectType<Equal<typeof byMaybe, KeyedStream<Access, string>>>();
const mapped = byKind.map((order) => order.id).filter((id) => id !== "");
expectType<Equal<typeof mapped, KeyedStream<string, "paid" | "open">>>();
const trusted = stream(orders).keyedByTopicKey();
expectType<Equal<typeof trusted, KeyedStream<Order, string>>>();
stream(orders)
  .keyBy((order) => [order.id, 1])
  .map(() => 1)
  .to(pairs);

// What may cross a keyBy.
stream(orders)
  .map((order) => ({ order, big: 1n, bytes: new Uint8Array(), maybe: undefined, list: [{ a: [null] }] }))
  .keyBy((e) => e.order.id);
stream(numbers)
  .map((n): unknown => n)
  .keyBy(() => 1);
type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };
stream(topic("json", { value: json<Json>() })).keyBy(() => 1);

// Rolling aggregates.
const rolling = byKind.count();
expectType<Equal<typeof rolling, KeyedStream<Result<"paid" | "open", number>, "paid" | "open">>>();
const reduced = byKind.reduce((a, b) => (a.id < b.id ? a : b));
expectType<Equal<typeof reduced, KeyedStream<Result<"paid" | "open", Order>, "paid" | "open">>>();
const single = byKind.aggregate((on) => on.last());
expectType<Equal<typeof single, KeyedStream<Result<"paid" | "open", Order>, "paid" | "open">>>();

// Windows, and several aggregates at once.
const perMinute = stream(access)
  .keyBy((a) => a.url)
  .window(tumbling(minutes(1)), { name: "per-minute" })
  .allowedLateness(minutes(1))
  .lateTo(access);
const all = perMinute.aggregate((on) => ({
  requests: on.count(),
  errors: on.count((a) => a.status >= 500),
  slowest: on.maxBy((a) => a.ms),
  average: on.average((a) => a.ms),
  top: on.topN(3, (a) => a.ms),
  urls: on.collect((a) => a.url),
  ratio: on.custom({
    create: () => ({ errors: 0, all: 0 }),
    add: (sum, a) => ({ errors: sum.errors + (a.status >= 500 ? 1 : 0), all: sum.all + 1 }),
    merge: (a, b) => ({ errors: a.errors + b.errors, all: a.all + b.all }),
    result: (sum) => `${sum.errors}/${sum.all}`,
  }),
}));
type Expected = {
  readonly requests: number;
  readonly errors: number;
  readonly slowest: Access;
  readonly average: number;
  readonly top: readonly Access[];
  readonly urls: readonly string[];
  readonly ratio: string;
};
expectType<Equal<typeof all, KeyedStream<WindowResult<string, Expected, TimeWindow>, string>>>();
const again = perMinute
  .count()
  .window(tumbling(minutes(5)))
  .max((r) => r.value);
expectType<Equal<typeof again, KeyedStream<WindowResult<string, number, TimeWindow>, string>>>();

// Writing: literals stay literal in from and record; a record that makes its key asks for none.
const sink = stream(orders).to(kinds.from((order) => ({ kind: order.kind === "paid" ? "a" : "b", n: 1 })));
expectType<Equal<typeof sink, Sink>>();
words.to(kinds.record({ value: (line) => ({ kind: "a", n: line.length }), key: (line) => line }));
stream(orders).to(
  kinds.record({
    value: () => ({ kind: "a", n: 1 }),
    headers: (order) => ({ tenant: order.tenant }),
    timestampMs: (order) => order.id.length,
  }),
);
words.map((line) => line.length).to(numbers);
stream(access).to(access);
paid.to(orders);

// Streams, topics and writers fit where wider or narrower ones are asked for, as they should.
function write(source: Stream<Order, string>, target: Topic<Order, unknown, string, unknown>): Sink {
  return source.to(target);
}
write(paid, orders);
const takesLess: Writer<Paid, string> = orders;
paid.to(takesLess);

// A duration is a number with a unit.
const size: Duration = seconds(5);
expectType<Equal<typeof size extends number ? true : false, true>>();
