/** O3 on shuffles: a task takes each bundle of an upstream task once, in order of its number, and stops at a gap. */

import { json, milliseconds, monotonic, operator, stream, text, topic, tumbling } from "millrace";
import { beforeEach, describe, expect, test } from "vitest";
import { ColumnBuilder } from "../../lib/state/value-encoding.ts";
import { type BundleHead, encodeBundle } from "../../lib/wire/bundle.ts";
import { type Environment, World } from "./environments.ts";

const words = topic("words", { value: text(), watermark: monotonic() });
const totals = topic("totals", { value: json<number>() });

const counting = operator(
  "counting",
  stream(words)
    .keyBy((w) => w)
    .count()
    .to(totals.from(({ value }) => value)),
);
const SHUFFLE = "counting--by-key";

let world: World;
let environment: Environment;

beforeEach(async () => {
  world = await new World([counting]).createTopics();
  environment = world.environment();
});

/** Writes bundles of one element each to the shuffle and delivers them as one batch. */
async function receive(...heads: readonly Partial<BundleHead>[]): Promise<void> {
  const values = () => {
    const column = new ColumnBuilder();
    column.push("w");
    return column;
  };
  const records = heads.map((head) => ({
    key: null,
    value: encodeBundle({ task: "counting/words-0", generation: 0, number: 1, watermarkMs: 0, idle: false, ...head }, [
      { kind: "elements", side: 0, keys: ["k"], timestampsMs: [1_000], values: values() },
    ]),
    timestampMs: 1_000,
    headers: [],
  }));
  const from = (await world.broker.offsets(SHUFFLE))[0]?.high ?? 0;
  await world.broker.produce([{ topic: SHUFFLE, partition: 0, records }]);
  await environment.deliver(SHUFFLE, from);
}

/** How many elements were counted so far. */
const taken = async () => (await world.texts("totals")).length;

describe("a bundle", () => {
  test("with the next number is taken", async () => {
    await receive({ number: 1 }, { number: 2 });
    await receive({ number: 3 });
    expect(await taken()).toBe(3);
  });

  test("with the same or a lower number is dropped and counted as a duplicate", async () => {
    await receive({ number: 1 }, { number: 2 }, { number: 2 }, { number: 1 });
    await receive({ number: 1 }, { number: 2 }, { number: 3 });
    expect(await taken()).toBe(3);
    expect(world.reports.reduce((sum, { duplicates }) => sum + duplicates, 0)).toBe(4);
  });

  test("behind a gap is a loud error, before anything of its batch is committed", async () => {
    await receive({ number: 1 });
    await expect(receive({ number: 2 }, { number: 4 })).rejects.toThrow(
      "Shuffle counting--by-key-0 lacks bundles 3 to 3 of counting/words-0 before offset 2: the topic lost records or was truncated. Reset function counting--by-key to count from what is left.",
    );
    expect(await taken()).toBe(1);
    expect(await world.head(SHUFFLE)).toBe(1);
  });

  test("that is the first of its task and not number 1 is a loud error", async () => {
    await expect(receive({ number: 2 })).rejects.toThrow("lacks bundles 1 to 1 of counting/words-0");
  });

  test("of a higher generation begins at 1 again", async () => {
    await receive({ number: 1 }, { number: 2 }, { generation: 1, number: 1 }, { generation: 1, number: 2 });
    expect(await taken()).toBe(4);
    await expect(receive({ generation: 2, number: 3 })).rejects.toThrow("lacks bundles 1 to 2 of counting/words-0");
  });

  test("of a lower generation is dropped, whatever its number", async () => {
    await receive({ generation: 1, number: 1 }, { generation: 0, number: 1 }, { generation: 0, number: 99 });
    expect(await taken()).toBe(1);
    await receive({ generation: 1, number: 2 });
    expect(await taken()).toBe(2);
  });

  test("of a task that the application does not have is a loud error", async () => {
    await expect(receive({ task: "counting/words-7" })).rejects.toThrow(
      /holds a bundle of counting\/words-7, which this application does not have/,
    );
  });

  test("is remembered over a restart", async () => {
    await receive({ number: 1 });
    environment = world.environment();
    await receive({ number: 1 }, { number: 2 });
    expect(new Set(await world.texts("totals"))).toEqual(new Set(["1", "2"]));
    environment = world.environment();
    await expect(receive({ number: 4 })).rejects.toThrow("lacks bundles 3 to 3");
  });
});

describe("what is no bundle", () => {
  test("is a loud error, as only Millrace may write to a shuffle", async () => {
    await world.write(SHUFFLE, { value: null });
    await expect(environment.deliver(SHUFFLE, 0)).rejects.toThrow(
      "Record 0 of shuffle counting--by-key-0 has no value: only Millrace may write to a shuffle.",
    );
    await world.createTopics();
    await world.write(SHUFFLE, { value: "hello" });
    await expect(world.environment().deliver(SHUFFLE, 0)).rejects.toThrow("by somebody else");
  });
});

describe("counters of bundles per upstream task", () => {
  const two = topic("more-words", { value: text(), watermark: monotonic() });
  const both = operator(
    "counting",
    stream(words)
      .union(stream(two))
      .keyBy((w) => w)
      .window(tumbling(milliseconds(5_000)))
      .reduce((a) => a)
      .to(totals.from(() => 1)),
  );

  test("are apart, and each has its own watermark", async () => {
    world = await new World([both]).createTopics();
    environment = world.environment();
    await receive({ number: 1, watermarkMs: 9_999 }, { number: 2, watermarkMs: 9_999 });
    expect(world.reports.at(-1)?.watermarkMs).toBe(Number.NEGATIVE_INFINITY);
    await receive({ task: "counting/more-words-0", number: 1, watermarkMs: 4_998 });
    expect(world.reports.at(-1)?.watermarkMs).toBe(4_998);
    await receive({ task: "counting/more-words-0", number: 2, watermarkMs: 20_000 });
    expect(world.reports.at(-1)?.watermarkMs).toBe(9_999);
  });
});
