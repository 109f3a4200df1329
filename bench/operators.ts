/** Operators that the benchmarks run. */

import { boundedOutOfOrderness, counterState, json, operator, seconds, stream, text, topic, tumbling } from "millrace";
import type { PageView } from "./events.ts";

export const WINDOW_MS = 5_000;

const results = topic("results", {
  key: text(),
  value: json<{ user: string; count: number; startMs: number }>(),
  partitions: 1,
});
const watermark = boundedOutOfOrderness(seconds(1));

const plainViews = topic("plain-views", { value: json<PageView>(), watermark, partitions: 1 });

const nothing = topic("nothing", { value: json<never>(), partitions: 1 });

/** Counts in the task that reads the topic: no shuffle, one function. */
export const countInPlace = operator(
  "count-in-place",
  stream(topic("keyed-views", { key: text(), value: json<PageView>(), watermark, partitions: 1 }))
    .keyedByTopicKey()
    .window(tumbling(seconds(5)))
    .count()
    .to(results.from(({ key, value, window }) => ({ user: key, count: value, startMs: window.startMs }))),
);

/** The usual way: by a field, through a shuffle, with partial counts in it. */
export const countByUser = operator(
  "count-by-user",
  stream(plainViews)
    .keyBy((view) => view.user)
    .window(tumbling(seconds(5)))
    .count()
    .to(results.from(({ key, value, window }) => ({ user: key, count: value, startMs: window.startMs }))),
);

/** The same where every element must cross the shuffle, since the aggregate cannot be merged. */
export const countEach = operator(
  "count-each",
  stream(plainViews)
    .keyBy((view) => view.user)
    .window(tumbling(seconds(5)))
    .aggregate((on) => on.custom({ create: () => 0, add: (count) => count + 1, result: (count) => count }))
    .to(results.from(({ key, value, window }) => ({ user: key, count: value, startMs: window.startMs }))),
);

const byUser = stream(plainViews).keyBy((view) => view.user);

/** A process function that counts a user's views, and says nothing. */
export const countInState = operator(
  "count-in-state",
  byUser
    .process({
      state: { views: counterState() },
      onElement(_, { state }) {
        state.views.add();
      },
      onTimer() {},
    })
    .to(nothing),
);

/** The same with a timer for each view, which fires a second later. */
export const countWithTimers = operator(
  "count-with-timers",
  byUser
    .process({
      state: { views: counterState() },
      onElement(_, { state, timers, timestampMs }) {
        state.views.add();
        timers.eventTime(timestampMs + 1_000);
      },
      onTimer() {},
    })
    .to(nothing),
);
