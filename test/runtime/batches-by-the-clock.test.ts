/** Windows of the clock are aggregated before the shuffle too: a key's elements of a batch cross as one, and are of the window in which that is received. */

import { cumulative, type KeyedStream, minutes, type Operator, seconds, sliding, tumbling } from "millrace";
import { describe, expect, test } from "vitest";
import { decodeBundle } from "../../lib/wire/bundle.ts";
import { World } from "./environments.ts";
import { nextOf, one, resultsOf, SHUFFLE, write } from "./evolution-world.ts";

type Items = KeyedStream<{ readonly id: string; readonly n: number }, string>;

const TIME = { time: "processing" } as const;

function sumIn(assigner: Parameters<Items["window"]>[0]): Operator {
  return one((items) =>
    items
      .window(assigner)
      .sum(({ n }) => n)
      .map(({ value }) => value),
  );
}

/** Numbers 1 to 3 in a batch, and 4 in another, sent and not received. */
async function send(handler: Operator): Promise<World> {
  const world = await new World([handler]).createTopics();
  const environment = world.environment();
  for (const n of [1, 2, 3]) await write(world, "lefts", n);
  await environment.deliver("lefts", 0);
  await write(world, "lefts", 4);
  await environment.deliver("lefts", 3);
  return world;
}

/** What the bundles with anything in them carry. */
async function sentIn(world: World) {
  const bundles = (await world.read(SHUFFLE)).map(({ value }) => decodeBundle(value).columns);
  return bundles.filter((columns) => columns.length > 0);
}

/** What comes out when one bundle is received at a time, five seconds apart. */
async function receive(world: World): Promise<unknown[]> {
  const environment = world.environment();
  for (const [at, { value }] of (await world.read(SHUFFLE)).entries()) {
    await environment.deliver(SHUFFLE, at, at + 1);
    if (decodeBundle(value).columns.length > 0) world.nowMs += 5_000;
  }
  world.nowMs += 60_000;
  await environment.tick(SHUFFLE);
  return (await resultsOf(world)).results;
}

test.each([
  ["tumbling", tumbling(seconds(5), TIME), [6, 4]],
  ["sliding", sliding(seconds(10), seconds(5), TIME), [6, 10, 4]],
  ["cumulative", cumulative(seconds(5), seconds(10), TIME), [6, 10]],
])("%s windows hold what is received while they are open, batch by batch", async (_, assigner, results) => {
  const world = await send(sumIn(assigner));
  const sent = await sentIn(world);
  expect(sent).toMatchObject([
    [{ kind: "partials", windows: [{ accumulators: [6], elements: [3] }] }],
    [{ kind: "partials", windows: [{ accumulators: [4], elements: [1] }] }],
  ]);
  expect(await receive(world)).toEqual(results);
});

describe("what is under way when the code changes", () => {
  test("is taken by windows of any other length: it is of none as yet", async () => {
    const before = await send(sumIn(tumbling(minutes(5), TIME)));
    const after = nextOf(before, [sumIn(sliding(seconds(10), seconds(5), TIME))]);
    expect(await receive(after)).toEqual([6, 10, 4]);
  });

  test("is set aside where another aggregate, or windows in event time, could not read it", async () => {
    const counted = one((items) =>
      items
        .window(tumbling(seconds(5), TIME))
        .count()
        .map(({ value }) => value),
    );
    for (const [handler, now] of [
      [counted, "a batch by the clock, count"],
      [sumIn(tumbling(seconds(5))), "tumbling of 5000 ms in event time, sum"],
    ] as const) {
      const after = nextOf(await send(sumIn(tumbling(seconds(5), TIME))), [handler]);
      expect(await receive(after)).toEqual([]);
      const { letters } = await resultsOf(after);
      expect(letters).toHaveLength(2);
      expect(letters[0]).toContain(
        `partial result of a batch by the clock, sum, made before the shuffle, and evolving--by-key has ${now} now`,
      );
    }
  });
});
