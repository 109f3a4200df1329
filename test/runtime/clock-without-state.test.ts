/** O2: who is given the clock commits what it made of it, although it keeps no state. */

import { type Ctx, json, operator, stream, testDriver, text, topic } from "millrace";
import { expect, test } from "vitest";
import { buildTopology } from "../../lib/stream/topology.ts";

const lines = topic("lines", { value: text() });
const stamped = topic("stamped", { value: json<{ line: string; atMs: number }>() });
const plain = topic("plain", { value: text() });

const stamp = operator(
  "stamp",
  stream(lines)
    .map((line, ctx: Ctx) => ({ line, atMs: ctx.processingTimeMs }))
    .to(stamped),
);
const shout = operator(
  "shout",
  stream(lines)
    .map((line) => line.toUpperCase())
    .to(plain),
);

test("a function that is given the context keeps a log, one that is not keeps none", () => {
  const topology = buildTopology("test", [stamp.definition, shout.definition]);
  expect(topology.functions.map(({ name, commits }) => [name, commits])).toEqual([
    ["stamp", true],
    ["shout", false],
  ]);
});

test("a batch that is processed again gives the bytes of the first time, whatever the clock says", async () => {
  await using driver = await testDriver(stamp, { startMs: 1_000 });
  await driver.send(lines, "a");
  await driver.restart();
  await driver.advanceClock(5_000);
  await driver.send(lines, "b");
  const records = await driver.readRecords(stamped);
  // The new environment cannot know that "a" arrived, and sends it again as it was.
  expect(records.map(({ value }) => value)).toEqual([
    { line: "a", atMs: 1_000 },
    { line: "a", atMs: 1_000 },
    { line: "b", atMs: 6_000 },
  ]);
  expect(records[1]?.identity).toEqual(records[0]?.identity);
});
