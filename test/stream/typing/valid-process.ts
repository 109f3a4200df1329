/** Process functions that must compile, and infer exactly this. Checked by tsc; never run. */

import {
  aggregatingState,
  counterState,
  hours,
  json,
  type KeyedStream,
  listState,
  mapState,
  minutes,
  reducingState,
  stream,
  text,
  valueState,
} from "millrace";
import { z } from "zod";
import {
  type Access,
  access,
  type Equal,
  expectType,
  kinds,
  type Open,
  type Order,
  orders,
  type Paid,
} from "./prelude.ts";

const Machine = z.object({ step: z.enum(["open", "paid"]), cents: z.number().default(0) });
const byId = stream(orders).keyBy((order) => order.id);

// The state machine of the documentation, with nothing annotated.
const machine = byId.process(
  {
    state: {
      machine: valueState(Machine),
      seen: mapState(json<number>(), { ttl: hours(24) }),
      urls: listState(text()),
      numbers: listState<number>(),
      most: reducingState<number>((a, b) => Math.max(a, b)),
      mean: aggregatingState({
        create: () => ({ sum: 0, n: 0 }),
        add: (a, ms: number) => ({ sum: a.sum + ms, n: a.n + 1 }),
        result: (a) => a.sum / a.n,
      }),
      count: counterState({ ttl: minutes(5), refresh: "read" }),
    },
    onElement(order, { key, state, timers, timestampMs, watermarkMs, processingTimeMs }) {
      expectType<Equal<typeof order, Order>>();
      expectType<Equal<typeof key, string>>();
      const before = state.machine.get();
      expectType<Equal<typeof before, { step: "open" | "paid"; cents: number } | undefined>>();
      // What is set is what the schema takes, what is read is what it gives.
      state.machine.set({ step: order.kind });
      const seen = state.seen.get("a");
      expectType<Equal<typeof seen, number | undefined>>();
      for (const [name, n] of state.seen.entries()) state.urls.add(`${name} ${n}`);
      const all = state.numbers.get();
      expectType<Equal<typeof all, readonly number[]>>();
      const mean = state.mean.add(state.most.add(state.count.add()));
      expectType<Equal<typeof mean, number>>();
      timers.eventTime(timestampMs + minutes(30));
      timers.deleteProcessingTime(Math.max(processingTimeMs, watermarkMs));
      if (order.kind === "open") return undefined;
      return [{ id: key, kind: "paid" as const }];
    },
    *onTimer({ key, firedAtMs, time }) {
      expectType<Equal<typeof time, "event" | "processing">>();
      if (firedAtMs > 0) yield { id: key, kind: "unpaid" as const };
    },
  },
  { name: "machine" },
);
expectType<Equal<typeof machine, KeyedStream<{ id: string; kind: "paid" } | { id: string; kind: "unpaid" }, string>>>();
const { unpaid } = machine.split({ unpaid: (r) => r.kind === "unpaid" });
expectType<Equal<typeof unpaid, KeyedStream<{ id: string; kind: "unpaid" }, string>>>();

// Without state, without a timer, without outputs.
const silent = byId.process({ onElement: (_, { timers }) => timers.eventTime(0), onTimer() {} });
expectType<Equal<typeof silent, KeyedStream<never, string>>>();
const plain = byId.process({ onElement: (order) => [order.id] });
expectType<Equal<typeof plain, KeyedStream<string, string>>>();

// A tuple as the key.
const pairs = stream(orders)
  .keyBy((order) => [order.tenant, order.id])
  .process({ onElement: (_, { key: [tenant] }) => [tenant] });
expectType<Equal<typeof pairs, KeyedStream<string, readonly [string, string]>>>();

const once = byId.deduplicate({ by: (order) => [order.tenant, order.id], ttl: hours(1), name: "once" });
expectType<Equal<typeof once, KeyedStream<Order, string>>>();

// Two streams.
const paid = byId.filter((order) => order.kind === "paid");
const met = paid.connect(stream(access).keyBy((a) => a.url)).process({
  state: { open: valueState<boolean>() },
  onLeft(order, { state }) {
    expectType<Equal<typeof order, Paid>>();
    state.open.set(true);
    return [{ kind: "a" as const, n: order.amount }];
  },
  onRight(a, { state }) {
    expectType<Equal<typeof a, Access>>();
    return state.open.get() ? [] : [{ kind: "b" as const, n: a.ms }];
  },
  onTimer: ({ firedAtMs }) => [firedAtMs],
});
expectType<Equal<typeof met, KeyedStream<{ kind: "a"; n: number } | { kind: "b"; n: number } | number, string>>>();
met.filter((r) => typeof r !== "number").to(kinds);

// A stream of less is a stream of more, whatever process functions it could have.
const wider: KeyedStream<Order, string> = byId.filter((order): order is Open => order.kind === "open");
wider.deduplicate();
