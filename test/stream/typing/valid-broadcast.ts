/** Connections with broadcast streams and tables that must compile, and infer exactly this. Checked by tsc; never run. */

import { counterState, type KeyedStream, mapState, records, type Stream, stream, table, valueState } from "millrace";
import { access, type Equal, expectType, latest, numbers, type Order, orders } from "./prelude.ts";

const byId = stream(orders).keyBy((order) => order.id);

// Everything is inferred, on both sides.
const checked = byId.connect(stream(access).broadcast()).process({
  state: { sum: counterState(), last: valueState<Order>() },
  broadcastState: { slow: mapState<number>(), on: valueState<boolean>() },
  onElement(order, { key, state, timers, broadcastState, watermarkMs }) {
    expectType<Equal<typeof order, Order>>();
    expectType<Equal<typeof key, string>>();
    timers.eventTime(watermarkMs + state.sum.add());
    const slow = broadcastState.slow.values();
    expectType<Equal<typeof slow, readonly number[]>>();
    return broadcastState.on.get() === true ? [{ id: order.id, slow: slow.length }] : [];
  },
  onBroadcast(a, { broadcastState, forEachKey }) {
    const { url, ms } = a;
    expectType<Equal<typeof url, string>>();
    broadcastState.slow.set(url, ms);
    broadcastState.on.set(true);
    forEachKey("last", (key, last) => {
      expectType<Equal<typeof key, string>>();
      const kept = last.get();
      expectType<Equal<typeof kept, Order | undefined>>();
      last.clear();
    });
  },
  onTimer: ({ firedAtMs, broadcastState }) => [broadcastState.slow.size + firedAtMs],
});
expectType<Equal<typeof checked, KeyedStream<{ id: string; slow: number } | number, string>>>();

// What onBroadcast makes has no key.
const told = byId.connect(stream(numbers).broadcast()).process({
  onElement: (order) => [order.id],
  onBroadcast: (n) => [n],
});
expectType<Equal<typeof told, Stream<string | number, string | null>>>();

// A table shows its newest values by its own keys; it may say nothing of its changes.
const known = byId.connect(table(latest).broadcast()).process({
  onElement(order, { broadcastState }) {
    const same = broadcastState.get(order.id);
    expectType<Equal<typeof same, Order | undefined>>();
    return broadcastState.entries().map(([key, other]) => `${key} ${other.id}`);
  },
});
expectType<Equal<typeof known, KeyedStream<string, string>>>();
byId.connect(table(latest).broadcast()).process({
  state: { n: counterState() },
  onElement() {},
  onBroadcast({ key, value }, { broadcastState, forEachKey }) {
    expectType<Equal<typeof key, string>>();
    expectType<Equal<typeof value, Order | null>>();
    forEachKey("n", (_, n) => n.add(broadcastState.size));
  },
});

// Without a key.
const spread = stream(orders)
  .connect(stream(numbers).broadcast(), { name: "with-numbers", parallelism: 2 })
  .process({
    broadcastState: { last: valueState<number>() },
    onElement: (order, { broadcastState }) => [{ id: order.id, n: broadcastState.last.get() ?? 0 }],
    onBroadcast: (n, { broadcastState }) => broadcastState.last.set(n),
  });
expectType<Equal<typeof spread, Stream<{ id: string; n: number }, null>>>();
const positions = records(orders)
  .connect(table(latest).broadcast())
  .process({ onElement: ({ offset }, { broadcastState }) => [offset + BigInt(broadcastState.size)] });
expectType<Equal<typeof positions, Stream<bigint, null>>>();

// What a keyed stream has become may be broadcast too.
byId.count().broadcast();
