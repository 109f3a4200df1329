/** Keys and values at the edges, through every operator that keeps something: they come out as they went in, each apart from all others, also after a restart. */

import {
  at,
  boundedOutOfOrderness,
  counterState,
  countTrigger,
  json,
  type Key,
  type KeyedStream,
  listState,
  milliseconds as ms,
  operator,
  type Sink,
  seconds,
  session,
  sliding,
  stream,
  testDriver,
  topic,
  tumbling,
  valueState,
} from "millrace";
import { expect, test } from "vitest";
import { encodeKey } from "../../lib/stream/key.ts";
import { readOnce } from "./read-once.ts";

const LONG = "long ".repeat(20_000);

/** By their number: JSON could not tell all of them. */
const ODD: readonly Key[] = [
  "",
  "\0",
  "\0\0",
  "\u0001",
  "\u0001sx",
  "\u0001(1:s",
  " ",
  "__proto__",
  "constructor",
  "toString",
  "é",
  "e\u0301",
  "\ud83d\ude00",
  "\ud83d",
  "\ude00",
  "\ufeff",
  "\u202eabc",
  "$m",
  '"\\\n',
  LONG,
  `${LONG}!`,
  0,
  -1,
  1.5,
  2 ** 53,
  -(2 ** 53),
  Number.MAX_VALUE,
  Number.MIN_VALUE,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  "0",
  "NaN",
  0n,
  2n ** 64n,
  true,
  false,
  "true",
  ["a", "b"],
  ["a,b"],
  ["a", ""],
  ["", "a"],
  [],
  [1, "1", 1n],
  [Number.NaN],
];

/** What is kept of an element, and what JSON has no words for. */
const VALUES = [
  Number.NaN,
  -0,
  2 ** 53,
  1e308,
  Number.NEGATIVE_INFINITY,
  2n ** 70n,
  null,
  "\ud800",
  "\0",
  "",
  "__proto__",
  { $m: "bytes", v: "AA==" },
  [undefined],
  new Uint8Array([0, 255]),
];

type Held = { readonly i: number; readonly held: unknown };

const items = topic("items", {
  value: json<number>(),
  watermark: boundedOutOfOrderness(seconds(1_000)),
  partitions: 1,
});
const others = topic("others", {
  value: json<number>(),
  watermark: boundedOutOfOrderness(seconds(1_000)),
  partitions: 1,
});
const out = topic("out", { value: json<[key: string, value: string]>(), partitions: 1 });

const from = (name: typeof items): KeyedStream<Held, Key> =>
  stream(name)
    .map((i): Held => ({ i, held: VALUES[i % VALUES.length] }))
    .keyBy(({ i }) => ODD[i % ODD.length] as Key);
const keyed = from(items);

/** What is the same only for the same value. */
const show = (value: unknown): string => {
  if (typeof value === "number") return Object.is(value, -0) ? "-0" : `n${value}`;
  if (typeof value === "bigint") return `${value}n`;
  if (value instanceof Uint8Array) return `bytes ${value.join(" ")}`;
  if (Array.isArray(value)) return `[${value.map(show).join()}]`;
  if (typeof value === "object" && value !== null)
    return `{${Object.entries(value).map(([name, one]) => `${name}: ${show(one)}`)}}`;
  return typeof value === "string" ? JSON.stringify(value) : String(value);
};
type One = { readonly key: Key; readonly value: Held };
const told = out.from(({ key, value }: One) => [encodeKey(key), show(value.held)]);
const asOne = (key: Key, value: Held): One => ({ key, value });
type Results = KeyedStream<One, Key>;
const OPERATORS: readonly (readonly [string, Results])[] = [
  ["a rolling reduce", keyed.reduce((_, b) => b).map(({ key, value }) => asOne(key, value))],
  ["a rolling maxBy", keyed.maxBy(({ i }) => i).map(({ key, value }) => asOne(key, value))],
  [
    "tumbling windows, before the shuffle",
    keyed
      .window(tumbling(ms(10)))
      .aggregate((on) => on.last())
      .map(({ key, value }) => asOne(key, value)),
  ],
  [
    "sliding windows",
    keyed
      .window(sliding(ms(10), ms(10)))
      .reduce((_, b) => b)
      .map(({ key, value }) => asOne(key, value)),
  ],
  [
    "sessions",
    keyed
      .window(session(ms(10)))
      .topN(1, ({ i }) => i)
      .map(({ key, value: [first] }) => asOne(key, first as Held)),
  ],
  [
    "windows that keep all elements",
    keyed.window(tumbling(ms(10))).process(([first], { key }) => [asOne(key, first as Held)]),
  ],
  [
    "windows with a trigger",
    keyed
      .window(tumbling(ms(10)))
      .trigger(countTrigger(1))
      .collect()
      .map(({ key, value: [first] }) => asOne(key, first as Held)),
  ],
  [
    "process functions",
    keyed.process({
      state: { one: valueState<Held>(), all: listState<Held>(), n: counterState() },
      onElement(value, { state, timers }) {
        state.one.set(value);
        state.all.add(value);
        timers.eventTime(50 + state.n.add());
      },
      onTimer: ({ key, state }) => [asOne(key, (state.n.value === 1 ? state.one.get() : state.all.get()[0]) as Held)],
    }),
  ],
  ["deduplicate", keyed.deduplicate().map((value) => asOne(ODD[value.i % ODD.length] as Key, value))],
  [
    "interval joins",
    keyed
      .intervalJoin(from(others))
      .between(ms(0), ms(0))
      .map((left) => asOne(ODD[left.i % ODD.length] as Key, left)),
  ],
  [
    "window joins",
    keyed
      .join(from(others))
      .window(tumbling(ms(10)))
      .map((left, right) => asOne(ODD[right.i % ODD.length] as Key, left)),
  ],
];

test.each(OPERATORS)("%s", async (name, results) => {
  const sink: Sink = results.to(told);
  const handler = operator("odd", sink);
  await using driver = await testDriver(handler, { restartAfterEveryBatch: true, batchSize: 20 });
  const sent = ODD.map((_, i) => at(1, i));
  if (name.endsWith("joins")) await driver.send(others, ...sent);
  await driver.send(items, ...sent);
  await driver.advanceWatermark(Number.POSITIVE_INFINITY);
  expect(await driver.deadLetters(handler)).toEqual([]);
  const expected = ODD.map((key, i) => [encodeKey(key), show(VALUES[i % VALUES.length])]);
  expect((await readOnce(driver, out)).sort()).toEqual(expected.sort());
});
