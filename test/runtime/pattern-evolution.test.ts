/** Patterns whose code changed and meets state of before: taken on where only conditions and functions changed, refused with a sentence where its structure did. */

import {
  boundedOutOfOrderness,
  json,
  minutes,
  type Operator,
  operator,
  type PatternOptions,
  seconds,
  stream,
  topic,
} from "millrace";
import { describe, expect, test } from "vitest";
import { World } from "./environments.ts";

type Step = { readonly id: string; readonly kind: string };

const steps = topic("steps", { value: json<Step>(), watermark: boundedOutOfOrderness(seconds(1)), partitions: 1 });
const out = topic("out", { value: json<string>(), partitions: 1 });

const version = (
  within: number,
  last = "b",
  { kind = "b", name = "pair", ...options }: PatternOptions & { kind?: string; name?: string } = {},
) =>
  operator(
    "evolving",
    stream(steps)
      .keyBy(({ id }) => id)
      .pattern(
        (p) =>
          p
            .begin("a", (element) => element.kind === "a")
            .followedBy(last, (element) => element.kind === kind)
            .within(minutes(within)),
        options,
      )
      .select((match) => Object.keys(match).join(), { name })
      .to(out),
  );

/** Gives elements to one version, and further ones to the next; returns what came out at the end. */
async function change(from: Operator, to: Operator): Promise<string[]> {
  const before = await new World([from]).createTopics();
  const write = (world: World, ...kinds: readonly string[]) =>
    world.write(
      "steps",
      ...kinds.map((kind, i) => ({
        value: JSON.stringify({ id: "x", kind }),
        timestampMs: 100_000 + world.nowMs + i * 5_000,
      })),
    );
  await write(before, "a", "o");
  await before.environment().deliver("steps", 0);
  await before.environment().deliver("evolving--by-key", 0);
  const after = Object.assign(new World([to]), {
    broker: before.broker,
    log: before.log,
    nowMs: before.nowMs + 10_000,
  });
  await write(after, "b", "c");
  await after.environment().deliver("steps", 2);
  await after.environment().tick("steps", "end");
  await after.environment().deliver("evolving--by-key", 1);
  return (await after.texts("out")).map((text) => JSON.parse(text) as string);
}

describe("state of a pattern that changed", () => {
  test.each<[string, Operator]>([
    ["nothing", version(30)],
    ["a condition", version(30, "b", { kind: "c" })],
  ])("is taken on: %s", async (_, to) => {
    expect(await change(version(30), to)).toEqual(["a,b"]);
  });

  test.each<[string, Operator, string]>([
    ["its time", version(10), "and its code has pattern (a, followedBy b, within 10 min; cells 2) now."],
    ["a stage's name", version(30, "c"), "and its code has pattern (a, followedBy c, within 30 min; cells 2) now."],
    ["its kind of time", version(30, "b", { time: "processing" }), "within 30 min; processing time; cells 2) now."],
  ])("is refused: %s", async (_, to, sentence) => {
    await expect(change(version(30), to)).rejects.toThrow(sentence);
  });

  test("under another name begins anew", async () => {
    expect(await change(version(30), version(10, "c", { name: "other" }))).toEqual([]);
  });
});
