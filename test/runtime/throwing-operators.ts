/** Operators but windows with an author's function that throws, one for each place where there can be one. */

import { aggregatingState, reducingState, table, valueState } from "millrace";
import { after, check, FIRST, keyed, ms, other, out, type Place, source, sums, versions } from "./throwing.ts";

export const OPERATORS: readonly Place[] = [
  [
    "map",
    "before the shuffle",
    source
      .map((i) => after(i.n, i))
      .keyBy(({ key }) => key)
      .count()
      .to(out),
  ],
  [
    "map",
    "behind it",
    keyed
      .map((i) => after(i.n, i))
      .count()
      .to(out),
  ],
  [
    "filter",
    "behind it",
    keyed
      .filter((i) => check(i.n) > 0)
      .count()
      .to(out),
  ],
  [
    "flatMap",
    "behind it, half-way",
    keyed
      .flatMap(function* (i) {
        yield i;
        check(i.n);
      })
      .count()
      .to(out),
  ],
  [
    "peek",
    "behind it",
    keyed
      .peek((i) => void check(i.n))
      .count()
      .to(out),
  ],
  [
    "split branch some",
    "behind it",
    keyed
      .split({ some: (i) => check(i.n) > 1 })
      .rest.count()
      .to(out),
  ],
  [
    "keyBy",
    "before the shuffle",
    source
      .keyBy((i) => after(i.n, i.key))
      .count()
      .to(out),
  ],
  [
    "keyBy",
    "behind a shuffle",
    keyed
      .sum(({ n }) => n)
      .keyBy(({ key, value }) => after(value - FIRST, key), { name: "again" })
      .count({ name: "two" })
      .to(out),
  ],
  ["aggregate", "count, rolling", keyed.aggregate((on) => on.count(({ n }) => check(n) > 0)).to(out)],
  ["sum", "rolling", keyed.sum(({ n }) => check(n)).to(out)],
  ["reduce", "rolling", keyed.reduce((a, b) => ({ key: a.key, n: a.n + check(b.n) })).to(out)],
  ["maxBy", "rolling", keyed.maxBy(({ n }) => check(n)).to(out)],
  [
    "aggregate",
    "rolling, result",
    keyed.aggregate((on) => on.custom({ ...sums, result: (sum) => check(sum - FIRST) })).to(out),
  ],
  ["process (onElement)", "process", keyed.process({ onElement: ({ n }) => [check(n)] }).to(out)],
  [
    "process (onTimer)",
    "process",
    keyed
      .process({
        state: { n: valueState<number>() },
        onElement({ n }, { state, timers }) {
          state.n.set(n);
          timers.eventTime(20);
        },
        onTimer: ({ state }) => [check(state.n.get() ?? 0)],
      })
      .to(out),
  ],
  [
    "process (onElement)",
    "reducingState",
    keyed
      .process({
        state: { n: reducingState<number>((a, b) => check(b) + a) },
        onElement: ({ n }, { state }) => [state.n.add(0), state.n.add(n)],
      })
      .to(out),
  ],
  [
    "process (onElement)",
    "aggregatingState",
    keyed
      .process({
        state: { n: aggregatingState({ create: () => 0, add: (a, n: number) => a + check(n), result: (a) => a }) },
        onElement: ({ n }, { state }) => [state.n.add(n)],
      })
      .to(out),
  ],
  ["deduplicate", "by", keyed.deduplicate({ by: ({ n }) => check(n) }).to(out)],
  [
    "process (onLeft)",
    "connect",
    keyed
      .connect(other)
      .process({ onLeft: ({ n }) => [check(n)], onRight: ({ n }) => [n] })
      .to(out),
  ],
  [
    "process (onRight)",
    "connect",
    other
      .connect(keyed)
      .process({ onRight: ({ n }) => [check(n)], onLeft: ({ n }) => [n] })
      .to(out),
  ],
  [
    "intervalJoin",
    "its function",
    keyed
      .intervalJoin(other)
      .between(ms(-100), ms(100))
      .map((a, b) => [check(a.n), b.n])
      .to(out),
  ],
  [
    "join",
    "with a table, its function",
    keyed
      .leftJoin(table(versions))
      .map((a, b) => [check(a.n), b?.n ?? null])
      .to(out),
    "before",
  ],
  ["to topic out", "topic.from before the shuffle", source.to(out.from(({ n }) => check(n)))],
  ["to topic out", "topic.from behind it", keyed.sum(({ n }) => n).to(out.from(({ value }) => check(value - FIRST)))],
];
