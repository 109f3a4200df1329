/** A property over all of it: whatever the elements, partitions, batches, repeats and restarts, windows hold what a direct count finds. */

import fc from "fast-check";
import { at, boundedOutOfOrderness, milliseconds, testDriver } from "millrace";
import { describe, expect, test } from "vitest";
import { type Counted, clicksTopic, counted, countPerUser } from "./clicks.ts";
import { World } from "./environments.ts";
import { readOnce } from "./read-once.ts";

const SIZE_MS = 1_000;
const SPREAD_MS = 20_000;

const click = fc.record({
  user: fc.constantFrom("ann", "bob", "cyd", "dan"),
  ms: fc.integer({ min: 0, max: SPREAD_MS }),
  partition: fc.nat(2),
});

/** `start user count` of every window, from the elements themselves. */
function directly(clicks: readonly { readonly user: string; readonly ms: number }[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { user, ms } of clicks) {
    const place = `${Math.floor(ms / SIZE_MS) * SIZE_MS} ${user}`;
    counts[place] = (counts[place] ?? 0) + 1;
  }
  return counts;
}

const asRecord = (results: readonly Counted[]) =>
  Object.fromEntries(results.map(({ startMs, user, count }) => [`${startMs} ${user}`, count]));

// The bound is as wide as the elements are apart: nothing is late.
const source = clicksTopic(boundedOutOfOrderness(milliseconds(SPREAD_MS)), 3);
const counting = countPerUser({ source, size: SIZE_MS });

describe("nothing is lost and nothing counts twice", () => {
  test("however elements are spread over partitions, calls, batches and environments", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(click, { minLength: 1, maxLength: 6 }), { maxLength: 8 }),
        fc.integer({ min: 1, max: 5 }),
        fc.boolean(),
        async (calls, batchSize, restartAfterEveryBatch) => {
          await using driver = await testDriver(counting, {
            partitions: "declared",
            batchSize,
            restartAfterEveryBatch,
            strict: false,
          });
          for (const call of calls)
            await driver.send(source, ...call.map(({ user, ms, partition }) => at(ms, { user }, { partition })));
          await driver.advanceWatermark(Number.POSITIVE_INFINITY);
          expect(driver.late).toBe(0);
          expect(asRecord(await readOnce(driver, counted))).toEqual(directly(calls.flat()));
        },
      ),
      { numRuns: 60 },
    );
  });

  test("however deliveries overlap, come back, and change their environment", async () => {
    const delivery = fc.record({ from: fc.nat(11), count: fc.integer({ min: 1, max: 6 }), environment: fc.nat(2) });
    await fc.assert(
      fc.asyncProperty(
        fc.array(click, { minLength: 12, maxLength: 12 }),
        fc.array(delivery, { maxLength: 10 }),
        async (clicks, deliveries) => {
          const world = await new World([counting]).createTopics();
          const inOrder = clicks.map(({ user, ms }) => ({
            value: JSON.stringify({ user }),
            timestampMs: Math.abs(ms),
          }));
          await world.write("clicks", ...inOrder);
          const environments = [0, 1, 2].map(() => world.environment());
          const deliver = async (topic: string, from: number, to: number, environment: number) => {
            const high = (await world.broker.offsets(topic))[0]?.high ?? 0;
            if (from < high) await environments[environment]?.deliver(topic, from, Math.min(to, high));
          };
          for (const { from, count, environment } of deliveries) {
            await deliver("clicks", from, from + count, environment);
            await deliver("count--by-key", from, from + count, environment);
          }
          await deliver("clicks", 0, 12, 0);
          await environments[1]?.tick("clicks", "end");
          await deliver("count--by-key", 0, Number.MAX_SAFE_INTEGER, 2);
          const once = new Map(
            (await world.read("counted")).map(({ identity, value }) => [
              JSON.stringify(identity),
              JSON.parse(new TextDecoder().decode(value)) as Counted,
            ]),
          );
          const expected = directly(clicks);
          expect(once.size).toBe(Object.keys(expected).length);
          expect(asRecord([...once.values()])).toEqual(expected);
        },
      ),
      { numRuns: 100 },
    );
  });
});
