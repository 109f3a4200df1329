/** Collecting elements costs what is added, not what is there. */

import { at, boundedOutOfOrderness, json, operator, seconds, stream, testDriver, topic, tumbling } from "millrace";
import { expect, test } from "vitest";
import { accumulatorCheck } from "../../lib/operators/accumulator.ts";
import type { AggregatorSpec } from "../../lib/stream/aggregate.ts";
import { collectAll, composeSpecs } from "../../lib/stream/aggregators-collecting.ts";
import { countAll } from "../../lib/stream/aggregators-numeric.ts";

/** How many values of an accumulator are looked at for one more element. */
function looksOf(spec: AggregatorSpec, elements: number): number {
  let looks = 0;
  const element = () =>
    Object.defineProperty({}, "seen", {
      enumerable: true,
      get: () => {
        looks++;
        return 1;
      },
    });
  let accumulator = spec.create();
  for (let i = 0; i < elements; i++) accumulator = spec.add(accumulator, element());
  accumulatorCheck(spec)(accumulator);
  return looks;
}

test("only what was added last is checked, alone and beside other aggregates", () => {
  for (const spec of [
    collectAll(),
    composeSpecs([
      ["all", collectAll()],
      ["n", countAll()],
    ]),
  ]) {
    const few = looksOf(spec, 10);
    expect(few).toBeGreaterThan(0);
    expect(looksOf(spec, 1_000)).toBe(few);
  }
});

test("an element that cannot be kept is still found, and alone set aside", async () => {
  const events = topic("events", {
    value: json<{ n: number }>(),
    watermark: boundedOutOfOrderness(seconds(0)),
    partitions: 1,
  });
  const out = topic("collected", { value: json<unknown>() });
  const collect = operator(
    "collect",
    stream(events)
      .keyBy(() => "all")
      .window(tumbling(seconds(1)))
      .aggregate((on) => on.collect((event) => (event.n === 2 ? (new Map() as unknown as number) : event.n)))
      .to(out.from(({ value }) => value)),
  );
  await using driver = await testDriver(collect);
  await driver.send(events, at(1, { n: 1 }), at(2, { n: 2 }), at(3, { n: 3 }));
  await driver.advanceWatermark(1_000);
  expect(await driver.read(out)).toEqual([[1, 3]]);
  expect((await driver.deadLetters(collect)).map(({ reason }) => reason)).toEqual([expect.stringContaining("Map")]);
});
