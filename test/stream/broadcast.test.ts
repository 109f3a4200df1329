/** Broadcast streams in a topology: a side of the one shuffle that goes to all of its partitions; and declarations that cannot be. */

import { describe, expect, test } from "vitest";
import { toText } from "../../lib/stream/describe.ts";
import { minutes, seconds } from "../../lib/stream/duration.ts";
import { json, text } from "../../lib/stream/format.ts";
import { counterState, mapState, valueState } from "../../lib/stream/process-state.ts";
import { stream } from "../../lib/stream/stream.ts";
import { table } from "../../lib/stream/table.ts";
import { topic } from "../../lib/stream/topic.ts";
import { buildTopology } from "../../lib/stream/topology.ts";
import { tumbling } from "../../lib/stream/tumbling.ts";
import { monotonic } from "../../lib/stream/watermark-strategy.ts";
import { define, problemsOf } from "./streams.ts";

const watermark = monotonic({ idleAfter: seconds(30) });
const payments = topic("payments", { value: text(), watermark, partitions: 3 });
const rules = topic("rules", { value: text(), watermark, partitions: 8 });
const limits = topic("limits", { key: text(), value: text(), watermark, compacted: true, partitions: 5 });
const quiet = topic("quiet", { key: text(), value: text(), watermark: monotonic(), compacted: true });
const out = topic("out", { value: json<unknown>() });

const key = (s: string) => s;
const byKey = stream(payments).keyBy(key);
const nothing = { onElement() {}, onBroadcast() {} };

const known = define("known", byKey.connect(table(limits).broadcast()).process(nothing).to(out));
const told = define(
  "told",
  stream(payments).connect(stream(rules).broadcast()).process(nothing, { name: "checks" }).to(out),
);

test("the broadcast side goes to all partitions of one shuffle, which has as many as the other side wants", () => {
  const { shuffle } = buildTopology("shop", [known]).functions[1]!;
  expect(shuffle?.sides.map(({ sends }) => sends)).toEqual(["by-key", "to-all"]);
  expect(shuffle?.partitions).toBe(3);
  expect(shuffle?.upstream).toHaveLength(3 + 5);
});

test("as text", () => {
  expect(
    toText(buildTopology("shop", [known, told]))
      .split("\n")
      .slice(2, 20),
  ).toEqual([
    "operator known  functions/known.ts:5",
    "├─ known",
    "│    reads   payments (3), limits (5)",
    "│    runs    keyBy → map → broadcast",
    "│    writes  known--by-key (3)",
    "└─ known--by-key",
    "     reads   known--by-key (3)",
    "     runs    connect (broadcast table)",
    "     writes  out (4)",
    "",
    "operator told  functions/told.ts:5",
    "├─ told",
    "│    reads   payments (3), rules (8)",
    "│    runs    forward broadcast → broadcast",
    "│    writes  told--broadcast (3)",
    "└─ told--broadcast",
    "     reads   told--broadcast (3)",
    "     runs    connect checks (broadcast stream)",
  ]);
});

describe("warns of a quiet topic without idleAfter", () => {
  const warningsOf = (...sinks: Parameters<typeof define>[1][]) =>
    buildTopology("shop", [define("a", ...sinks)]).warnings;
  const sentence = (how: string) =>
    `Operator "a" (functions/a.ts:5): the topic "quiet" is ${how} and has no idleAfter, so that while it is quiet nothing happens in event time; give it one, as in boundedOutOfOrderness(seconds(5), { idleAfter: seconds(30) }).`;
  const spread = table(quiet).broadcast();

  test("where it is read as a table", () => {
    expect(warningsOf(byKey.join(table(quiet)).map(key).to(out))).toEqual([sentence("read as a table")]);
    expect(warningsOf(byKey.join(table(limits)).map(key).to(out))).toEqual([]);
  });

  test("where it is broadcast and something waits for the watermark, once", () => {
    const timed = byKey.connect(spread).process({ ...nothing, onTimer() {} }, { name: "timed" });
    const counted = byKey.connect(spread).process({ ...nothing, onElement: (s) => [s] }, { name: "counted" });
    expect(
      warningsOf(
        timed.to(out),
        counted
          .window(tumbling(minutes(1)))
          .count()
          .to(out),
      ),
    ).toEqual([sentence("broadcast")]);
  });

  test("and not where nothing does", () => {
    expect(warningsOf(byKey.connect(spread).process(nothing).to(out))).toEqual([]);
  });
});

// biome-ignore lint/suspicious/noExplicitAny: what no compiler would let pass.
const unchecked = (connected: { process: unknown }) => connected.process as (spec?: any, options?: any) => any;

test.each<[string, () => unknown, RegExp]>([
  [
    "no function",
    () => unchecked(byKey.connect(stream(rules).broadcast()))(),
    /takes \{ state, broadcastState, onElement, onBroadcast, onTimer \}/,
  ],
  [
    "no onBroadcast where it alone keeps anything",
    () => unchecked(byKey.connect(stream(rules).broadcast()))({ onElement() {} }),
    /takes a function, not undefined/,
  ],
  [
    "an async onBroadcast",
    () => unchecked(byKey.connect(stream(rules).broadcast()))({ ...nothing, async onBroadcast() {} }),
    /must not be async/,
  ],
  [
    "a counter as broadcast state",
    () => unchecked(byKey.connect(stream(rules).broadcast()))({ ...nothing, broadcastState: { n: counterState() } }),
    /The broadcast state "n" is a counterState; there are valueState and mapState/,
  ],
  [
    "a ttl of broadcast state",
    () =>
      unchecked(byKey.connect(stream(rules).broadcast()))({
        ...nothing,
        broadcastState: { n: mapState({ ttl: minutes(1) }) },
      }),
    /The broadcast state "n" has a ttl, but the clocks of tasks differ/,
  ],
  [
    "broadcast state beside a table",
    () => unchecked(byKey.connect(table(limits).broadcast()))({ ...nothing, broadcastState: { n: valueState() } }),
    /is the table itself: declare none/,
  ],
  [
    "state per key without a key",
    () => unchecked(stream(payments).connect(stream(rules).broadcast()))({ ...nothing, state: { n: counterState() } }),
    /keeps state and timers per key; put a keyBy before connect/,
  ],
  [
    "a parallelism of nothing",
    () => stream(payments).connect(stream(rules).broadcast(), { parallelism: 0 }),
    /is a whole number from 1 to 128, not 0/,
  ],
  [
    "a stream that is not broadcast",
    () => byKey.connect(stream(rules) as never),
    /takes a keyed stream, or one that is broadcast/,
  ],
])("%s is refused", (_, make, sentence) => {
  expect(make).toThrow(sentence);
});

test("state behind keyedByTopicKey cannot meet what is broadcast: it has no shuffle", () => {
  const trusted = stream(topic("keyed", { key: text(), value: text(), watermark })).keyedByTopicKey();
  expect(problemsOf(define("a", trusted.connect(stream(rules).broadcast()).process(nothing).to(out)))).toEqual([
    `Operator "a" (functions/a.ts:5): the connect with a broadcast stream reads two inputs through one shuffle, which keyedByTopicKey cannot spare; use keyBy on both.`,
  ]);
});
