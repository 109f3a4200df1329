/** What must compile where streams meet, and infer exactly this. Checked by tsc; never run. */

import {
  type JoinCtx,
  json,
  type KeyedStream,
  minutes,
  stream,
  type Table,
  type TimeWindow,
  table,
  topic,
  tumbling,
  type WindowJoinCtx,
} from "millrace";
import { type Access, access, type Equal, expectType, latest, lines, type Order, orders } from "./prelude.ts";

const byId = stream(orders).keyBy((order) => order.id);
const byUrl = stream(access).keyBy((a) => a.url);
const late = { left: orders, right: access };

// Interval joins: both elements, the key, the time of the result.
const near = byId
  .intervalJoin(byUrl)
  .between(minutes(-5), minutes(30), { lowerInclusive: false })
  .lateTo(late)
  .map((order, visit, ctx) => {
    expectType<Equal<typeof order, Order>>();
    expectType<Equal<typeof visit, Access>>();
    expectType<Equal<typeof ctx, JoinCtx<string>>>();
    return { order, at: visit.at, key: ctx.key, timestampMs: ctx.timestampMs + ctx.processingTimeMs };
  });
expectType<Equal<typeof near, KeyedStream<{ order: Order; at: number; key: string; timestampMs: number }, string>>>();
byId
  .intervalJoin(byUrl)
  .between(minutes(0), minutes(0))
  .lateTo({ right: access })
  .map(() => 1);

// A key of some of the strings fits one of all strings, on either side.
const byKind = stream(orders).keyBy((order) => order.kind);
const kinds = byKind.intervalJoin(byUrl).between(minutes(0), minutes(1));
expectType<Equal<Parameters<Parameters<typeof kinds.map>[0]>[2]["key"], "paid" | "open">>();
byUrl.intervalJoin(byKind);
const byTuple = stream(orders).keyBy((order) => [order.tenant, order.id]);
byTuple.join(stream(access).keyBy((a) => [a.url, a.url]));

// Window joins get pairs, coGroups both sides; both the window.
const paired = byId
  .join(byUrl)
  .window(tumbling(minutes(5)))
  .allowedLateness(minutes(1))
  .lateTo(late)
  .map((order, visit, ctx) => {
    expectType<Equal<typeof ctx, WindowJoinCtx<string, TimeWindow>>>();
    return [order.id, visit.url, ctx.window.startMs] as const;
  });
expectType<Equal<typeof paired, KeyedStream<readonly [string, string, number], string>>>();
const grouped = byId
  .coGroup(byUrl)
  .window(tumbling(minutes(5)))
  .flatMap((some, visits, { window }) => {
    expectType<Equal<typeof some, readonly Order[]>>();
    return some.map((order) => ({ id: order.id, visits: visits.length, startMs: window.startMs }));
  });
expectType<Equal<typeof grouped, KeyedStream<{ id: string; visits: number; startMs: number }, string>>>();

// Tables have no null; a left join may find nothing.
const customers = table(latest);
expectType<Equal<typeof customers, Table<Order, string>>>();
table(latest, { timestampOf: (order) => (order === null ? 0 : order.id.length), startAt: "earliest" });
const known = byUrl.join(customers).map((visit, order, { key }) => ({ ms: visit.ms, kind: order.kind, key }));
expectType<Equal<typeof known, KeyedStream<{ ms: number; kind: "paid" | "open"; key: string }, string>>>();
const maybe = byUrl.leftJoin(customers).map((_, order) => order);
expectType<Equal<typeof maybe, KeyedStream<Order | undefined, string>>>();
const numbered = table(topic("numbered", { key: json<number>(), value: json<string>(), compacted: true }));
stream(lines)
  .keyBy((line) => line.length)
  .leftJoin(numbered)
  .map((line, name) => `${line} ${name}`);
