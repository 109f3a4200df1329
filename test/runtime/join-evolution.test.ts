/** Joins whose code changed and meets state of before: taken on where it can be read, refused with a sentence where it would be misread. */

import {
  boundedOutOfOrderness,
  json,
  type KeyedStream,
  minutes,
  type Operator,
  operator,
  type Sink,
  seconds,
  stream,
  topic,
  tumbling,
} from "millrace";
import { describe, expect, test } from "vitest";
import { World } from "./environments.ts";

type Element = { readonly id: string; readonly n: number };
type Keyed = KeyedStream<Element, string>;

const watermark = boundedOutOfOrderness(minutes(10));
const declare = (name: string) => topic(name, { value: json<Element>(), watermark, partitions: 1 });
const out = topic("out", { value: json<string>(), partitions: 1 });

const version = (join: (left: Keyed, right: Keyed) => Sink) =>
  operator(
    "evolving",
    join(
      stream(declare("lefts")).keyBy(({ id }) => id),
      stream(declare("rights")).keyBy(({ id }) => id),
    ),
  );
const toPair = (left: Element, right: Element) => `${left.n}-${right.n}`;
const near = (n: number, name = "near") =>
  version((left, right) => left.intervalJoin(right).between(seconds(-n), seconds(n)).map(toPair, { name }).to(out));
const within = (n: number, name = "near") =>
  version((left, right) =>
    left
      .join(right)
      .window(tumbling(seconds(n)))
      .map(toPair, { name })
      .to(out),
  );

/** Gives a left element to one version and then a right one to the next; returns what came out at the end. */
async function change(from: Operator, to: Operator): Promise<string[]> {
  const before = await new World([from]).createTopics();
  const write = (world: World, side: string, n: number) =>
    world.write(side, { value: JSON.stringify({ id: "a", n }), timestampMs: 100_000 + n });
  await write(before, "lefts", 1);
  await before.environment().deliver("lefts", 0);
  await before.environment().deliver("evolving--by-key", 0);
  const after = Object.assign(new World([to]), { broker: before.broker, log: before.log, nowMs: before.nowMs + 1_000 });
  await write(after, "rights", 2);
  await after.environment().deliver("rights", 0);
  await after.environment().tick("lefts", "end");
  await after.environment().tick("rights", "end");
  await after.environment().deliver("evolving--by-key", 1);
  return (await after.texts("out")).map((text) => JSON.parse(text) as string);
}

describe("state of a join that changed", () => {
  test.each<[string, Operator, Operator]>([
    ["nothing", near(1), near(1)],
    ["the bounds of intervals a little", near(9), near(10)],
    ["nothing of windows", within(5), within(5)],
  ])("is taken on: %s", async (_, from, to) => {
    expect(await change(from, to)).toEqual(["1-2"]);
  });

  test.each<[string, Operator, Operator, string]>([
    [
      "the bounds of intervals by much",
      near(1),
      near(60),
      "keeps state of by-key/near as interval join by stretches of 800 and 800 ms, and its code has interval join by stretches of 51200 and 51200 ms now.",
    ],
    ["the size of windows", within(5), within(10), "two sides in tumbling of 10000 ms in event time, collect now."],
    ["its kind", near(1), within(5), "two sides in tumbling of 5000 ms in event time, collect now."],
  ])("is refused: %s", async (_, from, to, sentence) => {
    await expect(change(from, to)).rejects.toThrow(sentence);
  });

  test("under another name begins anew", async () => {
    expect(await change(near(1), near(60, "wide"))).toEqual([]);
  });
});

describe("the sides of a shuffle", () => {
  const declared = Object.fromEntries(
    ["lefts", "rights"].map((name) => [name, stream(declare(name)).keyBy(({ id }) => id)]),
  );
  const { lefts, rights } = declared as { lefts: Keyed; rights: Keyed };
  const meet = (left: Keyed, right: Keyed, name: string) =>
    left.intervalJoin(right).between(seconds(-1), seconds(1)).map(toPair, { name }).to(out);
  const third = stream(declare("thirds")).keyBy(({ id }) => id);

  test("may not change places at a step that keeps something of them", async () => {
    const swapped = (name: string) => operator("evolving", meet(rights, lefts, name));
    await expect(change(near(1), swapped("near"))).rejects.toThrow(
      "keeps state of by-key/near with lefts on the left and rights on the right, and its code has it the other way round now.",
    );
    expect(await change(near(1), swapped("far"))).toEqual([]);
  });

  test("may come in any order in the code", async () => {
    const near = meet(lefts, rights, "near");
    const other = meet(third, lefts, "other");
    expect(await change(operator("evolving", near), operator("evolving", other, near))).toEqual(["1-2"]);
  });

  test("may be followed by another, of a topic that was not read before", async () => {
    const before = operator("evolving", meet(lefts, rights, "near"));
    const after = operator("evolving", meet(lefts, rights, "near"), meet(lefts, third, "more"));
    const world = await new World([before]).createTopics();
    const write = (world: World, side: string, ms: number) =>
      world.write(side, { value: JSON.stringify({ id: "a", n: ms }), timestampMs: 100_000 + ms });
    const deliver = async (world: World, side: string) => {
      await world.environment().deliver(side, 0);
      await world.environment().deliver("evolving--by-key", 0);
    };
    await write(world, "lefts", 1);
    await deliver(world, "lefts");
    const next = Object.assign(new World([after]), { broker: world.broker, log: world.log });
    const settings = { compacted: false, retentionMs: undefined };
    await next.broker.ensureTopics([{ name: "thirds", partitions: 1, ...settings }]);
    await write(next, "thirds", 2);
    await write(next, "lefts", 3);
    for (const side of ["thirds", "lefts"]) await deliver(next, side);
    // What the new step did not see it does not know.
    expect((await next.texts("out")).map((text) => JSON.parse(text))).toEqual(["3-2"]);
    // And its watermark waits for the new topic.
    for (const side of ["lefts", "rights"]) await next.environment().tick(side, "end");
    await next.environment().deliver("evolving--by-key", 0);
    expect(next.reports.at(-1)?.watermarkMs).toBe(100_002 - minutes(10) - 1);
    await next.environment().tick("thirds", "end");
    await next.environment().deliver("evolving--by-key", 0);
    expect(next.reports.at(-1)?.watermarkMs).toBe(Number.POSITIVE_INFINITY);
  });
});
