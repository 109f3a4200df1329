/** Windows that must compile, and infer exactly this. Checked by tsc; never run. */

import {
  countEvictor,
  counterState,
  countTrigger,
  cumulative,
  customEvictor,
  customTrigger,
  customWindows,
  deltaEvictor,
  deltaTrigger,
  type GlobalWindow,
  globalWindow,
  type KeyedStream,
  listState,
  minutes,
  purging,
  type Result,
  type Stream,
  seconds,
  session,
  sliding,
  stream,
  type TimeWindow,
  tumbling,
  valueState,
  type WindowResult,
} from "millrace";
import { type Access, access, type Equal, expectType, type Order, orders } from "./prelude.ts";

const byUrl = stream(access).keyBy((a) => a.url);

// The window of a result is typed by the assigner.
const slid = byUrl.window(sliding(minutes(1), seconds(1))).count();
expectType<Equal<typeof slid, KeyedStream<WindowResult<string, number, TimeWindow>, string>>>();
const grown = byUrl.window(cumulative(minutes(1), minutes(60))).average((a) => a.ms);
expectType<Equal<typeof grown, KeyedStream<WindowResult<string, number, TimeWindow>, string>>>();
const counted = byUrl.countWindow(10, 5).maxBy((a) => a.ms);
expectType<Equal<typeof counted, KeyedStream<WindowResult<string, Access, GlobalWindow>, string>>>();

const rolled = byUrl.maxBy((a) => a.ms, { name: "slowest" });

// Several quantiles are as many numbers.
const near = byUrl.window(tumbling(minutes(1))).aggregate((on) => ({
  p95: on.quantile(0.95, (a) => a.ms),
  both: on.quantile([0.5, 0.99], (a) => a.ms, { error: 0.001 }),
  users: on.distinct((a) => a.user ?? null),
  pairs: on.distinct((a) => [a.url, a.status]),
}));
expectType<
  Equal<
    typeof near,
    KeyedStream<
      WindowResult<
        string,
        {
          readonly p95: number;
          readonly both: readonly [number, number];
          readonly users: number;
          readonly pairs: number;
        },
        TimeWindow
      >,
      string
    >
  >
>();
expectType<Equal<typeof rolled, KeyedStream<Result<string, Access>, string>>>();

// The best keys over all keys are no stream of keys any more.
const best = byUrl.window(sliding(minutes(10), minutes(1))).topKeys(
  10,
  (on) => ({ n: on.count(), ms: on.sum((a) => a.ms) }),
  ({ n, ms }) => ms / n,
);
expectType<
  Equal<
    typeof best,
    Stream<WindowResult<null, readonly Result<string, { readonly n: number; readonly ms: number }>[], TimeWindow>, null>
  >
>();

// Functions of elements know their type.
const sessions = byUrl
  .window(session((a) => (a.status >= 500 ? seconds(1) : minutes(30))))
  .process((elements, { key, window, timestampsMs, timestampMs }) => {
    expectType<Equal<typeof elements, readonly Access[]>>();
    expectType<Equal<typeof window, TimeWindow>>();
    expectType<Equal<typeof timestampsMs, readonly number[]>>();
    return [{ key, visits: elements.length, endedAt: timestampMs } as const];
  });
expectType<
  Equal<
    typeof sessions,
    KeyedStream<{ readonly key: string; readonly visits: number; readonly endedAt: number }, string>
  >
>();

// What a window's function keeps is typed by its declarations, wherever they stand.
const kept = byUrl.window(tumbling(minutes(1))).process(
  (elements, { key, window, windowState, globalState }) => {
    const before = windowState.worst.get();
    expectType<Equal<typeof before, number | undefined>>();
    globalState.urls.add(key);
    return [{ before, n: globalState.n.add(elements.length), startMs: window.startMs }];
  },
  {
    windowState: { worst: valueState<number>() },
    globalState: { urls: listState<string>(), n: counterState() },
    clear({ key, window, windowState, globalState }) {
      expectType<Equal<typeof window, TimeWindow>>();
      expectType<Equal<typeof key, string>>();
      if ((windowState.worst.get() ?? 0) > 5) globalState.n.clear();
    },
  },
);
expectType<Equal<typeof kept, KeyedStream<{ before: number | undefined; n: number; startMs: number }, string>>>();
byUrl.window(tumbling(minutes(1))).aggregateAndProcess(
  (on) => on.count(),
  (n, { windowState }) => [windowState.n.add(n)],
  { windowState: { n: counterState() } },
);

byUrl
  .window(customWindows({ assign: (a, timeMs) => [{ startMs: timeMs, endMs: timeMs + a.ms }] }))
  .trigger(purging(deltaTrigger(5, (last, a) => a.ms - last.ms)))
  .evictor(deltaEvictor(5, (a, last) => last.ms - a.ms))
  .topN(3, (a) => a.ms);

const judged = byUrl.window(tumbling(minutes(1))).aggregateAndProcess(
  (on) => on.average((a) => a.ms),
  (mean, { key, window }) => {
    expectType<Equal<typeof mean, number>>();
    expectType<Equal<typeof window, TimeWindow>>();
    return mean > 100 ? [{ slow: key, mean }] : [];
  },
);
expectType<Equal<typeof judged, KeyedStream<{ slow: string; mean: number }, string>>>();

byUrl
  .window(globalWindow())
  .trigger(
    customTrigger({
      state: () => ({ errors: 0 }),
      onElement(a, context) {
        expectType<Equal<typeof a, Access>>();
        expectType<Equal<typeof context.window, GlobalWindow>>();
        if (a.status >= 500) context.state = { errors: context.state.errors + 1 };
        return context.state.errors > 10 ? "fire-and-purge" : "continue";
      },
    }),
  )
  .evictor(customEvictor({ before: (elements) => elements.filter(({ value }) => value.status >= 500) }))
  .collect();

byUrl.window(tumbling(minutes(1)), { emit: { every: seconds(5), time: "processing" } }).count();
byUrl
  .window(tumbling(minutes(1)), { name: "per-minute", emit: "updates" })
  .trigger(countTrigger(3))
  .evictor(countEvictor(3));

// Windows over all elements have no key.
const all = stream(orders)
  .windowAll(tumbling(minutes(1)))
  .minBy((order) => order.id);
expectType<Equal<typeof all, Stream<WindowResult<null, Order, TimeWindow>, null>>>();
