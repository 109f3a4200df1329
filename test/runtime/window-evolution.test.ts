/** Windows whose code changed and meets state of before: taken on where it can be read, refused with a sentence where it would be misread. */

import {
  boundedOutOfOrderness,
  countTrigger,
  json,
  milliseconds,
  type Operator,
  operator,
  seconds,
  session,
  sliding,
  stream,
  text,
  topic,
  tumbling,
} from "millrace";
import { describe, expect, test } from "vitest";
import { World } from "./environments.ts";

const items = topic("items", {
  key: text(),
  value: json<number>(),
  watermark: boundedOutOfOrderness(milliseconds(0)),
  partitions: 1,
});
const out = topic("out", { value: json<unknown>(), partitions: 1 });
const keyed = stream(items).keyedByTopicKey();

const version = (sinks: Parameters<typeof operator>[1]) => operator("evolving", sinks);
const perTwoSeconds = version(
  keyed
    .window(tumbling(seconds(2)))
    .count()
    .to(out),
);

/** Gives the element 1 at 1,000 ms to one version and then 2 at `atMs` to the next; returns what that says. */
async function change(from: Operator, to: Operator, atMs = 1_500): Promise<unknown[]> {
  const before = await new World([from]).createTopics();
  await before.write("items", { key: "k", value: "1", timestampMs: 1_000 });
  await before.environment().deliver("items", 0);
  const after = Object.assign(new World([to]), { broker: before.broker, log: before.log, nowMs: before.nowMs + 1_000 });
  await after.write("items", { key: "k", value: "2", timestampMs: atMs });
  await after.environment().deliver("items", 1);
  return (await after.read("out")).map(({ value }) => JSON.parse(new TextDecoder().decode(value as Uint8Array)));
}

describe("windows that changed", () => {
  test.each([
    [
      "a size",
      version(
        keyed
          .window(tumbling(seconds(3)))
          .count()
          .to(out),
      ),
      "tumbling of 3000 ms in event time, count",
    ],
    [
      "an offset",
      version(
        keyed
          .window(tumbling(seconds(2), { offset: seconds(1) }))
          .count()
          .to(out),
      ),
      "tumbling of 2000 ms from 1000 ms in event time, count",
    ],
    [
      "a kind",
      version(
        keyed
          .window(sliding(seconds(2), seconds(1)))
          .count()
          .to(out),
      ),
      "sliding of 2000 ms by 1000 ms in event time, count",
    ],
    [
      "another kind",
      version(
        keyed
          .window(session(seconds(2)))
          .count()
          .to(out),
      ),
      "session in event time, count",
    ],
    [
      "an aggregate",
      version(
        keyed
          .window(tumbling(seconds(2)))
          .average((n) => n)
          .to(out),
      ),
      "tumbling of 2000 ms in event time, average",
    ],
    [
      "a trigger",
      version(
        keyed
          .window(tumbling(seconds(2)))
          .trigger(countTrigger(2))
          .count()
          .to(out),
      ),
      "tumbling of 2000 ms in event time, count, trigger count",
    ],
  ])("in %s refuse the state of before", async (_, to, shape) => {
    await expect(change(perTwoSeconds, to)).rejects.toThrow(
      `keeps state of by-key/window as tumbling of 2000 ms in event time, count, and its code has ${shape} now. Give the step another name to begin anew beside it, or reset function evolving.`,
    );
  });

  test("begin anew under another name", async () => {
    const renamed = version(
      keyed
        .window(tumbling(seconds(3)), { name: "longer" })
        .count()
        .to(out),
    );
    expect(await change(perTwoSeconds, renamed, 9_000)).toEqual([]);
  });

  test("in their lateness go on", async () => {
    const lenient = version(
      keyed
        .window(tumbling(seconds(2)))
        .allowedLateness(seconds(9))
        .count()
        .to(out),
    );
    expect(await change(perTwoSeconds, lenient, 9_000)).toEqual([
      { key: "k", value: 1, window: { startMs: 0, endMs: 2_000 } },
    ]);
  });

  test("in the gap of sessions go on: a session says itself how long it is", async () => {
    const gap = (s: number) =>
      version(
        keyed
          .window(session(seconds(s)))
          .count()
          .to(out),
      );
    expect(await change(gap(2), gap(5), 9_000)).toEqual([
      { key: "k", value: 1, window: { startMs: 1_000, endMs: 3_000 } },
    ]);
  });
});
