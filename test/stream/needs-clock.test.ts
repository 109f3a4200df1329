/** Which functions wait for the clock, so that a deployment gives them a queue and a schedule, and which never ask. */

import {
  boundedOutOfOrderness,
  globalWindow,
  hours,
  json,
  minutes,
  monotonic,
  operator,
  processingTimeTrigger,
  purging,
  type Sink,
  seconds,
  session,
  stream,
  text,
  topic,
  tumbling,
  valueState,
} from "millrace";
import { expect, test } from "vitest";
import { needsClock } from "../../lib/stream/needs-clock.ts";
import { buildTopology } from "../../lib/stream/topology.ts";

const out = topic("out", { value: json<unknown>() });
/** Never idle: nothing is expected of silence. */
const plain = stream(topic("plain", { key: text(), value: text(), watermark: monotonic() }));
const idle = stream(
  topic("idle", {
    key: text(),
    value: text(),
    watermark: boundedOutOfOrderness(seconds(1), { idleAfter: seconds(5), whenIdle: "wait" }),
  }),
);
const state = (ttl?: ReturnType<typeof hours>) => ({ last: valueState<string>(ttl === undefined ? {} : { ttl }) });
const keyed = plain.keyedByTopicKey();

const cases: Record<string, readonly [Sink, boolean]> = {
  "no state": [plain.to(out), false],
  "no state, and a topic that may be idle": [idle.to(out), false],
  "a rolling count": [keyed.count().to(out.from(({ value }) => value)), false],
  "a rolling count of a topic that may be idle": [
    idle
      .keyedByTopicKey()
      .count()
      .to(out.from(({ value }) => value)),
    true,
  ],
  "windows in event time": [
    keyed
      .window(tumbling(minutes(1)))
      .count()
      .to(out.from(({ value }) => value)),
    false,
  ],
  "windows in processing time": [
    keyed
      .window(session(minutes(1), { time: "processing" }))
      .count()
      .to(out.from(({ value }) => value)),
    true,
  ],
  "a trigger of the clock": [
    keyed
      .window(globalWindow())
      .trigger(purging(processingTimeTrigger()))
      .count()
      .to(out.from(({ value }) => value)),
    true,
  ],
  "a process function": [keyed.process({ state: state(), onElement: (line) => [line] }).to(out), false],
  "a process function with timers": [
    keyed.process({ state: state(), onElement: (line) => [line], onTimer: () => [] }).to(out),
    true,
  ],
  "states with a time to live": [keyed.process({ state: state(hours(1)), onElement: (line) => [line] }).to(out), true],
};

test.each(Object.entries(cases))("%s", (_, [sink, expected]) => {
  const [plan] = buildTopology("test", [operator("tested", sink).definition]).functions;
  expect(needsClock(plan!)).toBe(expected);
});
