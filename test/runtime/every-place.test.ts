/**
 * Authors' functions that throw in any place of any operator, before a shuffle and behind it: a dead letter for each unit that failed, which names the place, and all
 * else as if that unit had never been, also where the environment is thrown away after every batch.
 */

import { at, milliseconds as ms, operator, type Sink, testDriver } from "millrace";
import { describe, expect, test } from "vitest";
import { rootsOf } from "../../lib/stream/graph.ts";
import { readRecordsOnce } from "./read-once.ts";
import { BAD, FIRST, items, others, out, REASON } from "./throwing.ts";
import { OPERATORS } from "./throwing-operators.ts";
import { WINDOWS } from "./throwing-windows.ts";

const PLACES = [...OPERATORS, ...WINDOWS].map(
  ([step, place, sink, rest = "gone"]) => [step, place, sink, rest] as const,
);

/** Runs an operator on elements of a key that may fail, with these numbers, among others; returns what is left but of that key's state. */
async function run(sink: Sink, bads: readonly number[], restartAfterEveryBatch: boolean) {
  const handler = operator("job", sink);
  const batchSize = restartAfterEveryBatch ? 2 : 100;
  await using driver = await testDriver(handler, { restartAfterEveryBatch, batchSize, startMs: 1_000 });
  const one = (timestampMs: number, key: string, n: number) => at(timestampMs, { key, n });
  if (rootsOf(sink as never).some((source) => source.topic.topicName === "others"))
    await driver.send(others, one(2, "good", 5), ...bads.slice(0, 1).map(() => one(2, "bad", 6)), one(3, "last", 7));
  const bad = bads.map((n, i) => one(3 + i, "bad", n));
  await driver.send(items, one(1, "good", 1), one(2, "good", 2), ...bad, one(5, "good", 3), one(6, "last", 4));
  await driver.advanceClock(ms(100));
  await driver.advanceWatermark(Number.POSITIVE_INFINITY);
  const cells = (await driver.state(handler)).filter(({ key }) => key !== "bad");
  return {
    results: (await readRecordsOnce(driver, out)).map(({ value }) => value),
    letters: await driver.deadLetters(handler),
    left: cells.map(({ table, namespace, key, value }) => [table, namespace, key, value]),
  };
}

describe.each(PLACES)("%s: %s", (step, _, sink, rest) => {
  test.each([false, true])("with a new environment after every batch: %s", async (restarts) => {
    const { results, letters, left } = await run(sink, [FIRST, BAD], restarts);
    expect(letters.map((letter) => [letter.step, letter.reason])).toEqual([[step, REASON]]);
    // Of a result nothing is left but its letter; of an element nothing, and what came before it counts.
    const gone = letters[0]?.kind === "result" ? [] : [FIRST];
    const instead = rest === "stays" ? [FIRST, BAD + 1] : rest === "before" ? [FIRST] : gone;
    const expected = await run(sink, instead, restarts);
    expect({ results, left }).toEqual({ results: expected.results, left: expected.left });
    expect(expected.letters).toEqual([]);
  });
});
