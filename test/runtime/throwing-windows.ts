/** Windows with an author's function that throws, one for each place where there can be one. */

import { customEvictor, customTrigger, customWindows, session, sliding, tumbling, valueState } from "millrace";
import {
  after,
  check,
  elements,
  FIRST,
  keyed,
  most,
  ms,
  other,
  out,
  type Place,
  pass,
  remembering,
  sums,
  window,
} from "./throwing.ts";

export const WINDOWS: readonly Place[] = [
  [
    "window",
    "sum, before the shuffle",
    keyed
      .window(window)
      .sum(({ n }) => check(n))
      .to(out),
  ],
  [
    "window",
    "topN, in sliding windows",
    keyed
      .window(sliding(ms(10), ms(5)))
      .topN(2, ({ n }) => check(n))
      .to(out),
  ],
  [
    "window",
    "add of a custom aggregate, sessions",
    keyed
      .window(session(ms(5)))
      .aggregate((on) => on.custom({ ...sums, add: (sum, { n }) => sum + check(n) }))
      .to(out),
  ],
  [
    "window",
    "add without merge",
    keyed
      .window(window)
      .aggregate((on) =>
        on.custom({ create: sums.create, add: (sum: number, { n }) => sum + check(n), result: sums.result }),
      )
      .to(out),
  ],
  [
    "window",
    "result of a custom aggregate",
    keyed
      .window(window)
      .aggregate((on) => on.custom({ ...sums, result: (sum) => check(sum - FIRST) }))
      .to(out),
  ],
  [
    "window",
    "result in sliding windows",
    keyed
      .window(sliding(ms(10), ms(10)))
      .aggregate((on) => on.custom({ ...sums, result: (sum) => check(sum - FIRST) }))
      .to(out),
  ],
  [
    "window",
    "result of sessions",
    keyed
      .window(session(ms(5)))
      .aggregate((on) => on.custom({ ...sums, result: (sum) => check(sum - FIRST) }))
      .to(out),
  ],
  [
    "window (process)",
    "process",
    elements(keyed)
      .process((all) => after(most(all.map(({ n }) => n)), pass(all)))
      .to(out),
  ],
  [
    "window (process)",
    "process, half-way",
    elements(keyed)
      .process(function* (all) {
        for (const { n } of all) yield check(n);
      })
      .to(out),
  ],
  [
    "window (gap)",
    "gap of sessions",
    keyed
      .window(session(({ n }) => ms(check(n))))
      .count()
      .to(out),
  ],
  [
    "window (assign)",
    "assign of custom windows",
    keyed
      .window(customWindows({ assign: ({ n }, timeMs) => [{ startMs: timeMs, endMs: timeMs + check(n) }] }))
      .count()
      .to(out),
  ],
  [
    "evictor",
    "evictor before",
    elements(keyed)
      .evictor(customEvictor({ before: (all) => after(most(all.map(({ value }) => value.n)), all) }))
      .process(pass)
      .to(out),
  ],
  [
    "evictor",
    "evictor after",
    elements(keyed)
      .evictor(customEvictor({ after: (all) => after(most(all.map(({ value }) => value.n)), all) }))
      .process(pass)
      .to(out),
  ],
  [
    "trigger",
    "onElement",
    keyed
      .window(window)
      .trigger(customTrigger({ state: () => 0, onElement: ({ n }) => after(n, "fire") }))
      .count()
      .to(out),
  ],
  [
    "trigger",
    "onEventTime",
    keyed
      .window(window)
      .trigger(
        remembering({
          onEventTime: (timeMs, { state, maxTimestampMs }) =>
            timeMs < maxTimestampMs ? after(state, "continue") : "fire",
        }),
      )
      .count()
      .to(out),
    "stays",
  ],
  [
    "trigger",
    "onProcessingTime",
    keyed
      .window(tumbling(ms(10), { time: "processing" }))
      .trigger(
        remembering({
          onProcessingTime: (timeMs, { state, maxTimestampMs }) =>
            timeMs < maxTimestampMs ? after(state, "continue") : "fire",
        }),
      )
      .count()
      .map(({ key }) => key)
      .to(out),
    "stays",
  ],
  [
    "trigger",
    "onMerge of sessions",
    keyed
      .window(session(ms(4)))
      .trigger(
        remembering({
          onMerge: (merged, context) => {
            for (const n of merged) context.state = check(n + 2);
          },
        }),
      )
      .count()
      .to(out),
  ],
  [
    "trigger",
    "clear",
    keyed
      .window(window)
      .trigger(remembering({ clear: ({ state }) => void check(state) }))
      .count()
      .to(out),
    "stays",
  ],
  [
    "window (clear)",
    "of a window's function",
    elements(keyed)
      .process(
        (all, { windowState }) => {
          windowState.most.set(most(all.map(({ n }) => n)));
          return [all.length];
        },
        {
          windowState: { most: valueState<number>() },
          clear: ({ windowState }) => void check(windowState.most.get() ?? 0),
        },
      )
      .to(out),
    "stays",
  ],
  [
    "aggregateAndProcess",
    "its function",
    keyed
      .window(window)
      .aggregateAndProcess(
        (on) => on.sum(({ n }) => n),
        (sum) => [check(sum - FIRST)],
      )
      .to(out),
  ],
  [
    "join",
    "its function",
    keyed
      .join(other)
      .window(window)
      .map((a, b) => [check(a.n), b.n])
      .to(out),
  ],
  [
    "coGroup",
    "its function",
    keyed
      .coGroup(other)
      .window(window)
      .flatMap((lefts, rights) => after(most(lefts.map(({ n }) => n)), [[lefts.length, rights.length]]))
      .to(out),
  ],
  [
    "window",
    "topKeys, by",
    keyed
      .window(window)
      .topKeys(
        5,
        (on) => on.sum(({ n }) => n),
        (sum) => check(sum - FIRST),
      )
      .to(out),
  ],
];
