/** A small pipeline for each transformation but windows, and the topics that they read and write. */

import {
  aggregatingState,
  boundedOutOfOrderness,
  counterState,
  dynamoTable,
  json,
  listState,
  mapState,
  milliseconds as ms,
  reducingState,
  route,
  type Sink,
  seconds,
  sink,
  stream,
  table,
  text,
  topic,
  tumbling,
  valueState,
} from "millrace";

export type Item = { readonly key: string; readonly n: number };

// Only what runs them moves the time.
const options = { key: text(), value: json<Item>(), watermark: boundedOutOfOrderness(seconds(1_000)), partitions: 1 };
export const items = topic("items", options);
export const others = topic("others", options);
export const versions = topic("versions", { ...options, compacted: true });
export const out = topic("out", { value: json<unknown>(), partitions: 1 });
/** A second place for what comes out: late elements, other branches. */
export const aside = topic("aside", { key: text(), value: json<Item>(), partitions: 1 });
export const rows = dynamoTable("rows", {
  partitionKey: { name: "key", value: (item: Item) => item.key },
  item: ({ n }) => (n % 7 === 0 ? null : { n }),
});
/** What the sink below was given, by id: once or again. */
export const taken = new Map<string, Item>();
export const given = sink("given", {
  write: async (batch: readonly { readonly id: string; readonly value: Item }[]) => {
    for (const { id, value } of batch) taken.set(id, value);
  },
});

/**
 * A name, and what makes the sinks of one operator. "by batch": what comes out depends on which elements are in a batch together, as they are gathered before the
 * shuffle.
 */
export type Kind = readonly [name: string, sinks: () => Sink | readonly Sink[], differs?: "by batch"];

const source = () => stream(items);
export const keyed = () => source().keyBy(({ key }) => key);
export const other = () => stream(others).keyBy(({ key }) => key);
const n = (item: Item) => item.n;
const pair = (left: Item, right: Item | undefined) => [left.key, left.n, right?.n ?? null];
const late = { left: aside, right: aside };

const STREAMS: readonly Kind[] = [
  [
    "map, filter, flatMap and peek",
    () =>
      source()
        .map((item) => ({ ...item, n: item.n + 1 }))
        .filter((item) => item.n % 5 !== 0)
        .flatMap((item) => [item, item])
        .peek(() => {})
        .to(out),
  ],
  [
    "split, and a union of the branches",
    () => {
      const { even, rest } = source().split({ even: (item) => item.n % 2 === 0 });
      return [even.to(aside), even.union(rest).keyedByTopicKey().count().to(out)];
    },
  ],
  ["keyedByTopicKey", () => source().keyedByTopicKey().sum(n).to(out)],
  [
    "keyBy twice",
    () =>
      keyed()
        .sum(n)
        .keyBy(({ value }) => value % 3, { name: "again" })
        .count({ name: "again" })
        .to(out),
  ],
  [
    "mapAsync",
    () =>
      keyed()
        .mapAsync({ call: async (item) => item.n * 2, timeout: ms(1_000) })
        .to(out),
  ],
  [
    "mapAsync in batches, as they come, behind state",
    () =>
      keyed()
        .sum(n)
        .mapAsync({
          callBatch: async (all) => all.map(({ value }) => value),
          maxBatchSize: 2,
          order: "unordered",
          timeout: ms(1_000),
        })
        .to(out),
  ],
  ["a topic", () => source().to(out)],
  ["route", () => source().to(route({ a: aside, b: out }, (item) => (item.n % 2 === 0 ? "a" : "b")))],
  [
    "a table",
    () =>
      keyed()
        .maxBy(n)
        .map(({ value }) => value)
        .to(rows),
  ],
  [
    "a sink",
    () =>
      keyed()
        .reduce((a, b) => ({ key: a.key, n: a.n + b.n }))
        .map(({ value }) => value)
        .to(given),
  ],
];

const ROLLING: readonly Kind[] = [
  ["rolling count", () => keyed().count().to(out)],
  ["rolling sum", () => keyed().sum(n).to(out)],

  ["rolling min", () => keyed().min(n).to(out)],
  ["rolling max", () => keyed().max(n).to(out)],
  ["rolling average", () => keyed().average(n).to(out)],
  ["rolling minBy", () => keyed().minBy(n).to(out)],
  ["rolling maxBy", () => keyed().maxBy(n).to(out)],
  [
    "rolling reduce",
    () =>
      keyed()
        .reduce((a, b) => ({ key: a.key, n: a.n * 2 + b.n }))
        .to(out),
  ],
  [
    "rolling aggregates at once",
    () =>
      keyed()
        .aggregate((on) => ({
          first: on.first(),
          last: on.last(),
          all: on.collect(n),
          most: on.topN(2, n),
          half: on.quantile(0.5, n),
          different: on.distinct(n),
          own: on.custom({ create: () => 0, add: (a: number, item) => a * 3 + item.n, result: (a) => a }),
        }))
        .to(out),
  ],
];

