/** Mistakes in process functions that must not compile, each with the first line of what the compiler says about it. */

import type { Mistake } from "./mistakes.ts";

const byId = "stream(orders).keyBy((order) => order.id)";

export const MISTAKES_OF_PROCESSES: readonly Mistake[] = [
  {
    title: "an async onElement",
    code: `${byId}.process({ onElement: async (order) => [order.id] })`,
    error:
      "TS2322: Type 'Promise<string[]>' is not assignable to type 'Promise<string[]> & Mistake<\"this function must not be async: use mapAsync\">'.",
  },
  {
    title: "an onElement that returns an object",
    code: `${byId}.process({ onElement: (order) => order })`,
    error:
      "TS2322: Type 'Order' is not assignable to type 'Order & Mistake<\"return an array or another iterable, or nothing\">'.",
  },
  {
    title: "an onTimer that returns a string",
    code: `${byId}.process({ onElement() {}, onTimer: ({ key }) => key })`,
    error:
      "TS2322: Type '({ key }: TimerCtx<string, NoInfer<Record<never, never>>>) => string' is not assignable to type '(ctx: TimerCtx<string, NoInfer<Record<never, never>>>) => string & Mistake<\"a string would become its characters: return it in an array\">'.",
  },
  {
    title: "a date in a state",
    code: `${byId}.process({ state: { at: valueState<{ on: Date }>() }, onElement() {} })`,
    error:
      "TS2739: Type 'Mistake<\".on cannot be kept in state; use JSON values, bigint or Uint8Array (a date as epoch milliseconds)\">' is missing the following properties from type 'StateDeclaration<unknown>': kind, [handle]",
  },
  {
    title: "a value of another type than the state's",
    code: `${byId}.process({ state: { n: valueState<number>() }, onElement(order, { state }) { state.n.set(order.id); } })`,
    error: "TS2345: Argument of type 'string' is not assignable to parameter of type 'number'.",
  },
  {
    title: "a value that does not fit the state's schema",
    code: `${byId}.process({ state: { a: mapState(Access) }, onElement(order, { state }) { state.a.set(order.id, { at: 1 }); } })`,
    error:
      "TS2739: Type '{ at: number; }' is missing the following properties from type '{ at: number; url: string; status: number; ms: number; user?: string | undefined; }': url, status, ms",
  },
  {
    title: "a state that is not declared",
    code: `${byId}.process({ state: { n: counterState() }, onElement(order, { state }) { state.m.add(); } })`,
    error: "TS2339: Property 'm' does not exist on type 'HandlesOf<NoInfer<{ n: StateDeclaration<CounterState>; }>>'.",
  },
  {
    title: "a timer at a date",
    code: `${byId}.process({ onElement(order, { timers }) { timers.eventTime(new Date()); } })`,
    error: "TS2345: Argument of type 'Date' is not assignable to parameter of type 'number'.",
  },
  {
    title: "a time to live as a number",
    code: `counterState({ ttl: 5_000 })`,
    error: "TS2322: Type 'number' is not assignable to type 'Duration'.",
  },
  {
    title: "a process function without a key",
    code: `stream(orders).process`,
    error: "TS2339: Property 'process' does not exist on type 'Stream<Order, string>'.",
  },
  {
    title: "a deduplicate by an object",
    code: `${byId}.deduplicate({ by: (order) => order })`,
    error: "TS2322: Type '(order: Order) => Order' is not assignable to type '(value: Order) => Key'.",
  },
  {
    title: "a connect of streams whose keys differ",
    code: `${byId}.connect(stream(access).keyBy((a) => a.ms))`,
    error:
      "TS2345: Argument of type 'KeyedStream<{ at: number; url: string; status: number; ms: number; user?: string | undefined; }, number>' is not assignable to parameter of type 'KeyedStream<{ at: number; url: string; status: number; ms: number; user?: string | undefined; }, number> & Mistake<\"the two streams have keys of different types, so none of them could be equal\">'.",
  },
];
