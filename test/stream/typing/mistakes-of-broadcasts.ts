/** Mistakes with broadcast streams that must not compile, each with the first line of what the compiler says about it. */

import type { Mistake } from "./mistakes.ts";

const byId = "stream(orders).keyBy((order) => order.id)";
const slow = `${byId}.connect(stream(access).broadcast())`;
const known = `${byId}.connect(table(latest).broadcast())`;

export const MISTAKES_OF_BROADCASTS: readonly Mistake[] = [
  {
    title: "changing broadcast state in onElement",
    code: `${slow}.process({ broadcastState: { n: valueState<number>() }, onElement(o, { broadcastState }) { broadcastState.n.set(1); }, onBroadcast() {} })`,
    error: "TS2339: Property 'set' does not exist on type 'ReadOnlyValueState<number>'.",
  },
  {
    title: "changing broadcast state in onTimer",
    code: `${slow}.process({ broadcastState: { n: mapState<number>() }, onElement() {}, onBroadcast() {}, onTimer({ broadcastState }) { broadcastState.n.delete(""); } })`,
    error: "TS2339: Property 'delete' does not exist on type 'ReadOnlyMapState<number>'.",
  },
  {
    title: "changing a broadcast table",
    code: `${known}.process({ onElement() {}, onBroadcast({ key }, { broadcastState }) { broadcastState.delete(key); } })`,
    error: "TS2339: Property 'delete' does not exist on type 'TableView<string, Order>'.",
  },
  {
    title: "a timer in onBroadcast",
    code: `${slow}.process({ onElement() {}, onBroadcast(a, { timers }) { timers.eventTime(0); }, onTimer() {} })`,
    error:
      "TS2339: Property 'timers' does not exist on type 'KeyedBroadcastCtx<string, NoInfer<Record<never, never>>, HandlesOf<NoInfer<Record<never, never>>>>'.",
  },
  {
    title: "the state of a key in onBroadcast",
    code: `${slow}.process({ state: { n: counterState() }, onElement() {}, onBroadcast(a, { state }) { state.n.add(); } })`,
    error:
      "TS2339: Property 'state' does not exist on type 'KeyedBroadcastCtx<string, NoInfer<{ n: StateDeclaration<CounterState>; }>, HandlesOf<NoInfer<Record<never, never>>>>'.",
  },
  {
    title: "forEachKey of a state that is not declared",
    code: `${slow}.process({ state: { n: counterState() }, onElement() {}, onBroadcast(a, { forEachKey }) { forEachKey("m", () => {}); } })`,
    error: "TS2345: Argument of type '\"m\"' is not assignable to parameter of type '\"n\"'.",
  },
  {
    title: "a counter as broadcast state",
    code: `${slow}.process({ broadcastState: { n: counterState() }, onElement() {}, onBroadcast() {} })`,
    error:
      "TS2322: Type 'StateDeclaration<CounterState>' is not assignable to type 'StateDeclaration<MapState<unknown, never> | ValueState<unknown, never>>'.",
  },
  {
    title: "a broadcast stream without onBroadcast",
    code: `${slow}.process({ onElement() {} })`,
    error:
      "TS2741: Property 'onBroadcast' is missing in type '{ onElement(): void; }' but required in type 'BroadcastSpec<string, Order, { at: number; url: string; status: number; ms: number; user?: string | undefined; }, Record<never, never>, Record<never, never>, void, undefined, undefined>'.",
  },
  {
    title: "state per key where there is no key",
    code: `stream(orders).connect(stream(access).broadcast()).process({ state: { n: counterState() }, onElement() {}, onBroadcast() {} })`,
    error:
      "TS2353: Object literal may only specify known properties, and 'state' does not exist in type 'UnkeyedBroadcastSpec<Order, { at: number; url: string; status: number; ms: number; user?: string | undefined; }, Record<never, never>, void, void>'.",
  },
  {
    title: "a stream without a key that meets one that is not broadcast",
    code: `stream(orders).connect(${byId})`,
    error:
      "TS2345: Argument of type 'KeyedStream<Order, string>' is not assignable to parameter of type 'Broadcast<unknown> | BroadcastTable<unknown, unknown>'.",
  },
  {
    title: "a sum per key of what onBroadcast made too",
    code: `${slow}.process({ onElement: (o) => [o.id], onBroadcast: (a) => [a.url] }).count()`,
    error: "TS2339: Property 'count' does not exist on type 'Stream<string, string | null>'.",
  },
  {
    title: "a union with a broadcast stream",
    code: `stream(orders).union(stream(orders).broadcast())`,
    error:
      "TS2739: Type 'Broadcast<Order>' is missing the following properties from type 'Elements<Order, unknown>': [element], [currentKey]",
  },
  {
    title: "broadcasting dates",
    code: `stream(orders).map(() => new Date()).broadcast()`,
    error:
      "TS2741: Property 'mistake' is missing in type 'Stream<Date, string>' but required in type 'Mistake<\"the element cannot cross a keyBy; use JSON values, bigint or Uint8Array (a date as epoch milliseconds)\">'.",
  },
];