const PROCESS: readonly Kind[] = [
  [
    "process with every kind of state",
    () =>
      keyed()
        .process({
          state: {
            value: valueState<number>(),
            list: listState<number>(),
            map: mapState<number>(),
            reducing: reducingState<number>((a, b) => a * 2 + b),
            aggregating: aggregatingState({ create: () => 0, add: (a, b: number) => a + b, result: (a) => -a }),
            counter: counterState(),
            short: valueState<number>({ ttl: ms(5) }),
          },
          onElement(item, { state }) {
            const before = state.value.get() ?? null;
            state.value.set(item.n);
            state.list.add(item.n);
            state.map.set(`${item.n % 3}`, item.n);
            state.reducing.add(item.n);
            state.aggregating.add(item.n);
            state.counter.add(item.n);
            if (item.n % 4 === 0) state.short.set(item.n);
            const { list, map, reducing, aggregating, counter, short } = state;
            return [
              [
                before,
                list.get(),
                map.entries(),
                reducing.get(),
                aggregating.get(),
                counter.value,
                short.get() ?? null,
              ],
            ];
          },
        })
        .to(out),
  ],
  [
    "process with timers of both kinds",
    () =>
      keyed()
        .process({
          state: { sum: counterState() },
          onElement(item, { state, timers, timestampMs }) {
            state.sum.add(item.n);
            timers.eventTime(timestampMs + 5);
            timers.processingTime(1_030 + item.n);
            timers.deleteEventTime(timestampMs + 4);
            return [item.n];
          },
          onTimer: ({ key, time, firedAtMs, state }) => [[key, time, firedAtMs, state.sum.value]],
        })
        .to(out),
  ],
  [
    "deduplicate",
    () =>
      keyed()
        .deduplicate({ by: (item) => item.n % 3 })
        .to(out),
  ],
  [
    "deduplicate for a while",
    () =>
      keyed()
        .deduplicate({ ttl: ms(5) })
        .to(out),
  ],
  [
    "connect",
    () =>
      keyed()
        .connect(other())
        .process({
          state: { sum: counterState() },
          onLeft(item, { state, timers, timestampMs }) {
            state.sum.add(item.n);
            timers.eventTime(timestampMs + 10);
          },
          onRight: (item, { state }) => [[item.n, state.sum.value]],
          onTimer: ({ key, state }) => [[key, state.sum.value]],
        })
        .to(out),
  ],
  [
    "a broadcast stream",
    () =>
      keyed()
        .connect(stream(others).broadcast())
        .process({
          state: { sum: counterState() },
          broadcastState: { rules: mapState<number>() },
          onElement(item, { state, broadcastState }) {
            state.sum.add(item.n);
            return [[item.key, state.sum.value, broadcastState.rules.entries()]];
          },
          onBroadcast(item, { broadcastState }) {
            broadcastState.rules.set(item.key, item.n);
          },
        })
        .to(out),
  ],
  [
    "a broadcast stream beside elements without a key",
    () =>
      source()
        .connect(stream(others).broadcast())
        .process({
          broadcastState: { newest: valueState<number>() },
          onElement: (item, { broadcastState }) => [[item.n, broadcastState.newest.get() ?? null]],
          onBroadcast(item, { broadcastState }) {
            broadcastState.newest.set(item.n);
          },
        })
        .to(out),
  ],
  [
    "a broadcast table",
    () =>
      keyed()
        .connect(table(versions).broadcast())
        .process({ onElement: (item, { broadcastState }) => [[item.n, broadcastState.entries()]] })
        .to(out),
  ],
];

const JOINS: readonly Kind[] = [
  [
    "join in windows",
    () =>
      keyed()
        .join(other())
        .window(tumbling(ms(10)))
        .allowedLateness(ms(10))
        .lateTo(late)
        .map(pair)
        .to(out),
  ],
  [
    "coGroup",
    () =>
      keyed()
        .coGroup(other())
        .window(tumbling(ms(10)))
        .flatMap((lefts, rights, { key }) => [[key, lefts.map(n), rights.map(n)]])
        .to(out),
  ],
  ["intervalJoin", () => keyed().intervalJoin(other()).between(ms(-5), ms(5)).lateTo(late).map(pair).to(out)],
  ["join with a table", () => keyed().join(table(versions)).map(pair).to(out)],
  ["leftJoin with a table", () => keyed().leftJoin(table(versions)).map(pair).to(out)],
];

const PATTERNS: readonly Kind[] = [
  [
    "a pattern that times out",
    () =>
      keyed()
        .pattern((p) =>
          p
            .begin("a", (item) => item.n % 2 === 0)
            .followedBy("b")
            .where((item) => item.n % 3 === 0)
            .or((item) => item.n > 20)
            .notFollowedBy("c", (item) => item.n % 5 === 0)
            .within(ms(15)),
        )
        .lateTo(aside)
        .timedOut((partial) => ["in vain", partial.a?.n ?? null])
        .select(({ a, b }) => [a.n, b.n])
        .to(out),
  ],
  [
    "a pattern of several elements",
    () =>
      keyed()
        .pattern((p) =>
          p
            .begin("a", (item) => item.n % 2 === 0)
            .oneOrMore()
            .allowCombinations()
            .until((item) => item.n > 15)
            .notNext("b", (item) => item.n === 4)
            .followedByAny("c")
            .times(2)
            .consecutive()
            .next("d")
            .timesOrMore(1)
            .optional()
            .next("e")
            .within(ms(12))
            .afterMatch("past-last"),
        )
        .select(({ a, c, e }) => [a.map(n), c.map(n), e.n])
        .to(out),
  ],
  [
    "a greedy pattern",
    () =>
      keyed()
        .pattern((p) =>
          p
            .begin("a", (item) => item.n % 4 !== 0)
            .oneOrMore()
            .greedy()
            .next("b", (item) => item.n % 4 === 0),
        )
        .select(({ a, b }) => [a.map(n), b.n])
        .to(out),
  ],
];

export const OPERATORS: readonly Kind[] = [...STREAMS, ...ROLLING, ...PROCESS, ...JOINS, ...PATTERNS];
